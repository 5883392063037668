// etcd-snapshot status FILE: the numbers of a snapshot, as the stock tools print them.
#include <format>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/command.h"
#include "cli/context.h"
#include "report/table.h"
#include "snapshot/verify.h"

namespace snap::cli {
namespace {

std::string to_json(const snapshot::Status& status) {
  // totalKey counts as etcdutl 3.6 does, which the stock tool of the same field name now shows.
  nlohmann::ordered_json json{{"hash", status.hash},
                              {"revision", status.revision},
                              {"totalKey", status.live_keys},
                              {"totalSize", status.total_size_bytes},
                              {"version", status.storage_version},
                              {"liveKeys", status.live_keys},
                              {"totalPairs", status.total_keys},
                              {"inUseSize", status.in_use_bytes},
                              {"compactRevision", status.compact_revision}};
  return report::json_text(json);
}

std::string to_table(const snapshot::Status& status) {
  report::Table table({{"HASH"},
                       {"REVISION", report::Align::right},
                       {"LIVE KEYS (3.6)", report::Align::right},
                       {"ALL PAIRS (3.4, 3.5)", report::Align::right},
                       {"SIZE", report::Align::right},
                       {"IN USE", report::Align::right},
                       {"STORAGE VERSION"}});
  table.add({std::format("{:x}", status.hash), std::to_string(status.revision),
             std::to_string(status.live_keys), std::to_string(status.total_keys),
             human_size(status.total_size_bytes), human_size(status.in_use_bytes),
             status.storage_version.empty() ? "-" : status.storage_version});
  return table.text();
}

report::Exit run(const std::string& file, Context& context) {
  auto report = snapshot::read_status(file, {.threads = 2, .stop = context.stop(), .progress = {}});
  if (!report) {
    auto error = report.error();
    if (error.code == Code::not_found) error.hint = "name a snapshot file";
    return context.fail(jobs::argument_exit(error), error);
  }
  for (const auto& finding : report->findings) context.log().error(snapshot::describe(finding));
  if (!report->sound() || !report->status) {
    context.log().error(std::format("{} is damaged; for all findings: etcd-snapshot verify {}",
                                    escaped(file), escaped(file)));
    return report::Exit::damaged;
  }
  context.print(context.json() ? to_json(*report->status) : to_table(*report->status));
  return report::Exit::done;
}

}  // namespace

Command status_command() {
  auto file = std::make_shared<std::string>();
  return {.name = "status",
          .summary = "the numbers of a snapshot file, as etcdutl snapshot status prints them",
          .examples = {{"status etcd.db"}, {"status etcd.db -o json"}},
          .notes =
              "The hash is that of etcdctl and etcdutl 3.4, 3.5 and 3.6. Keys are counted twice: "
              "live keys as 3.6 does, and all key-value pairs of all buckets as 3.4 and 3.5 do. "
              "Status does not check the SHA-256: verify does.",
          .arguments = {{"FILE", "a snapshot file", file.get()}},
          .run = [file](Context& context) { return run(*file, context); }};
}

}  // namespace snap::cli
