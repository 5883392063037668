// etcd-snapshot check: the doctor.
#include "jobs/check.h"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/command.h"
#include "cli/context.h"
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

std::string to_table(const std::vector<config::Setting>& settings,
                     const std::vector<jobs::CheckRow>& rows) {
  report::Table effective({{"KEY"}, {"VALUE"}, {"FROM"}});
  for (const auto& setting : settings) effective.add({setting.key, setting.value, setting.origin});
  report::Table checks({{"WHAT"}, {"VERDICT"}, {"FINDING"}});
  for (const auto& row : rows)
    checks.add({row.subject, word_for(row.verdict),
                row.hint.empty() ? row.text : std::format("{} ({})", row.text, row.hint)});
  auto failed = std::ranges::count(rows, Verdict::failed, &jobs::CheckRow::verdict);
  auto verdict = failed == 0 ? std::string("A backup would work: etcd-snapshot run\n")
                             : std::format("A backup would fail: {} problem{} to solve first\n",
                                           failed, failed == 1 ? "" : "s");
  return effective.text() + "\n" + checks.text() + "\n" + verdict;
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
         {"hint", row.hint}});
  }
  return report::json_text(nlohmann::ordered_json{{"settings", effective}, {"checks", checks}});
}

report::Exit run(Context& context) {
  auto settings = context.settle(config::Need::sets);
  if (!settings) return context.fail(jobs::local_exit(settings.error()), settings.error());
  auto rows = jobs::check_everything(*settings, now_utc());
  auto effective = config::describe(settings->config);
  context.print(context.json() ? to_json(effective, rows) : to_table(effective, rows));
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
          .notes = "Writes nothing that stays. The exit status is the one that run would end with.",
          .asks_etcd = true,
          .run = run};
}

}  // namespace snap::cli
