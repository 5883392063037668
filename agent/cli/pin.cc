// etcd-snapshot pin SET, unpin SET: keep a set out of retention.
#include <algorithm>
#include <format>
#include <memory>

#include "base/text.h"
#include "cli/command.h"
#include "cli/context.h"
#include "cli/places.h"
#include "jobs/everywhere.h"

namespace snap::cli {
namespace {

// Pins lie at each place that has the set, so that every node's prune sees them.
report::Exit pin_at(jobs::PlaceView& view, const std::string& name, bool pin, Context& context) {
  if (!view.reached())
    return context.fail(exit_of(view.place, view.inventory.error()), view.inventory.error());
  const auto* set = view.inventory->find(name);
  if (set == nullptr) return report::Exit::done;
  if (pin && set->state != sets::State::good) {
    return context.fail(
        report::Exit::usage,
        {Code::invalid,
         std::format("{}: {} is no whole set: {}", view.place.name, escaped(name), set->problem),
         ""});
  }
  auto pins = std::string(sets::kPins);
  auto done =
      pin ? view.opened->put_note(pins, name, sets::note_text(now_utc(), jobs::this_node(), ""))
          : view.opened->remove_note(pins, name);
  if (!done) return context.fail(exit_of(view.place, done.error()), done.error());
  context.log().info(
      std::format("{} {} at {}", pin ? "pinned" : "unpinned", escaped(name), view.place.name));
  return report::Exit::done;
}

report::Exit run(const std::string& name, bool pin, Context& context) {
  auto opened = open_and_lock(context, name);
  if (!opened) return context.fail(opened.error());
  auto views = jobs::look_everywhere(all_places(opened->place.config, context), context.stop());
  bool somewhere = std::ranges::any_of(views, [&](const auto& view) {
    return view.reached() && view.inventory->find(name) != nullptr;
  });
  auto exit = report::Exit::done;
  for (auto& view : views) exit = report::graver(exit, pin_at(view, name, pin, context));
  if (somewhere) return exit;
  // Where nobody could look it may be.
  if (exit != report::Exit::done)
    return context.fail(
        exit, {Code::unavailable,
               std::format("{} is at none of the places that could be reached", escaped(name)),
               "try again when the others are back"});
  return context.fail(report::Exit::usage,
                      jobs::no_such_set(opened->inventory, name, opened->place.local.directory));
}

Command command(std::string_view verb, bool pin, std::string summary) {
  auto set = std::make_shared<std::string>();
  return {.name = std::string(verb),
          .summary = std::move(summary),
          .examples = {{std::string(verb) + " prod-east_2026-11-21T013000Z_master-0"}},
          .arguments = {{"SET", "a set of `etcd-snapshot list`", set.get()}},
          .asks_cluster = true,
          .run = [set, pin](Context& context) { return run(*set, pin, context); }};
}

}  // namespace

Command pin_command() { return command("pin", true, "keep a set whatever retention says"); }
Command unpin_command() { return command("unpin", false, "leave a set to retention again"); }

}  // namespace snap::cli
