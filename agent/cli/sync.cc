// etcd-snapshot sync: ship the sets that destinations miss.
#include <algorithm>
#include <format>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/cluster.h"
#include "cli/command.h"
#include "cli/context.h"
#include "cli/places.h"
#include "jobs/deliver.h"
#include "jobs/prune.h"
#include "jobs/settings.h"
#include "report/table.h"

namespace snap::cli {
namespace {

// A place may be in order and lack a set all the same: one that is damaged here.
std::string_view verdict_of(const report::PlaceFacts& facts) {
  return facts.failed ? "failed" : facts.problem.empty() ? "ok" : "incomplete";
}

std::string to_table(const std::vector<jobs::Delivery>& deliveries) {
  report::Table table(
      {{"DESTINATION"}, {"VERDICT"}, {"SHIPPED"}, {"SETS", report::Align::right}, {"PROBLEM"}});
  for (const auto& delivery : deliveries) {
    const auto& facts = delivery.facts;
    bool complete = facts.problem.empty();
    auto shipped = facts.failed ? "-"
                   : complete && facts.caught_up.empty()
                       ? "nothing was missing"
                       : std::format("{}", facts.caught_up.size());
    table.add({facts.name, facts.failed ? "FAILED" : std::string(verdict_of(facts)), shipped,
               facts.sets ? std::format("{}", facts.sets->proven + facts.sets->unproven) : "-",
               facts.problem});
  }
  return table.text();
}

std::string to_json(const std::vector<jobs::Delivery>& deliveries) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const auto& delivery : deliveries) {
    const auto& facts = delivery.facts;
    rows.push_back({{"name", facts.name},
                    {"type", facts.type},
                    {"label", facts.label},
                    {"verdict", verdict_of(facts)},
                    {"problem", facts.problem},
                    {"shipped", facts.caught_up},
                    {"sent_bytes", facts.sent_bytes},
                    {"send_seconds", std::chrono::duration<double>(facts.sending).count()},
                    {"prove_seconds", std::chrono::duration<double>(facts.proving).count()}});
  }
  return report::json_text(nlohmann::ordered_json{{"destinations", rows}});
}

// No destination gets these.
report::Exit tell_of_damaged_sets(const jobs::Inventory& inventory, const std::string& cluster,
                                  Context& context) {
  auto exit = report::Exit::done;
  for (const auto& set : inventory.sets) {
    if (set.state != sets::State::damaged || set.parts.cluster != cluster) continue;
    exit = context.fail(
        report::Exit::damaged,
        {Code::corrupt,
         std::format("{} was not shipped: it is damaged here: {}", set.name, set.problem),
         std::format("look at it with etcd-snapshot verify {}, then move it away", set.name)});
  }
  return exit;
}

report::Exit run(const std::vector<std::string>& to, Context& context) {
  auto node = jobs::own_node_name();
  if (!node) return context.fail(report::Exit::usage, node.error());
  auto opened = open_and_lock(context, std::nullopt);
  if (!opened) return context.fail(opened.error());
  const auto& config = opened->place.config;
  auto cluster = look_into_cluster(config, context, to);
  (void)log_findings(cluster, context);
  keep(cluster, config, context);
  auto places = jobs::pick(jobs::places_of(config, cluster.found), to);
  if (!places) return context.fail(report::Exit::usage, places.error());
  if (places->empty())
    return context.fail(
        report::Exit::usage,
        {Code::invalid, "the configuration names no destination", "add one below destinations:"});
  auto now = now_utc();
  auto stream = retain::current_stream(opened->inventory.sets, config.cluster, now);
  auto progress = report::make_progress(context.log());
  jobs::DeliveryRequest request{.local_directory = opened->place.local.directory,
                                .cluster = config.cluster,
                                .node = *node,
                                .stream = stream.value_or(sets::Stream{config.cluster, 0}),
                                .started = now,
                                .set = {},
                                .most_old = std::numeric_limits<size_t>::max(),
                                .policy = jobs::policy_of(config.retention)};
  auto deliveries = jobs::deliver(*places, opened->inventory, request,
                                  {context.log(), *progress, now_utc, context.stop()});
  context.print(context.json() ? to_json(deliveries) : to_table(deliveries));
  auto exit = tell_of_damaged_sets(opened->inventory, config.cluster, context);
  for (const auto& delivery : deliveries)
    for (const auto& failure : delivery.failures) exit = report::graver(exit, failure.exit);
  if (context.stop().stop_requested())
    exit = report::graver(
        exit, context.fail(report::Exit::unexpected, {Code::cancelled, "interrupted", ""}));
  return exit;
}

}  // namespace

Command sync_command() {
  auto to = std::make_shared<std::vector<std::string>>();
  return {.name = "sync",
          .summary = "ship the sets that destinations miss",
          .examples = {{"sync"}, {"sync --to nas", "to this destination only"}},
          .notes =
              "Ships proven sets that the place's retention would keep, newest first, and proves "
              "each copy. "
              "Removes nothing anywhere.",
          .flags = {{"to", "DEST", "to this destination of the configuration only; may be repeated",
                     to.get()}},
          .asks_cluster = true,
          .run = [to](Context& context) { return run(*to, context); }};
}

}  // namespace snap::cli
