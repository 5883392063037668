#include "report/metrics.h"

#include <algorithm>
#include <filesystem>
#include <format>
#include <optional>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/part.h"
#include "base/text.h"
#include "report/metrics_text.h"

namespace snap::report {
namespace {

constexpr uint64_t kMaxPreviousBytes = 1 << 20;
constexpr mode_t kMode = 0644;  // the node exporter runs as another user

void add_run(const Outcome& outcome, MetricsText& text) {
  text.family("build_info", "Version of etcd-snapshot that wrote this file; always 1.");
  text.sample(1, {{"version", outcome.version}});
  text.family("last_attempt_timestamp_seconds", "When the last run ended, Unix time.");
  text.sample(unix_time(outcome.finished));
  text.family("last_success_timestamp_seconds",
              "When the last run that ended with exit status 0 ended, Unix time.");
  // Kept whatever the clock says now: one that was set back for one run, or ran ahead for one, must
  // not make a failed run forget when backups worked.
  bool success = outcome.exit == Exit::done;
  text.kept(success ? std::optional(unix_time(outcome.finished)) : std::nullopt);
  text.family("last_exit_code", "Exit status of the last run.");
  text.sample(static_cast<uint64_t>(outcome.exit));
  text.family("last_run_warnings", "Warnings of the last run.");
  text.sample(outcome.warnings.size());
  text.family("last_run_duration_seconds", "How long the last run took.");
  auto took = std::max<int64_t>((outcome.finished - outcome.started).count(), 0);
  text.sample(static_cast<uint64_t>(took));
  text.family("stage_duration_seconds", "How long each stage of the last run took.");
  for (const auto& stage : outcome.stages) {
    auto seconds = static_cast<double>(stage.duration.count()) / 1000;
    text.sample(std::format("{:.3f}", seconds), {{"stage", stage.name}});
  }
}

void add_snapshot(const Outcome& outcome, MetricsText& text) {
  auto of = [](const auto& facts, auto field) {
    return facts ? std::optional<uint64_t>((*facts).*field) : std::nullopt;
  };
  const auto& snapshot = outcome.snapshot;
  text.family("snapshot_bytes", "Size of the last snapshot that was taken.");
  text.kept(of(snapshot, &SnapshotFacts::bytes));
  text.family("snapshot_in_use_bytes", "Bytes in use in the last snapshot that was taken.");
  text.kept(of(snapshot, &SnapshotFacts::in_use_bytes));
  text.family("snapshot_revision", "Revision of etcd in the last snapshot that was taken.");
  text.kept(snapshot
                ? std::optional(static_cast<uint64_t>(std::max<int64_t>(snapshot->revision, 0)))
                : std::nullopt);
  text.family("snapshot_live_keys", "Keys in the last snapshot that was taken.");
  text.kept(of(snapshot, &SnapshotFacts::live_keys));
  text.family("resources_bytes", "Size of the last archive of static resources.");
  text.kept(of(outcome.resources, &ResourceFacts::bytes));
  text.family("certificate_earliest_end_timestamp_seconds",
              "End of the first certificate to end, of those in the last archive, Unix time.");
  const auto& resources = outcome.resources;
  if (resources && resources->earliest_certificate_end) {
    text.sample(unix_time(*resources->earliest_certificate_end));
  } else if (!resources) {
    text.kept(std::nullopt);
  }
}

void add_places(const Outcome& outcome, MetricsText& text) {
  // One family after the other, as the format wants it.
  auto each = [&](std::string_view name, std::string_view help, auto&& add) {
    text.family(name, help);
    for (const auto& place : outcome.places) add(place, Labels{{"place", place.name}});
  };
  each("place_ok", "1 when the last run did all it had to do at this place.",
       [&](const PlaceFacts& place, Labels labels) {
         text.sample(place.failed ? 0 : 1, std::move(labels));
       });
  each("place_sets", "Backup sets of this cluster at this place.",
       [&](const PlaceFacts& place, const Labels& labels) {
         if (!place.sets) return;
         for (bool proven : {true, false}) {
           auto more = labels;
           more.emplace_back("proven", proven ? "true" : "false");
           text.sample(proven ? place.sets->proven : place.sets->unproven, std::move(more));
         }
       });
  each("place_pinned_sets", "Backup sets of this cluster at this place that are pinned.",
       [&](const PlaceFacts& place, Labels labels) {
         if (place.sets) text.sample(place.sets->pinned, std::move(labels));
       });
  each("place_sets_bytes", "Bytes that the backup sets of this cluster take at this place.",
       [&](const PlaceFacts& place, Labels labels) {
         if (place.sets) text.sample(place.sets->bytes, std::move(labels));
       });
  each("place_newest_proven_timestamp_seconds",
       "Start of the newest proven backup set at this place, Unix time.",
       [&](const PlaceFacts& place, Labels labels) {
         if (place.sets && place.sets->newest_proven)
           text.sample(unix_time(*place.sets->newest_proven), std::move(labels));
       });
  each("place_free_bytes", "Bytes free at this place when the last run ended.",
       [&](const PlaceFacts& place, Labels labels) {
         if (place.free_bytes) text.sample(*place.free_bytes, std::move(labels));
       });
}

}  // namespace

std::string metrics_text(const Outcome& outcome, std::string_view previous) {
  MetricsText text(outcome.cluster, previous);
  add_run(outcome, text);
  add_snapshot(outcome, text);
  add_places(outcome, text);
  return std::move(text).take();
}

Result<void> write_metrics(const std::string& path, const Outcome& outcome) {
  // What runs that were killed between writing and renaming left. Only one run at a time writes it.
  std::error_code ignored;
  for (const auto& part : parts_of(path)) std::filesystem::remove(part, ignored);
  auto previous = read_small_file(path, kMaxPreviousBytes);
  return replace_file(path, metrics_text(outcome, previous ? *previous : ""), kMode)
      .context("metrics file");
}

}  // namespace snap::report
