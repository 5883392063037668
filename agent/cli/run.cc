// etcd-snapshot run: the scheduled job.
#include <format>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/cluster.h"
#include "cli/command.h"
#include "cli/context.h"
#include "cli/events.h"
#include "cli/version.h"
#include "jobs/backup.h"
#include "jobs/conclude.h"
#include "report/termination.h"

namespace snap::cli {
namespace {

struct Options {
  std::string trigger;
  bool no_prune = false;
  std::vector<std::string> to;
};

// Of a run without a configuration. Its outcome line is printed too: whoever reads them gets one.
report::Outcome refused(const std::string& trigger, const Error& error) {
  auto now = now_utc();
  return {.version = std::string(kVersion),
          .trigger = trigger,
          .started = now,
          .finished = now,
          .exit = jobs::local_exit(error),
          .error = report::Failure{error, "config"}};
}

// The last thing a run does, whatever it did before: it says so.
report::Exit end(report::Outcome outcome, const config::Config& config, Context& context) {
  send_event(config, outcome, context);
  const auto& file = config.report.termination_message;
  auto written = file.empty() ? Result<void>() : report::write_termination_message(file, outcome);
  if (!written) {
    context.log().warn(describe(written.error()));
    outcome.warnings.push_back(describe(written.error()));
  }
  context.print(report::to_json_line(outcome));
  return outcome.exit;
}

// Does it, or finds out why it cannot begin. `request` gets what it lacks.
Result<report::Outcome> attempt(const Options& options, const config::Config& config,
                                jobs::BackupRequest& request, const jobs::Surroundings& around,
                                Context& context) {
  request.places = jobs::places_of(config);
  auto names = context.bare_set_words();
  if (names.size() > 1)
    return fail(Code::invalid, std::format("--set names two sets: {} and {}", names[0], names[1]),
                "give one name, or none");
  if (!names.empty()) request.set_name = names.front();
  auto settings = TRY(jobs::settle(config, node::Host{}, context.stop()));
  auto cluster = look_into_cluster(config, context, options.to);
  request.warnings = log_findings(cluster, context);
  request.places = jobs::places_of(config, cluster.found);
  request.places = TRY(jobs::pick(request.places, options.to));
  auto outcome = jobs::run_backup(settings, request, around);
  keep(cluster, config, context);
  return outcome;
}

report::Exit run(const Options& options, Context& context) {
  auto trigger = options.trigger;
  if (trigger.empty()) trigger = context.log().terminal() ? "manual" : "schedule";
  auto config = context.load(config::Need::sets);
  if (!config) {
    context.fail(jobs::local_exit(config.error()), config.error());
    return end(refused(trigger, config.error()), {}, context);
  }
  jobs::BackupRequest request{
      .trigger = trigger, .prune = !options.no_prune, .version = std::string(kVersion)};
  auto progress = report::make_progress(context.log());
  jobs::Surroundings around{context.log(), *progress, now_utc, context.stop()};
  auto outcome = attempt(options, *config, request, around, context);
  if (!outcome) outcome = jobs::refuse_backup(*config, request, outcome.error(), around);
  return end(std::move(*outcome), *config, context);
}

}  // namespace

Command run_command() {
  auto options = std::make_shared<Options>();
  return {
      .name = "run",
      .summary =
          "the scheduled job: take a snapshot, prove it, archive the host files, publish the set, "
          "ship it, prune",
      .examples = {{"run", "with /etc/etcd-snapshot/config.yaml"},
                   {"run --trigger before-upgrade"},
                   {"run --to nas --to mirrors", "ship to these destinations only"},
                   {"run --no-prune --set local.directory=/mnt/spare"},
                   {"run --set prod-east_2026-11-21T013000Z_master-0",
                    "with this name for the set"}},
      .notes =
          "The last line on standard output is the outcome as JSON; everything else goes to "
          "standard error, in a pod to standard output: `kubectl logs` then keeps the order.",
      .flags = {{"trigger", "TEXT",
                 "why this run takes place, for the manifest (default: manual on a terminal, else "
                 "schedule)",
                 &options->trigger},
                {"to", "DEST",
                 "ship to this destination of the configuration only; may be repeated",
                 &options->to},
                {"no-prune", "", "remove no set afterwards", &options->no_prune}},
      .asks_etcd = true,
      .asks_cluster = true,
      .names_set = true,
      .run = [options](Context& context) { return run(*options, context); },
      .on_mistake = [](const Error& error) { return report::to_json_line(refused("", error)); }};
}

}  // namespace snap::cli
