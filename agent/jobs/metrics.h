// What runs and readings of stored copies leave for the monitoring, as far as the configuration
// wishes it: in the metrics file and at the Pushgateway.
//
// Series without the name of a cluster would be updated by nobody and alert for ever: where nobody
// knows it, there are none.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "report/outcome.h"
#include "report/reproof_metrics.h"

namespace snap::jobs {

// Returns what could not be done: the backup is good nevertheless. Only one command at a time may
// write the file: that with the lock of the cluster.
std::vector<std::string> report_run(const config::Report& report, const report::Outcome& outcome);

// `places`: the names of all that the configuration knows. Returns what could not be done: the
// proofs stand.
std::vector<std::string> report_reproofs(const config::Report& report, const std::string& cluster,
                                         const std::vector<report::ReproofFacts>& facts,
                                         const std::vector<std::string>& places);

}  // namespace snap::jobs
