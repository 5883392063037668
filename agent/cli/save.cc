// etcd-snapshot save [FILE]: one snapshot to a file, the drop-in for `etcdctl snapshot save`.
#include "jobs/save.h"

#include <format>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/command.h"
#include "cli/context.h"
#include "report/table.h"
#include "sets/name.h"

namespace snap::cli {
namespace {

std::string to_json(const std::string& file, const jobs::Saved& saved) {
  const auto& member = saved.taken.member;
  nlohmann::ordered_json json{{"file", file},
                              {"size", saved.taken.digest.size_bytes},
                              {"sha256", to_hex(saved.taken.digest.whole)},
                              {"member", member.name},
                              {"member_id", to_hex(member.member.member_id)},
                              {"cluster_id", to_hex(member.member.cluster_id)},
                              {"endpoint", redacted_url(member.member.endpoint)},
                              {"etcd_version", member.member.version},
                              {"warnings", saved.warnings}};
  return report::json_text(json);
}

report::Exit run(const std::string& given, Context& context) {
  auto settings = context.settle(config::Need::nothing, true);
  if (!settings) return context.fail(jobs::local_exit(settings.error()), settings.error());
  const auto& found = settings->discovery;
  if (settings->config.etcd.endpoints.empty() && found.endpoint_assumed) {
    context.log().warn(std::format(
        "no endpoint of etcd is given or configured, and no file on this host names one: {} is "
        "assumed",
        found.endpoints.front()));
  }
  std::vector<std::string> warnings;
  auto client = jobs::client_for(*settings, warnings);
  for (const auto& warning : warnings) context.log().warn(warning);
  if (!client) return context.fail(jobs::etcd_exit(client.error()), client.error());
  auto file = given.empty() ? sets::snapshot_file_name(now_utc()) : given;
  auto progress = report::make_progress(context.log());
  auto saved = jobs::save(*client, file, context.log(), *progress, context.stop());
  if (!saved) return context.fail(saved.error());
  const auto& digest = saved->taken.digest;
  auto line =
      std::format("saved {}: {} from {}, SHA-256 {} equals the member's",
                  file == "-" ? "to standard output" : escaped(file), human_size(digest.size_bytes),
                  saved->taken.member.name, to_hex(digest.whole));
  if (file == "-") {
    context.log().info(line);
  } else {
    context.print(context.json() ? to_json(file, *saved) : line + "\n");
  }
  return report::Exit::done;
}

}  // namespace

Command save_command() {
  auto file = std::make_shared<std::string>();
  return {
      .name = "save",
      .summary = "take one snapshot into a file, whole and with the SHA-256 that the member gave",
      .examples =
          {{"save", "into snapshot_<date>_<time>.db, etcd found by itself"},
           {"save /backup/etcd.db", "replaces the file whole, and only by one that came whole"},
           {"save - | ssh vault 'cat > etcd.db'"},
           {"save --endpoints https://10.0.0.1:2379 --cacert ca.crt --cert me.crt --key me.key "
            "x.db"}},
      .notes =
          "ETCDCTL_ENDPOINTS, ETCDCTL_CACERT, ETCDCTL_CERT and ETCDCTL_KEY count too; flags "
          "win. A save that is killed leaves FILE.*.part; the next one to FILE removes it.",
      .arguments = {{"FILE", "where to; - is standard output", file.get(), false}},
      .asks_etcd = true,
      .run = [file](Context& context) { return run(*file, context); }};
}

}  // namespace snap::cli
