// Pauses between attempts.
#pragma once

#include <chrono>
#include <stop_token>

#include "base/result.h"

namespace snap::net {

// Doubles from `first` up to `most`; each pause is drawn from the upper half of its range, so that
// hosts that failed together do not come back together. Used by one thread at a time.
class Backoff {
 public:
  Backoff(std::chrono::milliseconds first, std::chrono::milliseconds most)
      : next_(first), most_(most) {}

  // The next pause, between half of the current limit and the limit.
  std::chrono::milliseconds next();

 private:
  std::chrono::milliseconds next_, most_;
};

// Sleeps, and returns `cancelled` at once when asked to stop.
Result<void> pause(std::chrono::milliseconds duration, const std::stop_token& stop);

}  // namespace snap::net
