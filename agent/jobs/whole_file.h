// A file that takes its name only when it is whole.
//
// Until then its bytes lie beside it in "PATH.TOKEN.part", which its process holds with flock(2). A
// part that nobody holds was left by a process that was killed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "stream/stream.h"

namespace snap::jobs {

// Mode 0600. finish() makes it durable and replaces what has the name; without it nothing stays.
Result<std::unique_ptr<stream::Sink>> create_whole_file(const std::string& path);

struct StaleParts {
  std::vector<std::string> removed;   // paths, escaped
  std::vector<std::string> problems;  // parts that could not be removed, and why
};

// Takes away the parts of `path` that nobody holds. Left alone: what another user owns, what is no
// plain file, and everything where the file system knows no locks.
StaleParts remove_stale_parts(const std::string& path);

}  // namespace snap::jobs
