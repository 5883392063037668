// What the cluster's API said last of a destination, for the day when it does not answer.
//
// Lies in .state/ of the local directory, a small file for each destination.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "jobs/places.h"

namespace snap::jobs {

struct LastFound {
  std::string asked;  // the question; an answer to another one does not count
  Seconds at{};
  // One of both.
  std::vector<NodeMirror> mirrors = {};
  Export exported = {};
};

// Replaces what was kept for the destination. The local directory must be there.
Result<void> keep_found(const std::string& local_directory, const std::string& destination,
                        const LastFound& found);

// Errors: not_found  nothing is kept, or it is the answer to another question
//         corrupt    the file is not one of ours
Result<LastFound> last_found(const std::string& local_directory, const std::string& destination,
                             const std::string& asked);

}  // namespace snap::jobs
