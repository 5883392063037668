// etcd-snapshot remove SET: remove one named set.
#include <format>
#include <memory>

#include "base/text.h"
#include "cli/command.h"
#include "cli/context.h"
#include "cli/places.h"
#include "jobs/prune.h"

namespace snap::cli {
namespace {

struct Options {
  std::string set;
  bool force = false;
};

report::Exit run(const Options& options, Context& context) {
  auto opened = open_and_lock(context, options.set);
  if (!opened) return context.fail(opened.error());
  auto& local = opened->place.local;
  const auto* set = opened->inventory.find(options.set);
  if (set == nullptr)
    return context.fail(report::Exit::usage,
                        jobs::no_such_set(opened->inventory, options.set, local.directory));
  auto policy = jobs::policy_of(opened->place.config.retention);
  auto allowed =
      retain::check_removal(opened->inventory.sets, options.set, policy, now_utc(), options.force);
  if (!allowed) return context.fail(report::Exit::usage, allowed.error());
  auto removed = jobs::remove_set(*local.place, *set);
  if (!removed)
    return context.fail(removed.error().code == Code::unavailable ? report::Exit::locked
                                                                  : report::Exit::prune_failed,
                        removed.error());
  for (const auto& note : *removed) context.log().warn(note);
  context.log().info(std::format("removed {}", escaped(options.set)));
  return report::Exit::done;
}

}  // namespace

Command remove_command() {
  auto options = std::make_shared<Options>();
  return {.name = "remove",
          .summary = "remove one named set, under the same safety rules as retention",
          .examples = {{"remove prod-east_2026-11-21T013000Z_master-0"}},
          .notes = "The newest proven set and pinned sets are refused, also with --force.",
          .flags = {{"force", "", "remove it although it is among the keepLast newest",
                     &options->force}},
          .arguments = {{"SET", "a set of `etcd-snapshot list`", &options->set}},
          .run = [options](Context& context) { return run(*options, context); }};
}

}  // namespace snap::cli
