#include "bolt/damage.h"

#include <algorithm>
#include <tuple>

namespace snap::bolt {

void Damages::add(Damage damage) {
  std::lock_guard lock(mutex_);
  ++count_;
  if (kept_.size() < kMax) kept_.push_back(std::move(damage));
}

uint64_t Damages::count() const {
  std::lock_guard lock(mutex_);
  return count_;
}

std::vector<Damage> Damages::sorted() const {
  std::lock_guard lock(mutex_);
  auto damages = kept_;
  std::ranges::sort(damages, [](const Damage& a, const Damage& b) {
    return std::tie(a.byte, a.page, a.what) < std::tie(b.byte, b.page, b.what);
  });
  return damages;
}

}  // namespace snap::bolt
