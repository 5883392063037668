// etcd-snapshot pin SET, unpin SET: keep a set out of retention.
#include <format>
#include <memory>

#include "base/text.h"
#include "cli/command.h"
#include "cli/context.h"
#include "cli/places.h"

namespace snap::cli {
namespace {

report::Exit run(const std::string& name, bool pin, Context& context) {
  auto opened = open_and_lock(context, name);
  if (!opened) return context.fail(opened.error());
  auto& local = opened->place.local;
  const auto* set = opened->inventory.find(name);
  auto pins = std::string(sets::kPins);
  if (set == nullptr)
    return context.fail(report::Exit::usage,
                        jobs::no_such_set(opened->inventory, name, local.directory));
  if (pin && set->state != sets::State::good) {
    return context.fail(
        report::Exit::usage,
        {Code::invalid, std::format("{} is no whole set: {}", escaped(name), set->problem), ""});
  }
  auto node = node::node_name();
  auto done = pin ? local.place->put_note(pins, name, sets::note_text(now_utc(), node, ""))
                  : local.place->remove_note(pins, name);
  if (!done) return context.fail(jobs::local_exit(done.error()), done.error());
  context.log().info(std::format("{} {}", pin ? "pinned" : "unpinned", escaped(name)));
  return report::Exit::done;
}

Command command(std::string verb, bool pin, std::string summary) {
  auto set = std::make_shared<std::string>();
  return {.name = verb,
          .summary = std::move(summary),
          .examples = {{verb + " prod-east_2026-11-21T013000Z_master-0"}},
          .arguments = {{"SET", "a set of `etcd-snapshot list`", set.get()}},
          .run = [set, pin](Context& context) { return run(*set, pin, context); }};
}

}  // namespace

Command pin_command() { return command("pin", true, "keep a set whatever retention says"); }
Command unpin_command() { return command("unpin", false, "leave a set to retention again"); }

}  // namespace snap::cli
