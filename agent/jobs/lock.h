// Locks between commands on one host.
//
// flock(2): a lock ends with the process that holds it, so a killed run blocks nobody and a file
// that was left means nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/time.h"

namespace snap::jobs {

// Whether `path` still leads to the open file: nobody deleted or replaced it before we locked it.
bool leads_to(const std::string& path, int fd);

// Who holds the lock of the cluster right now, without touching it: "pid 7 on m1 since ...".
// Nothing when nobody does, or when this kernel does not show it.
std::optional<std::string> lock_holder(const std::string& directory, const std::string& cluster);

// Held while a command changes the sets of a cluster: run, prune, remove, pin. The file is
// DIRECTORY/.lock-CLUSTER. It stays behind: its first line names the last holder, which means
// nothing once that has ended; the others are the starts of the last sets, one each. A set that is
// gone again leaves no other trace, and a clock that stands or was set back must not give its name
// to another one. They are not synced: after a loss of power the clock has moved on.
class RunLock {
 public:
  // Errors: unavailable  another command holds it; the message names its pid, host and start
  //         denied       the lock file is not ours to open; internal  it is a symbolic link
  static Result<RunLock> acquire(const std::string& directory, const std::string& cluster,
                                 Seconds now);

  // Whether one of the last sets had this start.
  bool had(Seconds start) const;
  // Remembers the start of a set that is about to be published.
  Result<void> remember(Seconds start);

 private:
  RunLock(Fd fd, std::string path, std::string holder)
      : fd_(std::move(fd)), path_(std::move(path)), holder_(std::move(holder)) {}
  Result<void> write() const;

  Fd fd_;
  std::string path_;
  std::string holder_;           // the first line
  std::vector<Seconds> starts_;  // oldest first
};

// Keeps a set from being removed while it is read. Shared: any number of readers.
// Error: unavailable  the set is being removed right now.
Result<Fd> hold_set(const std::string& set_directory);

}  // namespace snap::jobs
