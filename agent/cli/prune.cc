// etcd-snapshot prune: apply retention.
#include "jobs/prune.h"

#include <format>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/cluster.h"
#include "cli/command.h"
#include "cli/context.h"
#include "cli/places.h"
#include "jobs/everywhere.h"
#include "report/table.h"

namespace snap::cli {
namespace {

// What retention says at one place.
struct Applied {
  std::string place;
  jobs::Pruned pruned;
};

bool was_removed(const jobs::Pruned& pruned, const std::string& set) {
  return std::ranges::contains(pruned.removed, set, &report::Removal::set);
}

std::string word_for(const retain::Verdict& verdict, const jobs::Pruned& pruned, bool dry_run) {
  if (verdict.keep) return "keep";
  if (dry_run) return "would remove";
  return was_removed(pruned, verdict.set) ? "removed" : "NOT removed";
}

std::string to_table(const std::vector<Applied>& all, bool dry_run) {
  report::Table table({{"PLACE"}, {"SET"}, {"VERDICT"}, {"WHY"}});
  for (const auto& [place, pruned] : all)
    for (const auto& verdict : pruned.verdicts)
      table.add({place, verdict.set, word_for(verdict, pruned, dry_run), verdict.reason});
  return table.empty() ? "no sets\n" : table.text();
}

std::string to_json(const std::vector<Applied>& all, bool dry_run) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const auto& [place, pruned] : all) {
    for (const auto& verdict : pruned.verdicts) {
      rows.push_back({{"place", place},
                      {"set", verdict.set},
                      {"keep", verdict.keep},
                      {"reason", verdict.reason},
                      {"removed", was_removed(pruned, verdict.set)}});
    }
  }
  return report::json_text(nlohmann::ordered_json{{"dry_run", dry_run}, {"sets", rows}});
}

jobs::Pruned apply_at(dest::Destination& place, const jobs::Inventory& inventory,
                      const config::Config& config, bool dry_run) {
  auto now = now_utc();
  auto stream = retain::current_stream(inventory.sets, config.cluster, now);
  retain::Occasion occasion{.mode = retain::Mode::prune,
                            .now = now,
                            .stream = stream.value_or(sets::Stream{config.cluster, 0}),
                            .just_made = {}};
  return jobs::prune_place(place, inventory, jobs::policy_of(config.retention), occasion, dry_run);
}

// A place that is out of reach, or that keeps its own rules, is left alone.
report::Exit apply_at_destinations(const config::Config& config, bool dry_run,
                                   std::vector<Applied>& all, Context& context) {
  auto places = places_in_cluster(config, context);
  std::erase_if(places, [](const jobs::Place& place) { return !place.prune; });
  auto exit = report::Exit::done;
  for (auto& view : jobs::look_everywhere(places, context.stop())) {
    if (view.reached()) {
      all.push_back({view.place.name, apply_at(*view.opened, *view.inventory, config, dry_run)});
    } else {
      auto error = view.inventory.error();
      error.message =
          std::format("{}: nothing was removed there: {}", view.place.name, error.message);
      exit = report::graver(exit, context.fail(report::Exit::destination_failed, error));
    }
  }
  return exit;
}

report::Exit apply(Place& opened, const jobs::Inventory& inventory, bool dry_run,
                   Context& context) {
  const auto& config = opened.config;
  auto others = jobs::other_clusters_only(inventory, config.cluster);
  if (!others.empty()) context.log().warn(others + "; is `cluster` spelled as it was?");
  std::vector<Applied> all;
  all.push_back({"local", apply_at(*opened.local.place, inventory, config, dry_run)});
  auto exit = apply_at_destinations(config, dry_run, all, context);
  context.print(context.json() ? to_json(all, dry_run) : to_table(all, dry_run));
  size_t removed = 0;
  for (const auto& [place, pruned] : all) {
    for (const auto& note : pruned.notes) context.log().warn(std::format("{}: {}", place, note));
    for (const auto& failure : pruned.failures) exit = report::graver(exit, context.fail(failure));
    removed += pruned.removed.size();
  }
  if (!dry_run) context.log().info(std::format("removed {} sets", removed));
  return exit;
}

// A place that cannot be listed, or not to its end: nothing was removed there.
report::Exit refuse(jobs::Failure failure, Context& context) {
  if (failure.exit == report::Exit::unexpected) {
    failure.exit = report::Exit::prune_failed;
    if (failure.error.hint.empty())
      failure.error.hint = "nothing was removed; look at the disk and run prune again";
  }
  return context.fail(failure);
}

// Looks only, so it needs no lock; but a run that is under way will change what it saw.
report::Exit only_look(Context& context) {
  auto opened = open_place(context);
  if (!opened) return refuse({jobs::local_exit(opened.error()), "prune", opened.error()}, context);
  auto named = name_cluster(*opened, std::nullopt);
  if (!named) return refuse({jobs::local_exit(named.error()), "prune", named.error()}, context);
  auto holder = jobs::lock_holder(opened->local.directory, opened->config.cluster);
  if (holder)
    context.log().warn(std::format("another command is at work and may change this: {}", *holder));
  auto inventory = jobs::read_inventory(*opened->local.place);
  if (!inventory)
    return refuse({jobs::local_exit(inventory.error()), "prune", inventory.error()}, context);
  return apply(*opened, *inventory, true, context);
}

report::Exit run(bool dry_run, Context& context) {
  if (dry_run) return only_look(context);
  auto opened = open_and_lock(context, std::nullopt);
  if (!opened) return refuse(opened.error(), context);
  return apply(opened->place, opened->inventory, false, context);
}

}  // namespace

Command prune_command() {
  auto dry_run = std::make_shared<bool>(false);
  return {.name = "prune",
          .summary = "remove the sets that no retention rule keeps",
          .examples = {{"prune --dry-run", "a reason for each set, nothing is removed"},
                       {"prune --set retention.keepLast=7 --dry-run"},
                       {"prune"}},
          .notes = "The newest proven set, the keepLast newest and pinned sets are never removed.",
          .flags = {{"dry-run", "", "only say what would be removed, and why", dry_run.get()}},
          .asks_cluster = true,
          .run = [dry_run](Context& context) { return run(*dry_run, context); }};
}

}  // namespace snap::cli
