// One snapshot to a file: the drop-in for `etcdctl snapshot save`.
#pragma once

#include <string>

#include "base/result.h"
#include "jobs/failure.h"
#include "jobs/take.h"
#include "report/log.h"
#include "report/progress.h"

namespace snap::jobs {

struct Saved {
  Taken taken;
  std::vector<std::string> warnings;
};

// Streams into `path`, or to standard output for "-". The data goes into a new file beside `path`,
// which takes its name only when it is whole, equal to the member's SHA-256 and on the disk: a file
// that was there before stands until then. Mode 0600. What a save to this path that was killed left
// beside it is removed first. Without a leader the most advanced member's
// data is taken, and the log says so.
std::expected<Saved, Failure> save(etcd::Client& client, const std::string& path, report::Log& log,
                                   report::Progress& progress, std::stop_token stop);

}  // namespace snap::jobs
