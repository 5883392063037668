#include "snapshot/live_keys.h"

#include <algorithm>
#include <bit>

namespace snap::snapshot {
namespace {

// MurmurHash3's finalizer (public domain): every bit of the input reaches every bit of the output.
uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccd;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53;
  return x ^ (x >> 33);
}

uint64_t hash(Bytes key, uint64_t seed) {
  auto state = mix(seed + key.size());
  for (; key.size() >= 8; key = key.subspan(8)) state = mix(state ^ load_le<uint64_t>(key.data()));
  uint64_t rest = 0;
  if (!key.empty()) std::memcpy(&rest, key.data(), key.size());
  return mix(state + rest);
}

}  // namespace

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
  auto high = hash(key, 0x9e3779b97f4a7c15);
  if (passes_ > 1 && (high >> 32) % passes_ != pass_) return;
  auto low = hash(key, 0xc2b2ae3d27d4eb4f) | 2;  // never all zero
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
