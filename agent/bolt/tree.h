// Walks one subtree with large reads. Private to the room.
#pragma once

#include <array>
#include <vector>

#include "bolt/node.h"

namespace snap::bolt {

inline constexpr unsigned kMaxDepth = 32;  // levels; a sound tree of 2^64 items has fewer
inline constexpr size_t kMaxBranchBytes = 256 << 10;  // four keys of 32 KiB in 64 KiB pages fit

// Used by one thread.
class TreeWalker {
 public:
  // `tick` is called now and then; may be empty.
  TreeWalker(Shared& shared, std::function<void()> tick);

  // Visits the items below `page`, which no walker has claimed before, without the subtrees that
  // hold only keys below `from`. Damage is noted and walked around. Errors: cancelled, internal.
  Result<void> walk(uint64_t page, const KeyRange& range, unsigned level, Items items,
                    Visitor& visitor, Bytes from = {});

  // Claims and reads `page` if it is a branch, for the caller to walk its children. `damaged` means
  // that it was claimed or noted as damage, and has no children to walk.
  enum class Kind { leaf, branch, damaged };
  struct Branch {
    Kind kind = Kind::damaged;
    std::vector<std::byte> node = {};
    uint16_t count = 0;
  };
  Result<Branch> open_branch(uint64_t page, const KeyRange& range, unsigned level);

  // Whether a node can lie at the page that `element` of the branch `page` points to.
  bool check_child(uint64_t page, size_t element, uint64_t child);

  Window& window() { return window_; }

 private:
  // The rest of the children of a branch: what will be read after this one.
  struct Siblings {
    Bytes node;
    size_t index, count;
  };
  struct Task {
    Items items;
    Visitor& visitor;
    Bytes from;
  };

  Result<void> node(uint64_t page, const KeyRange& range, unsigned level, const Siblings* siblings,
                    const Task& task);
  Result<void> children(uint64_t page, Bytes node, uint16_t count, const KeyRange& range,
                        unsigned level, const Task& task);
  Result<void> large_leaf(uint64_t page, const PageHeader& header, const KeyRange& range,
                          const Task& task);
  Result<void> large_value(uint64_t offset, uint64_t size_bytes, const Task& task);
  // Claims the branch and copies it. False: damaged.
  Result<bool> take_branch(uint64_t page, const PageHeader& header, const KeyRange& range,
                           unsigned level, std::vector<std::byte>& into);
  // `pages` from `page` on into the window, and those of the siblings behind it that lie near.
  // False: the file ends before, which is noted.
  Result<bool> hold(uint64_t page, uint64_t pages, unsigned level, const Siblings* siblings);
  uint64_t run_length(uint64_t page, const Siblings& siblings) const;

  Shared& shared_;
  std::function<void()> tick_;
  Window window_;
  std::array<std::vector<std::byte>, kMaxDepth> branches_;  // those above the current node
  std::array<bool, kMaxDepth + 1> has_leaves_{};            // seen last at this level
  uint64_t last_span_ = 1;                                  // pages of the last leaf
};

}  // namespace snap::bolt
