#include "jobs/conclude.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "dest/local.h"
#include "jobs/cluster_name.h"
#include "jobs/failure.h"
#include "jobs/inventory.h"
#include "jobs/lock.h"
#include "jobs/metrics.h"
#include "jobs/settings.h"

namespace snap::jobs {
namespace {

// Alerts on the age of the newest set live on it.
void count_local(report::Outcome& outcome, dest::Destination& local) {
  auto inventory = read_inventory(local);
  if (!inventory) return;
  // Of a cluster that neither the configuration nor etcd named.
  if (outcome.cluster.empty()) outcome.cluster = newest_cluster_in(*inventory, outcome.started);
  take_stock(outcome.places.front(), local, *inventory, outcome.cluster, outcome.started);
}

// Every destination has a line in the outcome, also after a run that did not get that far.
void complete(report::Outcome& outcome, const std::vector<Place>& places) {
  for (const auto& place : places) {
    if (std::ranges::contains(outcome.places, place.name, &report::PlaceFacts::name)) continue;
    outcome.places.push_back({.name = place.name,
                              .type = place.type,
                              .label = place.label,
                              .failed = true,
                              .problem = "the run ended before it was reached"});
  }
  auto& local = outcome.places.front();
  if (local.has_set) return;
  local.failed = true;
  local.problem = outcome.error ? outcome.error->error.message : "";
}

void report_all(report::Outcome& outcome, const config::Report& report, report::Log& log) {
  for (const auto& problem : report_run(report, outcome)) {
    log.warn(problem);
    outcome.warnings.push_back(problem);
  }
}

}  // namespace

void conclude(report::Outcome& outcome, const config::Config& config,
              const std::vector<Place>& places, dest::Destination* local, report::Log& log) {
  bool locked = outcome.exit == Exit::locked;
  if (local && !locked && !outcome.places.front().sets) count_local(outcome, *local);
  complete(outcome, places);
  if (!locked) report_all(outcome, config.report, log);
}

report::Outcome refuse_backup(const config::Config& config, const BackupRequest& request,
                              const Error& error, const Surroundings& around) {
  around.log.error(error);
  auto now = around.clock();
  report::Outcome outcome{.version = request.version,
                          .node = own_node_name().value_or(""),
                          .cluster = config.cluster,
                          .trigger = request.trigger,
                          .started = now,
                          .finished = now,
                          .exit = local_exit(error),
                          .error = report::Failure{error, "config"},
                          .warnings = request.warnings};
  outcome.places.push_back({.name = "local", .type = "local", .label = config.local.directory});
  auto local = dest::open_local(config.local.directory, false);
  if (local) count_local(outcome, *local->place);
  complete(outcome, request.places);
  // A run that cannot begin touches nothing, the lock included.
  bool at_work = lock_holder(config.local.directory, outcome.cluster).has_value();
  if (!at_work) report_all(outcome, config.report, around.log);
  return outcome;
}

}  // namespace snap::jobs
