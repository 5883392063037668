#include "net/backoff.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>

namespace snap::net {

std::chrono::milliseconds Backoff::next() {
  static thread_local std::mt19937_64 random(std::random_device{}());
  auto limit = std::min(next_, most_);
  next_ = std::min(limit * 2, most_);
  std::uniform_int_distribution<int64_t> spread(limit.count() / 2, limit.count());
  return std::chrono::milliseconds(spread(random));
}

Result<void> pause(std::chrono::milliseconds duration, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, duration, [] { return false; });
  if (stop.stop_requested()) return fail(Code::cancelled, "told to stop");
  return {};
}

}  // namespace snap::net
