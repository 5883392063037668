// Checks of one node, and what the walkers of a file share. Private to the room.
#pragma once

#include <atomic>
#include <format>
#include <mutex>
#include <optional>
#include <stop_token>

#include "bolt/marks.h"
#include "bolt/walk.h"

namespace snap::bolt {

// The keys that a subtree may hold: `low` and above, below `high` if there is one.
struct KeyRange {
  Bytes low;
  std::optional<Bytes> high;
};

// What all walkers of one file share.
struct Shared {
  const File& file;
  Meta meta;
  Damages& damages;
  std::stop_token stop;
  PageMarks used;
  std::unique_ptr<PageMarks> free = {};  // only when the file stores a freelist
  std::atomic<uint64_t> used_bytes = 0;  // looked at so far

  uint64_t offset(uint64_t page) const { return page * meta.page_bytes; }
  void damage(uint64_t page, std::string what) {
    damages.add({page, offset(page), std::move(what)});
  }
};

// Whether the header is that of a branch or leaf at `page`, whose pages lie in the file and are
// used by nobody else; marks them as used. Else damage is noted.
bool claim_node(Shared& shared, uint64_t page, const PageHeader& header);

enum class Items { pairs, buckets };  // what a leaf holds

// Where a node lies, for what is said about it.
struct Place {
  Spot at;
  std::string_view inline_bucket = {};  // its name when the node is an inline page
};

// Checks the elements of a leaf: bounds, no overlap, order, range, flags.
std::optional<Leaf> check_leaf(Damages& damages, const Place& place, Bytes node, uint16_t count,
                               const KeyRange& range, Items items);
// The same for a branch.
bool check_branch(Damages& damages, const Place& place, Bytes node, uint16_t count,
                  const KeyRange& range);

// Sees keys one by one and says what is wrong with their order.
class KeyOrder {
 public:
  explicit KeyOrder(const KeyRange& range) : range_(range) {}
  // Empty: in order. `key` stays valid until the next call.
  std::string_view next(Bytes key);

 private:
  KeyRange range_;
  std::optional<Bytes> last_;
};

inline Bytes branch_key(Bytes node, size_t index) {
  auto element = read_branch_element(node.data() + element_at(index));
  return node.subspan(element_at(index) + element.position, element.key_bytes);
}

// The first child of a branch that may hold keys of `from` and above.
size_t first_child(Bytes node, size_t count, Bytes from);

inline uint64_t branch_child(Bytes node, size_t index) {
  return read_branch_element(node.data() + element_at(index)).child;
}

}  // namespace snap::bolt
