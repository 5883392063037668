#include "snapshot/changed_keys.h"

#include <algorithm>

#include "snapshot/key_hash.h"

namespace snap::snapshot {
namespace {

constexpr uint64_t kPut = 1;

// Never all zero, the lowest bit free.
uint64_t low_hash(Bytes key) { return (key_hash(key, kLowSeed) | 2) & ~kPut; }

}  // namespace

size_t ChangedKeys::find(uint64_t high, uint64_t low) const {
  auto at = low >> 2 & (slots_.size() - 1);
  while (slots_[at].low != 0 && (slots_[at].high != high || (slots_[at].low & ~kPut) != low))
    at = (at + 1) & (slots_.size() - 1);
  return at;
}

bool ChangedKeys::add(Bytes key, const Revision& revision) {
  if (full_) return false;
  auto high = key_hash(key, kHighSeed), low = low_hash(key);
  auto at = find(high, low);
  if (slots_[at].low == 0) {
    if (count_ == max_keys_) {
      full_ = true;
      slots_.clear();
      slots_.shrink_to_fit();
      return false;
    }
    ++count_;
    if (count_ > slots_.size() / 4 * 3) {
      grow();
      at = find(high, low);
    }
  }
  slots_[at] = {high, low | (revision.tombstone ? 0 : kPut), revision.main, revision.sub};
  return true;
}

void ChangedKeys::grow() {
  auto old = std::move(slots_);
  slots_.assign(old.size() * 2, Slot{});
  for (const auto& slot : old)
    if (slot.low != 0) slots_[find(slot.high, slot.low & ~kPut)] = slot;
}

std::optional<Revision> ChangedKeys::last(Bytes key) const {
  if (full_) return std::nullopt;
  const auto& slot = slots_[find(key_hash(key, kHighSeed), low_hash(key))];
  if (slot.low == 0) return std::nullopt;
  return Revision{.main = slot.main, .sub = slot.sub, .tombstone = (slot.low & kPut) == 0};
}

bool ChangedKeys::any_put() const {
  return std::ranges::any_of(slots_, [](const Slot& slot) { return (slot.low & kPut) != 0; });
}

}  // namespace snap::snapshot
