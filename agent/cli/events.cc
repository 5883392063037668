#include "cli/events.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <format>
#include <utility>

#include "base/text.h"
#include "cli/cluster.h"
#include "kube/events.h"

namespace snap::cli {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// What an Event is called and says.
struct Said {
  std::string reason;
  std::string note;
};

Said said_of(const report::Outcome& outcome) {
  using report::Exit;
  std::string problem;
  if (outcome.error) problem = describe(outcome.error->error);
  if (outcome.exit == Exit::done) {
    std::vector<std::string> places;
    for (const auto& place : outcome.places)
      if (place.has_set && place.name != "local") places.push_back(place.name);
    auto copies = places.empty() ? "no copy elsewhere" : "copies at " + join(places, ", ");
    return {"BackupSucceeded",
            std::format("{}: {}, revision {}, proven; {}", outcome.set,
                        human_size(outcome.snapshot ? outcome.snapshot->bytes : 0),
                        outcome.snapshot ? outcome.snapshot->revision : 0, copies)};
  }
  auto note = std::format("exit status {}, {}: {}", static_cast<int>(outcome.exit),
                          report::meaning_of(outcome.exit), problem);
  switch (outcome.exit) {
    case Exit::destination_failed: return {"DestinationFailed", note};
    case Exit::prune_failed: return {"PruneFailed", note};
    case Exit::locked: return {"BackupSkipped", note};
    default: return {"BackupFailed", note};
  }
}

kube::Event event_of(const report::Outcome& outcome, const std::string& name_space) {
  auto said = said_of(outcome);
  auto job = environment("JOB_NAME");
  auto pod = environment("POD_NAME");
  return {.name_space = name_space,
          .api_version = job.empty() ? "v1" : "batch/v1",
          .kind = job.empty() ? "Namespace" : "Job",
          .name = job.empty() ? name_space : job,
          .uid = job.empty() ? "" : environment("JOB_UID"),
          .warning = outcome.exit != report::Exit::done,
          .reason = std::move(said.reason),
          .action = "Backup",
          .note = std::move(said.note),
          .instance = pod.empty() ? outcome.node : pod};
}

std::string name_space_for(const config::Config& config, const kube::Client& client) {
  const auto& configured = config.kubernetes.name_space;
  return configured.empty() ? client.access().name_space : configured;
}

constexpr std::string_view kClock = "clock: ";  // begins a warning, as log_findings() writes it

constexpr kube::Limits kEventLimits = {
    .request = std::chrono::seconds(5), .total = std::chrono::seconds(10), .attempts = 3};

}  // namespace

std::optional<jobs::CheckRow> check_events(const config::Config& config, const Context& context) {
  if (!config.kubernetes.events) return std::nullopt;
  jobs::CheckRow row;
  row.subject = "events";
  auto client = client_for(config, context.stop(), kEventLimits);
  auto allowed = client ? kube::may_create_events(*client, name_space_for(config, *client))
                        : Result<void>(std::unexpected(client.error()));
  if (allowed) {
    row.verdict = jobs::Verdict::ok;
    row.text = std::format("may be created in namespace {}", name_space_for(config, *client));
  } else {
    row.verdict = jobs::Verdict::warning;
    row.text = allowed.error().message;
    row.hint = allowed.error().hint;
  }
  return row;
}

void send_event(const config::Config& config, report::Outcome& outcome, const Context& context) {
  if (!config.kubernetes.events) return;
  auto warn = [&](const std::string& line) {
    context.log().warn(line);
    outcome.warnings.push_back(line);
  };
  auto sent = [&]() -> Result<void> {
    auto client = TRY(client_for(config, {}, kEventLimits));  // a run that was stopped has one, too
    auto created = kube::create_event(client, event_of(outcome, name_space_for(config, client)),
                                      std::chrono::system_clock::now());
    bool told = std::ranges::any_of(  // when places were looked for
        outcome.warnings, [](const auto& line) { return line.starts_with(kClock); });
    if (auto apart = clock_warning(client); apart && !told)
      warn(std::string(kClock) + describe(*apart));
    return created;
  }();
  if (!sent) warn("no Event of this run: " + describe(sent.error()));
}

}  // namespace snap::cli
