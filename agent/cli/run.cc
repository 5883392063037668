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
#include "report/termination.h"

namespace snap::cli {
namespace {

struct Options {
  std::string trigger;
  bool no_prune = false;
  std::vector<std::string> to;
};

// Of a run that cannot begin. Its outcome line is printed too: whoever reads them gets one.
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
report::Exit end(report::Outcome outcome, const config::Report& report, Context& context) {
  if (!report.termination_message.empty()) {
    auto written = report::write_termination_message(report.termination_message, outcome);
    if (!written) {
      context.log().warn(describe(written.error()));
      outcome.warnings.push_back(describe(written.error()));
    }
  }
  context.print(report::to_json_line(outcome));
  return outcome.exit;
}

report::Exit refuse(const std::string& trigger, const Error& error, const config::Report& report,
                    Context& context) {
  auto outcome = refused(trigger, error);
  context.fail(outcome.exit, error);
  return end(std::move(outcome), report, context);
}

report::Exit run(const Options& options, Context& context) {
  auto trigger = options.trigger;
  if (trigger.empty()) trigger = context.log().terminal() ? "manual" : "schedule";
  auto config = context.load(config::Need::sets);
  if (!config) return refuse(trigger, config.error(), {}, context);
  const auto report = config->report;
  auto refused = [&](const Error& error) { return refuse(trigger, error, report, context); };
  auto names = context.bare_set_words();
  if (names.size() > 1) {
    return refused({Code::invalid,
                    std::format("--set names two sets: {} and {}", names[0], names[1]),
                    "give one name, or none"});
  }
  auto settings = jobs::settle(std::move(*config), node::Host{}, context.stop());
  if (!settings) return refused(settings.error());
  auto cluster = look_into_cluster(settings->config, context, Hurry::no);
  auto places = jobs::pick(jobs::places_of(settings->config, cluster.found), options.to);
  if (!places) return refused(places.error());
  jobs::BackupRequest request{
      .trigger = trigger,
      .set_name = names.empty() ? std::nullopt : std::optional(names.front()),
      .prune = !options.no_prune,
      .places = std::move(*places),
      .warnings = log_findings(cluster, context),
      .version = std::string(kVersion)};
  auto progress = report::make_progress(context.log());
  auto outcome =
      jobs::run_backup(*settings, request, {context.log(), *progress, now_utc, context.stop()});
  keep(cluster, settings->config, context);
  send_event(settings->config, outcome, context);
  return end(std::move(outcome), report, context);
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
