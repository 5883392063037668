#include "jobs/inventory.h"

#include <algorithm>
#include <format>
#include <optional>
#include <set>

#include "base/text.h"
#include "retain/retain.h"
#include "stream/memory.h"

namespace snap::jobs {
namespace {

// A set whose files are not all there at their full size is damaged, whatever its manifest says.
Result<void> look_at_files(dest::Destination& place, sets::SetInfo& set) {
  auto files = place.files(set.name);
  if (!files && files.error().code != Code::not_found) return std::unexpected(files.error());
  uint64_t bytes = 0;
  for (const auto& file : files.value_or(std::vector<dest::FileInfo>{})) {
    if (file.regular && std::ranges::contains(set.files, file.name)) bytes += file.size_bytes;
  }
  if (bytes == set.total_bytes) return {};
  set.state = sets::State::damaged;
  set.problem =
      std::format("its files hold {} bytes, the manifest says {}", bytes, set.total_bytes);
  return {};
}

// The manifest of a set, whole; nothing where there is none.
Result<std::optional<std::string>> manifest_of(dest::Destination& place, const std::string& set) {
  auto source = place.open(set, std::string(sets::kManifestName));
  if (!source && source.error().code == Code::not_found) return std::nullopt;
  if (!source) return std::unexpected(source.error());
  return TRY(stream::read_all(**source, sets::kMaxManifestBytes));
}

// One set of the place. What cannot be read of it alone makes it damaged: kept, told, never
// counted. That the place itself does not answer is an Error.
Result<sets::SetInfo> look_at_set(dest::Destination& place, const std::string& set) {
  auto text = manifest_of(place, set);
  if (text) {
    auto info = sets::classify(set, *text);
    if (info.state != sets::State::good) return info;
    TRY(look_at_files(place, info));
    if (info.state == sets::State::good) return info;
    // Who removes a set takes its manifest first: perhaps just now.
    auto now = manifest_of(place, set);
    if (!now && (now.error().retryable() || now.error().code == Code::cancelled))
      return std::unexpected(now.error());
    return now && !*now ? sets::classify(set, std::nullopt) : info;
  }
  if (text.error().retryable() || text.error().code == Code::cancelled)
    return std::unexpected(text.error());
  auto info = sets::classify(set, "");
  info.problem = std::format("its manifest cannot be read: {}", text.error().message);
  return info;
}

Result<std::set<std::string>> notes(dest::Destination& place, std::string_view kind) {
  auto names = TRY(place.notes(std::string(kind)).context(std::format("notes of kind {}", kind)));
  return std::set<std::string>(names.begin(), names.end());
}

sets::SetInfo not_a_set(const dest::Entry& entry) {
  sets::SetInfo info;
  info.name = entry.name;
  info.problem = entry.directory ? "not named like a set" : "not a directory";
  return info;
}

}  // namespace

const sets::SetInfo* Inventory::find(const std::string& name) const {
  auto found = std::ranges::find(sets, name, &sets::SetInfo::name);
  return found == sets.end() ? nullptr : &*found;
}

Result<Inventory> read_inventory(dest::Destination& place, const Inventory& before) {
  auto pins = TRY(notes(place, sets::kPins));
  auto removals = TRY(notes(place, sets::kRemoving));
  Inventory inventory;
  for (const auto& entry : TRY(place.list())) {
    if (!entry.directory || !sets::SetName::parse(entry.name)) {
      inventory.sets.push_back(not_a_set(entry));
      continue;
    }
    const auto* known = before.find(entry.name);
    bool whole = known && known->state == sets::State::good && !removals.contains(entry.name);
    auto info = whole ? *known : TRY(look_at_set(place, entry.name));
    info.pinned = pins.contains(entry.name);
    info.removal_begun = removals.contains(entry.name);
    inventory.sets.push_back(std::move(info));
  }
  std::ranges::sort(inventory.sets, sets::newer_first);
  return inventory;
}

report::PlaceFacts::Sets count_sets(const Inventory& inventory, const std::string& cluster,
                                    Seconds now) {
  report::PlaceFacts::Sets counted;
  for (const auto& set : inventory.sets) {
    if (set.state != sets::State::good || set.parts.cluster != cluster) continue;
    ++(set.proven ? counted.proven : counted.unproven);
    if (set.pinned) ++counted.pinned;
    counted.bytes += set.total_bytes;
    if (set.proven && set.parts.start <= now + retain::kFutureTolerance)
      counted.newest_proven =
          std::max(counted.newest_proven.value_or(set.parts.start), set.parts.start);
  }
  return counted;
}

void take_stock(report::PlaceFacts& facts, dest::Destination& place, const Inventory& inventory,
                const std::string& cluster, Seconds now) {
  facts.sets = count_sets(inventory, cluster, now);
  auto space = place.space();
  if (space) facts.free_bytes = space->free_bytes;
}

Error no_such_set(const Inventory& inventory, const std::string& name, const std::string& place) {
  std::vector<std::string_view> names;
  for (const auto& set : inventory.sets) names.push_back(set.name);
  auto near = nearest(name, names);
  return {Code::not_found, std::format("no set {} at {}", escaped(name), place),
          near ? std::format("did you mean {}?", escaped(*near)) : "see: etcd-snapshot list"};
}

std::string other_clusters_only(const Inventory& inventory, const std::string& cluster) {
  std::set<std::string> others;
  for (const auto& set : inventory.sets) {
    if (set.state == sets::State::foreign) continue;
    if (set.parts.cluster == cluster) return "";
    others.insert(set.parts.cluster);
  }
  if (others.empty()) return "";
  return std::format("no set of cluster {} is here; there are sets of {}", cluster,
                     join(std::vector(others.begin(), others.end()), ", "));
}

}  // namespace snap::jobs
