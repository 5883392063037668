#include "report/reproof_metrics.h"

#include <algorithm>
#include <optional>

#include "base/file.h"
#include "base/text.h"
#include "report/metrics_text.h"

namespace snap::report {
namespace {

constexpr uint64_t kMaxPreviousBytes = 1 << 20;
constexpr mode_t kMode = 0644;  // the node exporter runs as another user
constexpr std::string_view kEnding = ".prom";

// The places that a file of ours tells of.
std::vector<std::string> places_in(std::string_view text) {
  constexpr std::string_view kLabel = "place=\"";
  std::vector<std::string> places;
  for (const auto& line : split(text, '\n')) {
    auto label = line.find(kLabel);
    if (line.starts_with('#') || label == std::string::npos) continue;
    auto place = line.substr(label + kLabel.size());
    place.resize(std::min(place.find('"'), place.size()));
    if (!std::ranges::contains(places, place)) places.push_back(std::move(place));
  }
  return places;
}

}  // namespace

std::string reproof_file(const std::string& metrics_file) {
  std::string_view stem = metrics_file;
  if (stem.ends_with(kEnding)) stem.remove_suffix(kEnding.size());
  return std::string(stem) + "-verify" + std::string(kEnding);
}

std::string reproof_text(const std::string& cluster, const std::vector<ReproofFacts>& facts,
                         const std::vector<std::string>& places, std::string_view previous) {
  auto known = places_in(previous);
  std::erase_if(known, [&](const std::string& place) {
    return !std::ranges::contains(places, place) &&
           !std::ranges::contains(places, place.substr(0, place.find('/')));
  });
  for (const auto& fact : facts)
    if (!std::ranges::contains(known, fact.place)) known.push_back(fact.place);
  MetricsText text(cluster, previous);
  auto family = [&](std::string_view name, std::string_view help, auto&& value_of) {
    text.family(name, help);
    for (const auto& place : known) {
      auto found = std::ranges::find(facts, place, &ReproofFacts::place);
      text.kept(found == facts.end() ? std::nullopt : std::optional<uint64_t>(value_of(*found)),
                {{"place", place}});
    }
  };
  family("reproof_timestamp_seconds", "When stored sets were last read again there, Unix time.",
         [](const ReproofFacts& fact) { return unix_time(fact.at); });
  family("reproof_checked_sets", "Sets that were read again then.",
         [](const ReproofFacts& fact) { return fact.checked; });
  family("reproof_damaged_sets", "Those of them that are damaged.",
         [](const ReproofFacts& fact) { return fact.damaged; });
  family("reproof_unreadable_sets", "Those of them that could not be read.",
         [](const ReproofFacts& fact) { return fact.unreadable; });
  return std::move(text).take();
}

Result<void> write_reproofs(const std::string& metrics_file, const std::string& cluster,
                            const std::vector<ReproofFacts>& facts,
                            const std::vector<std::string>& places) {
  auto path = reproof_file(metrics_file);
  auto previous = read_small_file(path, kMaxPreviousBytes);
  return replace_file(path, reproof_text(cluster, facts, places, previous.value_or("")), kMode)
      .context("metrics file");
}

}  // namespace snap::report
