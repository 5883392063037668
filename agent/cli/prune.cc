// etcd-snapshot prune: apply retention.
#include "jobs/prune.h"

#include <format>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/command.h"
#include "cli/context.h"
#include "cli/places.h"
#include "report/table.h"

namespace snap::cli {
namespace {

bool was_removed(const jobs::Pruned& pruned, const std::string& set) {
  return std::ranges::contains(pruned.removed, set, &report::Removal::set);
}

std::string word_for(const retain::Verdict& verdict, const jobs::Pruned& pruned, bool dry_run) {
  if (verdict.keep) return "keep";
  if (dry_run) return "would remove";
  return was_removed(pruned, verdict.set) ? "removed" : "NOT removed";
}

std::string to_table(const jobs::Pruned& pruned, bool dry_run) {
  report::Table table({{"SET"}, {"VERDICT"}, {"WHY"}});
  for (const auto& verdict : pruned.verdicts)
    table.add({verdict.set, word_for(verdict, pruned, dry_run), verdict.reason});
  return table.empty() ? "no sets\n" : table.text();
}

std::string to_json(const jobs::Pruned& pruned, bool dry_run) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const auto& verdict : pruned.verdicts) {
    rows.push_back({{"set", verdict.set},
                    {"keep", verdict.keep},
                    {"reason", verdict.reason},
                    {"removed", was_removed(pruned, verdict.set)}});
  }
  return report::json_text(nlohmann::ordered_json{{"dry_run", dry_run}, {"sets", rows}});
}

report::Exit apply(Place& opened, const jobs::Inventory& inventory, bool dry_run,
                   Context& context) {
  const auto& config = opened.config;
  auto& place = *opened.local.place;
  auto others = jobs::other_clusters_only(inventory, config.cluster);
  if (!others.empty()) context.log().warn(others + "; is `cluster` spelled as it was?");
  auto now = now_utc();
  auto stream = retain::current_stream(inventory.sets, config.cluster, now);
  retain::Occasion occasion{.mode = retain::Mode::prune,
                            .now = now,
                            .stream = stream.value_or(sets::Stream{config.cluster, 0}),
                            .just_made = {}};
  auto pruned =
      jobs::prune_place(place, inventory, jobs::policy_of(config.retention), occasion, dry_run);
  context.print(context.json() ? to_json(pruned, dry_run) : to_table(pruned, dry_run));
  for (const auto& note : pruned.notes) context.log().warn(note);
  for (const auto& failure : pruned.failures) context.fail(failure);
  if (!dry_run) context.log().info(std::format("removed {} sets", pruned.removed.size()));
  return pruned.failures.empty() ? report::Exit::done : report::Exit::prune_failed;
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
          .run = [dry_run](Context& context) { return run(*dry_run, context); }};
}

}  // namespace snap::cli
