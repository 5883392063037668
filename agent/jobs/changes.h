// What differs between two versions of a file, written into a copy of the older one.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>

#include "base/result.h"
#include "dest/destination.h"
#include "stream/stream.h"

namespace snap::jobs {

struct Changes {
  uint64_t bytes = 0;          // that `now` holds
  uint64_t changed_bytes = 0;  // that were written
};

// Reads both and brings `into`, which began as a copy of `before`, to what `now` holds, page by
// page of 4 KiB. Does not finish it. `progress` is told the bytes of `now` so far.
Result<Changes> write_changes(stream::Source& before, stream::Source& now, dest::Patch& into,
                              const std::function<void(uint64_t bytes)>& progress,
                              const std::stop_token& stop);

}  // namespace snap::jobs
