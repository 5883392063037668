#include "snapshot/live_keys.h"

#include <algorithm>
#include <bit>

#include "snapshot/key_hash.h"

namespace snap::snapshot {

LiveKeys::LiveKeys(uint64_t rows, uint64_t max_slots) {
  auto room = max_slots / 4 * 3;
  // Keys spread over the passes not quite evenly: a sixteenth is left for that.
  passes_ = rows <= room ? 1 : rows / (room - room / 16) + 1;
  auto wanted = std::min(rows, room) / 3 * 4 + 8;
  slots_.resize(std::min(std::bit_ceil(wanted), max_slots));
}

void LiveKeys::begin_pass(uint64_t pass) {
  pass_ = pass;
  std::ranges::fill(slots_, Slot{});
}

void LiveKeys::set(Bytes key, bool alive) {
  auto high = key_hash(key, kHighSeed);
  if (passes_ > 1 && (high >> 32) % passes_ != pass_) return;
  auto low = key_hash(key, kLowSeed) | 2;  // never all zero
  auto at = low >> 2 & (slots_.size() - 1);
  low &= ~uint64_t{1};
  while (slots_[at].low != 0) {
    if (slots_[at].high == high && (slots_[at].low & ~uint64_t{1}) == low) {
      slots_[at].low = low | (alive ? 1 : 0);
      return;
    }
    at = (at + 1) & (slots_.size() - 1);
  }
  if (alive) slots_[at] = {high, low | 1};
}

uint64_t LiveKeys::count() const {
  return static_cast<uint64_t>(
      std::ranges::count_if(slots_, [](const Slot& slot) { return (slot.low & 1) != 0; }));
}

}  // namespace snap::snapshot
