#include "jobs/prune.h"

#include <algorithm>
#include <format>
#include <limits>
#include <utility>

#include "base/text.h"

namespace snap::jobs {
namespace {

constexpr auto kForeignLeftoverAge = std::chrono::days(7);

unsigned count(uint64_t n) {
  return static_cast<unsigned>(std::min<uint64_t>(n, std::numeric_limits<unsigned>::max()));
}

// What may be removed of a set, the manifest first.
std::vector<std::string> files_to_remove(const sets::SetInfo& set) {
  std::vector<std::string> files{std::string(sets::kManifestName)};
  files.insert(files.end(), set.files.begin(), set.files.end());
  return files;
}

// Notes of removals whose set is gone: the command ended between the two. Of one cluster, whose
// lock the caller holds. What cannot be forgotten now will be the next time.
void forget_finished_removals(dest::Destination& place, const Inventory& inventory,
                              const std::string& cluster) {
  const std::string kind(sets::kRemoving);
  auto noted = place.notes(kind);
  if (!noted) return;
  for (const auto& name : *noted) {
    auto parts = sets::SetName::parse(name);
    if (parts && parts->cluster == cluster && inventory.find(name) == nullptr)
      (void)place.remove_note(kind, name);
  }
}

}  // namespace

retain::Policy policy_of(const config::Retention& retention) {
  return {.keep_last = count(retention.keep_last),
          .keep_within = retention.keep_within,
          .keep_hourly = count(retention.keep_hourly),
          .keep_daily = count(retention.keep_daily),
          .keep_weekly = count(retention.keep_weekly),
          .keep_monthly = count(retention.keep_monthly),
          .keep_yearly = count(retention.keep_yearly),
          .max_size_bytes = retention.max_size_bytes};
}

Result<std::vector<std::string>> remove_set(dest::Destination& place, const sets::SetInfo& set) {
  const std::string kRemoving(sets::kRemoving);
  // The note that a removal is under way: what a crash leaves of it may then be taken away too. On
  // a full disk it cannot be written; that must not keep the removal from making room.
  auto noted = place.put_note(kRemoving, set.name, "");
  if (!noted && noted.error().code != Code::no_space) return std::unexpected(noted.error());
  auto removed = place.remove(set.name, files_to_remove(set));
  if (!removed) {
    // In use: nothing was touched.
    if (removed.error().code == Code::busy) (void)place.remove_note(kRemoving, set.name);
    return std::unexpected(removed.error());
  }
  TRY(place.remove_note(kRemoving, set.name)
          .context(std::format("{} is removed, the note about its removal is not", set.name)));
  std::vector<std::string> notes;
  for (const auto& extra : *removed) {
    notes.push_back(
        std::format("{}/{} is no file of the set and was left", set.name, escaped(extra)));
  }
  return notes;
}

Pruned prune_place(dest::Destination& place, const Inventory& inventory,
                   const retain::Policy& policy, const retain::Occasion& occasion, bool dry_run) {
  Pruned pruned;
  pruned.verdicts = retain::decide(inventory.sets, policy, occasion);
  if (dry_run) return pruned;
  forget_finished_removals(place, inventory, occasion.stream.cluster);
  for (const auto& verdict : pruned.verdicts) {
    const auto* set = inventory.find(verdict.set);
    if (set == nullptr) continue;
    if (verdict.keep) {
      // A removal that did not get as far as the manifest did not happen.
      if (set->removal_begun && set->state == sets::State::good)
        (void)place.remove_note(std::string(sets::kRemoving), set->name);
      continue;
    }
    auto removed = remove_set(place, *set);
    if (removed) {
      pruned.removed.push_back({verdict.set, verdict.reason});
      pruned.notes.insert(pruned.notes.end(), removed->begin(), removed->end());
    } else if (removed.error().code == Code::busy) {
      pruned.notes.push_back(
          std::format("{} was not removed: {}", verdict.set, removed.error().message));
    } else {
      if (removed.error().hint.empty())
        removed.error().hint =
            "look at the owner, mode and attributes of what could not be removed";
      pruned.failures.push_back({Exit::prune_failed, "prune", removed.error()});
    }
  }
  return pruned;
}

Retention apply_retention(dest::Destination& place, Inventory& inventory,
                          const retain::Policy& policy, const retain::Occasion& occasion,
                          const std::vector<std::string>& untold) {
  auto pruned = prune_place(place, inventory, policy, occasion, false);
  for (const auto& verdict : pruned.verdicts) {
    if (verdict.notice && !std::ranges::contains(untold, verdict.set))
      pruned.notes.push_back(std::format("{}: {}", escaped(verdict.set), verdict.reason));
  }
  std::erase_if(inventory.sets, [&](const sets::SetInfo& set) {
    return std::ranges::contains(pruned.removed, set.name, &report::Removal::set);
  });
  return {std::move(pruned.removed), std::move(pruned.notes), std::move(pruned.failures)};
}

uint64_t prunable_bytes(const Inventory& inventory, const std::vector<retain::Verdict>& verdicts) {
  uint64_t bytes = 0;
  for (const auto& verdict : verdicts) {
    const auto* set = inventory.find(verdict.set);
    if (!verdict.keep && set != nullptr) bytes += set->total_bytes;
  }
  return bytes;
}

CleanedUp clean_up(dest::Destination& place, const Leftovers& whose) {
  CleanedUp done;
  auto leftovers = place.leftovers();
  if (!leftovers) {
    done.problems.push_back(describe(leftovers.error()));
    return done;
  }
  for (const auto& leftover : *leftovers) {
    auto name = sets::SetName::parse(leftover.group);
    if (!name) continue;
    bool own = name->node == whose.node && name->cluster == whose.cluster;
    bool forgotten = name->node != whose.node && whose.now - leftover.changed > kForeignLeftoverAge;
    if (!own && !forgotten) continue;
    auto path = dest::incoming_name(leftover.group);
    auto discarded = place.discard(leftover.group);
    if (discarded) {
      done.removed.push_back(std::format("removed {}, left by a run that did not end", path));
    } else {
      done.problems.push_back(
          std::format("{}, left by a run that did not end, cannot be removed: {}", path,
                      describe(discarded.error())));
    }
  }
  return done;
}

}  // namespace snap::jobs
