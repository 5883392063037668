// The log: one line per message on standard error.
//
//   2026-11-21T01:30:05Z info  taking the snapshot from m1
//
// Times are UTC. Control characters in messages are escaped, so a message is always one line. A
// log that cannot be written (closed, full, nobody reads the pipe) loses lines and never stops or
// fails the program; SIGPIPE has to be ignored by main.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace snap::report {

enum class Level { debug, info, warn, error };

struct LogOptions {
  Level least = Level::info;     // --quiet: warn, --verbose: debug
  int fd = 2;                    // not owned
  std::optional<bool> terminal;  // nothing: asks the descriptor
  // nothing: on a terminal whose TERM is set and not "dumb", without NO_COLOR
  std::optional<bool> colour;
  std::function<Seconds()> clock;  // empty: now_utc
};

// May be used by several threads.
class Log {
 public:
  explicit Log(LogOptions options = {});
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void write(Level level, std::string_view message);
  void debug(std::string_view message) { write(Level::debug, message); }
  void info(std::string_view message) { write(Level::info, message); }
  void warn(std::string_view message) { write(Level::warn, message); }
  void error(std::string_view message) { write(Level::error, message); }
  void error(const Error& error) { write(Level::error, describe(error)); }

  bool shows(Level level) const;
  bool terminal() const;
  bool draws() const;   // a terminal that understands escape codes: set_status() shows something
  int columns() const;  // of the terminal; 80 when it does not say

  // The line below the log, where draws(): it is taken away before a message and drawn again
  // after it. Empty: none.
  void set_status(std::string_view line);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace snap::report
