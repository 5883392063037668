// A set of user keys in bounded memory. Private to the room.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace snap::snapshot {

// Which keys are alive, told apart by a hash of 128 bits: among a billion keys, two are taken for
// one with a chance of about 1 in 10^21. More keys than fit are counted in several passes over the
// same rows, each pass taking a share of the keys.
class LiveKeys {
 public:
  // `rows`: how many there are at most. Takes 16 bytes for each of up to 2^21 slots: 32 MiB.
  LiveKeys(uint64_t rows, uint64_t max_slots = kMaxSlots);
  static constexpr uint64_t kMaxSlots = uint64_t{1} << 21;

  uint64_t passes() const { return passes_; }
  void begin_pass(uint64_t pass);
  void put(Bytes key) { set(key, true); }
  void remove(Bytes key) { set(key, false); }
  // Keys of this pass whose last row was a put.
  uint64_t count() const;

 private:
  struct Slot {
    uint64_t high = 0;
    uint64_t low = 0;  // lowest bit: alive; all zero: empty
  };
  void set(Bytes key, bool alive);

  uint64_t passes_;
  uint64_t pass_ = 0;
  std::vector<Slot> slots_;  // a power of two, never more than 3/4 full
};

}  // namespace snap::snapshot
