// Locks between commands on one host.
//
// flock(2): a lock ends with the process that holds it, so a killed run blocks nobody and a file
// that was left means nothing.
#pragma once

#include <optional>
#include <string>

#include "base/file.h"
#include "base/result.h"
#include "base/time.h"

namespace snap::jobs {

// Who holds the lock of the cluster right now, without touching it: "pid 7 on m1 since ...".
// Nothing when nobody does, or when this kernel does not show it.
std::optional<std::string> lock_holder(const std::string& directory, const std::string& cluster);

// Held while a command changes the sets of a cluster: run, prune, remove, pin. The file is
// DIRECTORY/.lock-CLUSTER; it stays behind, empty of meaning.
class RunLock {
 public:
  // Errors: unavailable  another command holds it; the message names its pid, host and start
  //         denied       the lock file is not ours to open; internal  it is a symbolic link
  static Result<RunLock> acquire(const std::string& directory, const std::string& cluster,
                                 Seconds now);

 private:
  explicit RunLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

// Keeps a set from being removed while it is read. Shared: any number of readers.
// Error: unavailable  the set is being removed right now.
Result<Fd> hold_set(const std::string& set_directory);

}  // namespace snap::jobs
