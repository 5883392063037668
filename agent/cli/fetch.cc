// etcd-snapshot fetch SET DIR: bring a set back from any place.
#include <format>
#include <memory>

#include "base/text.h"
#include "cli/command.h"
#include "cli/context.h"
#include "cli/places.h"
#include "jobs/fetch.h"
#include "report/progress.h"

namespace snap::cli {
namespace {

struct Options {
  std::string set, directory;
  std::vector<std::string> from;
};

report::Exit run(const Options& options, Context& context) {
  auto config = context.load(config::Need::sets);
  if (!config) return context.fail(jobs::local_exit(config.error()), config.error());
  auto picked = jobs::pick(all_places(*config, context, options.from), options.from);
  if (!picked) return context.fail(report::Exit::usage, picked.error());
  auto progress = report::make_progress(context.log());
  jobs::FetchRequest request{
      .set = options.set,
      .directory = options.directory,
      .progress = report::step_of(*progress, std::format("fetching {}", escaped(options.set))),
      .stop = context.stop()};
  auto fetched = jobs::fetch_set(*picked, request, context.log());
  progress->end();
  if (!fetched) return context.fail(fetched.error());
  context.log().info(std::format("fetched from {}, every byte proven", fetched->from));
  context.print(escaped(fetched->path) + "\n");
  return report::Exit::done;
}

}  // namespace

Command fetch_command() {
  auto options = std::make_shared<Options>();
  return {.name = "fetch",
          .summary = "bring a set back from any destination, proven",
          .examples = {{"fetch prod-east_2026-11-21T013000Z_master-0 /var/lib/restore"},
                       {"fetch --from offsite prod-east_2026-11-21T013000Z_master-0 ."}},
          .notes =
              "Asks the local directory first, then the destinations in the order of the "
              "configuration; a copy "
              "that is damaged or out of reach is passed over. Prints the directory of the set.",
          .flags = {{"from", "DEST", "from this destination only, or local; may be repeated",
                     &options->from}},
          .arguments = {{"SET", "a set of `etcd-snapshot list`", &options->set},
                        {"DIR", "where to put it: DIR/SET", &options->directory}},
          .asks_cluster = true,
          .run = [options](Context& context) { return run(*options, context); }};
}

}  // namespace snap::cli
