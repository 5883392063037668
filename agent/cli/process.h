// What this process owes its surroundings before it does anything: a clean environment, open
// standard descriptors, signals.
#pragma once

#include <stop_token>
#include <thread>

namespace snap::cli {

// First thing in main, before any library looks at the environment and before any thread starts:
// - variables that redirect traffic, add trusted certificates or write TLS secrets are removed;
// - descriptors 0 to 2 are open, so that no file of ours lands on them;
// - files are made for their owner only, whatever umask was inherited;
// - SIGPIPE and SIGXFSZ are ignored, so that write reports the error; no core file is written.
void prepare_process();

// Turns SIGTERM, SIGINT and SIGHUP into a stop request while it lives. One of a kind, made before
// other threads start.
class StopOnSignal {
 public:
  StopOnSignal();
  ~StopOnSignal();
  std::stop_token token() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  std::jthread waiter_;
};

}  // namespace snap::cli
