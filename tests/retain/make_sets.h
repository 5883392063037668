// Sets for tests of retention, short to write.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "retain/retain.h"

namespace snap::retain {

using namespace std::chrono_literals;

inline constexpr Seconds kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + 12h;
inline constexpr uint64_t kClusterId = 0xc1;
inline const sets::Stream kStream{"prod", kClusterId};

struct Wish {
  bool proven = true;
  bool pinned = false;
  uint64_t size_bytes = 100;
  std::string node = "m0";
  std::string cluster = "prod";
  uint64_t cluster_id = kClusterId;
};

inline sets::SetInfo made_at(Seconds start, const Wish& wish = {}) {
  sets::SetInfo set;
  set.state = sets::State::good;
  set.parts = {wish.cluster, start, wish.node};
  set.name = set.parts.text();
  set.problem = wish.proven ? "" : "members: m2 differs";
  set.proven = wish.proven;
  set.pinned = wish.pinned;
  set.total_bytes = wish.size_bytes;
  set.cluster_id = wish.cluster_id;
  return set;
}

// A set that is `age` old.
inline sets::SetInfo old(std::chrono::seconds age, const Wish& wish = {}) {
  return made_at(kNow - age, wish);
}

inline Policy nothing() { return {.keep_last = 0, .keep_within = 0s}; }

}  // namespace snap::retain
