// The complete walk over a bbolt file: every page is looked at once, every item is visited in key
// order, and everything that is wrong is collected.
//
// Checked is what `bbolt check` checks (every page below the high-water mark used at most once,
// types, keys ascending and within what their branch says, nothing both in use and free), and what
// a hostile file needs besides: bounds of every position and length, depth, cycles.
// Memory: one bit a page (two with a freelist), and a few MiB per thread.
// Source: etcd-io/bbolt@v1.4.3:tx_check.go.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "bolt/file.h"

namespace snap::bolt {

// Where something lies, for what is said about it.
struct Spot {
  uint64_t page = 0;
  uint64_t byte = 0;  // offset in the file
};

// One leaf in memory, its bounds and key order checked.
class Leaf {
 public:
  Leaf(const Spot& at, Bytes node, uint16_t count, Bytes packed)
      : at_(at), node_(node), count_(count), packed_(packed) {}

  const Spot& at() const { return at_; }
  size_t size() const { return count_; }
  Bytes key(size_t index) const;
  Bytes value(size_t index) const;
  bool is_bucket(size_t index) const;
  // Key 0, value 0, key 1, value 1 ... as they lie in the page, when nothing lies between them (so
  // bbolt writes); else empty.
  Bytes packed() const { return packed_; }

 private:
  Spot at_;
  Bytes node_;
  uint16_t count_;
  Bytes packed_;
};

// Sees the items of a part of a bucket in key order, from one thread. What it is given is valid
// during the call.
class Visitor {
 public:
  virtual ~Visitor() = default;
  virtual void leaf(const Leaf& leaf) = 0;
  // An item of a leaf larger than the window: its key, then its value in pieces.
  virtual void large_item(const Spot& at, Bytes key, uint64_t value_bytes) = 0;
  virtual void large_value(Bytes piece) = 0;
};

struct Bucket {
  std::string name;
  uint64_t root = 0;  // page; 0: the whole bucket is `inline_page`
  std::vector<std::byte> inline_page;
  Spot at;  // where it is named
};

struct WalkOptions {
  unsigned threads = 1;
  std::stop_token stop = {};
  std::function<void(uint64_t used_bytes)> progress =
      {};  // called on the caller's thread; may be empty
};

class Walk {
 public:
  // Chooses the meta page, reads freelist and bucket names. `file` and `damages` outlive the walk.
  // Errors: cancelled, internal (I/O). Nothing when there is no usable meta page.
  static Result<std::unique_ptr<Walk>> open(const File& file, WalkOptions options,
                                            Damages& damages);
  ~Walk();

  const Meta& meta() const;
  const std::vector<Bucket>& buckets() const;  // by name

  // Walks one bucket. It is cut into parts, which are walked on several threads; new_part is
  // called for each before any is walked, in key order, on the caller's thread.
  // With `from`, the subtrees that hold only keys below it are left out, and their pages are not
  // read: some of the keys that are visited may still be below it. Such a walk cannot finish().
  using NewPart = std::function<Visitor&()>;
  Result<void> walk(const Bucket& bucket, const NewPart& new_part, Bytes from = {});

  // After all buckets: pages that are neither in use nor free, where that is known. Returns the
  // number of pages in use.
  Result<uint64_t> finish();

 private:
  struct State;
  explicit Walk(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace snap::bolt
