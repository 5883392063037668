// Bringing a set back from wherever a sound copy of it lies.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "jobs/failure.h"
#include "jobs/places.h"
#include "report/log.h"

namespace snap::jobs {

struct FetchRequest {
  std::string set;
  std::string directory;  // made when only it is missing; the set appears below it
  std::function<void(uint64_t done_bytes, uint64_t total_bytes)> progress;  // from one place
  std::stop_token stop;
};

struct Fetched {
  std::string path;  // of the set
  std::string from;  // name of the place
};

// Tries the places in their order; a copy that is damaged, incomplete or out of reach is told to
// the log and the next is tried. Every byte is held against the manifest, and read back where it
// was written, before the set appears under its name. A failure of the directory itself is told as
// one: no other copy is tried.
//
// Failures: usage  the name is no set's, or the directory holds one already; damaged  every copy
// that was reached is damaged; destination_failed  no place that can be reached has it, and some
// could not be reached; no_space, unexpected  the directory
std::expected<Fetched, Failure> fetch_set(const std::vector<Place>& sources,
                                          const FetchRequest& request, report::Log& log);

}  // namespace snap::jobs
