// etcd-snapshot check: the doctor.
#include "jobs/check.h"

#include <algorithm>
#include <format>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/cluster.h"
#include "cli/command.h"
#include "cli/context.h"
#include "cli/events.h"
#include "jobs/check_places.h"
#include "report/table.h"

namespace snap::cli {
namespace {

using jobs::Verdict;

std::string word_for(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok: return "ok";
    case Verdict::warning: return "warning";
    case Verdict::failed: return "FAILED";
  }
  return "";
}

std::string settings_table(const std::vector<config::Setting>& settings) {
  report::Table effective({{"KEY"}, {"VALUE"}, {"FROM"}});
  for (const auto& setting : settings) effective.add({setting.key, setting.value, setting.origin});
  return effective.text();
}

std::string to_table(const std::vector<jobs::CheckRow>& rows) {
  report::Table checks({{"WHAT"}, {"VERDICT"}, {"FINDING"}});
  report::Table files({{"HOST FILE"}, {"VERDICT"}, {"WHAT A RESTORE HAS IT FOR"}});
  for (const auto& row : rows) {
    auto text = row.hint.empty() ? row.text : std::format("{} ({})", row.text, row.hint);
    if (row.use.empty()) {
      checks.add({row.subject, word_for(row.verdict), text});
    } else {
      files.add({text, word_for(row.verdict), row.use});
    }
  }
  auto failed = std::ranges::count(rows, Verdict::failed, &jobs::CheckRow::verdict);
  auto verdict = failed == 0 ? std::string("A backup would work: etcd-snapshot run\n")
                             : std::format("A backup would fail: {} problem{} to solve first\n",
                                           failed, failed == 1 ? "" : "s");
  return checks.text() + "\n" + (files.empty() ? "" : files.text() + "\n") + verdict;
}

std::string to_json(const std::vector<config::Setting>& settings,
                    const std::vector<jobs::CheckRow>& rows) {
  nlohmann::ordered_json effective = nlohmann::ordered_json::array();
  for (const auto& setting : settings)
    effective.push_back({{"key", setting.key}, {"value", setting.value}, {"from", setting.origin}});
  nlohmann::ordered_json checks = nlohmann::ordered_json::array();
  for (const auto& row : rows) {
    checks.push_back(
        {{"what", row.subject},
         {"verdict", row.verdict == Verdict::failed ? "failed" : word_for(row.verdict)},
         {"finding", row.text},
         {"hint", row.hint},
         {"use", row.use}});
  }
  return report::json_text(nlohmann::ordered_json{{"settings", effective}, {"checks", checks}});
}

report::Exit run(Context& context) {
  auto settings = context.settle(config::Need::sets);
  if (!settings) return context.fail(jobs::local_exit(settings.error()), settings.error());
  auto rows = jobs::check_everything(*settings, now_utc());
  auto cluster = look_into_cluster(settings->config, context);
  std::ranges::move(check_rows(cluster), std::back_inserter(rows));
  if (auto events = check_events(settings->config, context)) rows.push_back(std::move(*events));
  std::ranges::move(jobs::check_places(jobs::places_of(settings->config, cluster.found),
                                       settings->node, context.stop()),
                    std::back_inserter(rows));
  auto effective = config::describe(settings->config);
  if (context.json()) {
    context.print(to_json(effective, rows));
  } else {
    context.print(to_table(rows) + (context.verbose() ? "\n" + settings_table(effective) : ""));
  }
  auto exit = report::Exit::done;
  for (const auto& row : rows) exit = report::graver(exit, row.exit);
  return exit;
}

}  // namespace

Command check_command() {
  return {.name = "check",
          .summary =
              "the doctor: validate the configuration, try every connection, permission and "
              "certificate",
          .examples = {{"check"}, {"check --config ./config.yaml --verbose"}},
          .notes =
              "Writes nothing that stays; --verbose shows the settings and where they come from, "
              "too. The exit status is the one that run would end with.",
          .asks_etcd = true,
          .asks_cluster = true,
          .run = run};
}

}  // namespace snap::cli
