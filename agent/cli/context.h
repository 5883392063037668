// What a verb gets besides its own flags: the common flags, the log, where to print, when to stop.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/command.h"
#include "config/config.h"
#include "jobs/failure.h"
#include "jobs/settings.h"
#include "report/log.h"

namespace snap::cli {

class Context {
 public:
  Context(const CommonFlags& flags, report::Log& log, std::stop_token stop)
      : flags_(flags), log_(log), stop_(std::move(stop)) {}

  bool json() const { return flags_.output == "json"; }
  bool quiet() const { return flags_.quiet; }
  bool verbose() const { return flags_.verbose; }
  report::Log& log() const { return log_; }
  std::stop_token stop() const { return stop_; }

  // Prints to standard output. A closed or full one is no reason to stop working: it is told once,
  // at the end.
  void print(std::string_view text);
  bool printed_all() const { return printed_all_; }

  // File, environment and flags. `environment`: ETCDCTL_* count, as for `save`.
  Result<config::Config> load(config::Need need, bool environment = false) const;
  // The same, merged with what the host shows.
  Result<jobs::Settings> settle(config::Need need, bool environment = false) const;

  // Words of --set without "=", which `run` takes as the name of the set.
  std::vector<std::string> bare_set_words() const;

  // Logs the failure and returns its exit status.
  report::Exit fail(const jobs::Failure& failure) const;
  report::Exit fail(report::Exit exit, const Error& error) const;

 private:
  const CommonFlags& flags_;
  report::Log& log_;
  std::stop_token stop_;
  bool printed_all_ = true;
};

}  // namespace snap::cli
