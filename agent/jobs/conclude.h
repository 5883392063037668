// How a run ends: what is known whatever became of it, and the metrics.
#pragma once

#include <vector>

#include "config/config.h"
#include "dest/destination.h"
#include "jobs/backup.h"
#include "jobs/places.h"
#include "report/log.h"
#include "report/outcome.h"

namespace snap::jobs {

// Fills in what a run that ended early left out and writes the metrics; what fails of that is one
// more warning. Exit status and error are there already, and so is the line of the local directory,
// the first one. `places`: that the run would have shipped to. `local`: null where it could not be
// opened. The caller holds the lock, or the exit status is that somebody else does: then nothing is
// written, that one will.
void conclude(report::Outcome& outcome, const config::Config& config,
              const std::vector<Place>& places, dest::Destination* local, report::Log& log);

// The outcome of a run that cannot begin, although its configuration could be read. It is reported
// like any other that failed; only the metrics are left alone while another command is at work.
report::Outcome refuse_backup(const config::Config& config, const BackupRequest& request,
                              const Error& error, const Surroundings& around);

}  // namespace snap::jobs
