// The last row of each of many user keys. Private to the room.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "snapshot/rows.h"

namespace snap::snapshot {

// Keys are told apart by a hash of 128 bits. Grows as needed.
class ChangedKeys {
 public:
  explicit ChangedKeys(uint64_t max_keys) : max_keys_(max_keys), slots_(1024) {}

  // Rows come in order. False: there are more keys than allowed, and it holds nothing any more.
  bool add(Bytes key, const Revision& revision);
  bool full() const { return full_; }
  // The last row that was added of this key.
  std::optional<Revision> last(Bytes key) const;
  bool any_put() const;

 private:
  struct Slot {
    uint64_t high = 0;
    uint64_t low = 0;  // lowest bit: the row is a put; all zero: empty
    int64_t main = 0;
    int64_t sub = 0;
  };
  size_t find(uint64_t high, uint64_t low) const;
  void grow();

  uint64_t max_keys_;
  uint64_t count_ = 0;
  bool full_ = false;
  std::vector<Slot> slots_;  // a power of two, at most 3/4 full
};

}  // namespace snap::snapshot
