// How far a long step is.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace snap::report {

class Log;

// Fed by the thread that copies. update() costs one read of the clock, most of the time.
class Progress {
 public:
  virtual ~Progress() = default;
  // `what`: "taking the snapshot"; `total_bytes` 0: not known.
  virtual void begin(std::string what, uint64_t total_bytes) = 0;
  virtual void update(uint64_t done_bytes) = 0;
  virtual void end() = 0;  // the bar goes away; calling it without begin() does nothing
};

struct ProgressOptions {
  std::function<std::chrono::steady_clock::time_point()> clock;  // empty: the steady clock
  std::function<int()> columns;  // width of the terminal; empty: asks the terminal of the log
};

// On a terminal a bar in the line below the log, redrawn up to ten times a second; elsewhere a line
// in the log every 5 seconds; with --quiet nothing. `log` outlives it.
std::unique_ptr<Progress> make_progress(Log& log, ProgressOptions options = {});

// Feeds `progress` with (done, total) of one step; begins it with the first call, and again where
// `done` starts over. `progress` outlives it; ending the step is left to the caller.
std::function<void(uint64_t done_bytes, uint64_t total_bytes)> step_of(Progress& progress,
                                                                       std::string what);

// "taking the snapshot [=====>    ] 52 % 740 MB 210 MB/s 3s" in at most `columns` characters, which
// may be as few as 1; drops what does not fit from the least important on. For tests.
std::string progress_bar(const std::string& what, uint64_t done_bytes, uint64_t total_bytes,
                         std::chrono::milliseconds elapsed, int columns);

}  // namespace snap::report
