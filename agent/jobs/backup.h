// The scheduled job: take, prove, collect, publish, ship, prune, report.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/time.h"
#include "jobs/places.h"
#include "jobs/settings.h"
#include "report/log.h"
#include "report/outcome.h"
#include "report/progress.h"

namespace snap::jobs {

struct BackupRequest {
  std::string trigger;                  // for the manifest: "schedule", "manual", free text
  std::optional<std::string> set_name;  // given by the caller; nothing: cluster, start and node
  bool prune = true;
  std::vector<Place> places = {};          // to ship the set to
  std::vector<std::string> warnings = {};  // of what came before; already logged
  std::string version;                     // of this program
};

struct Surroundings {
  report::Log& log;
  report::Progress& progress;
  std::function<Seconds()> clock;  // the wall clock
  std::stop_token stop;
};

// Does everything and returns what happened; the exit status stands in the outcome. Nothing half
// done stays: a set appears whole or not at all. The metrics file is written last; when that fails,
// the backup is good nevertheless.
report::Outcome run_backup(const Settings& settings, const BackupRequest& request,
                           const Surroundings& around);

}  // namespace snap::jobs
