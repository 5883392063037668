// What went wrong in a job, in which stage, and what that means for the exit status.
#pragma once

#include <string>

#include "base/result.h"
#include "report/exit.h"

namespace snap::jobs {

using report::Exit;

struct Failure {
  Exit exit = Exit::unexpected;
  std::string stage;  // "lock", "preflight", "take", ...
  Error error;
};

// The exit status of an error of this host: files, directories, configuration.
Exit local_exit(const Error& error);

// The same for what the command line names: what is not there was named wrong.
Exit argument_exit(const Error& error);

// The exit status of an error that came from etcd or from the way to it.
Exit etcd_exit(const Error& error);

}  // namespace snap::jobs
