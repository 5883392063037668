// etcd-snapshot remove SET: remove one named set.
#include <format>
#include <memory>

#include "base/text.h"
#include "cli/command.h"
#include "cli/context.h"
#include "cli/places.h"
#include "jobs/everywhere.h"
#include "jobs/prune.h"

namespace snap::cli {
namespace {

struct Options {
  std::string set;
  bool force = false;
  std::vector<std::string> from;
};

report::Exit remove_at(jobs::PlaceView& view, const Options& options, const config::Config& config,
                       Context& context) {
  if (!view.reached())
    return context.fail(exit_of(view.place, view.inventory.error()), view.inventory.error());
  const auto* set = view.inventory->find(options.set);
  if (set == nullptr)
    return context.fail(report::Exit::usage,
                        jobs::no_such_set(*view.inventory, options.set, view.place.label));
  auto allowed = retain::check_removal(view.inventory->sets, options.set,
                                       jobs::policy_of(config.retention), now_utc(), options.force);
  if (!allowed) {
    allowed.error().message.insert(0, view.place.name + ": ");
    return context.fail(report::Exit::usage, allowed.error());
  }
  // First: with it, no run ships the set there again.
  auto tombstone = is_local(view.place)
                       ? Result<void>()
                       : view.opened->put_note(std::string(sets::kRemoved), options.set,
                                               sets::note_text(now_utc(), jobs::this_node(), ""));
  if (!tombstone) return context.fail(report::Exit::prune_failed, tombstone.error());
  auto removed = jobs::remove_set(*view.opened, *set);
  if (!removed) {
    bool in_use = removed.error().code == Code::busy;
    return context.fail(in_use ? report::Exit::locked : report::Exit::prune_failed,
                        removed.error());
  }
  for (const auto& note : *removed) context.log().warn(note);
  context.log().info(std::format("removed {} from {}", escaped(options.set), view.place.name));
  return report::Exit::done;
}

report::Exit run(const Options& options, Context& context) {
  auto opened = open_and_lock(context, options.set);
  if (!opened) return context.fail(opened.error());
  const auto& config = opened->place.config;
  bool only_local = options.from.empty();
  auto names = only_local ? std::vector<std::string>{"local"} : options.from;
  auto places = jobs::pick(all_places(config, context, names), names);
  if (!places) return context.fail(report::Exit::usage, places.error());
  auto exit = report::Exit::done;
  for (auto& view : jobs::look_everywhere(*places, context.stop()))
    exit = report::graver(exit, remove_at(view, options, config, context));
  if (exit == report::Exit::done && only_local && !config.destinations.empty())
    context.log().info("copies at destinations stay; remove them with --from DEST");
  return exit;
}

}  // namespace

Command remove_command() {
  auto options = std::make_shared<Options>();
  return {.name = "remove",
          .summary = "remove one named set, under the same safety rules as retention",
          .examples = {{"remove prod-east_2026-11-21T013000Z_master-0", "from the local directory"},
                       {"remove --from nas prod-east_2026-11-21T013000Z_master-0",
                        "from a destination, for good"}},
          .notes = "The newest proven set and pinned sets are refused, also with --force.",
          .flags = {{"from", "DEST",
                     "from this destination, and never ship it there again; may be repeated "
                     "(default: local)",
                     &options->from},
                    {"force", "", "remove it although it is among the keepLast newest",
                     &options->force}},
          .arguments = {{"SET", "a set of `etcd-snapshot list`", &options->set}},
          .asks_cluster = true,
          .run = [options](Context& context) { return run(*options, context); }};
}

}  // namespace snap::cli
