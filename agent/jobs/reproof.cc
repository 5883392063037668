#include "jobs/reproof.h"

#include <algorithm>
#include <format>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/text.h"
#include "jobs/lock.h"
#include "jobs/ship.h"
#include "stream/sha256.h"

namespace snap::jobs {
namespace {

bool has_manifest(const sets::SetInfo& set) {
  return set.state == sets::State::good || set.state == sets::State::damaged;
}

// A set that the original has lost, or holds damaged, says nothing about the copy.
bool differs_from_original(dest::Destination* original, const std::string& set,
                           const std::string& text) {
  if (!original) return false;
  auto stored = read_manifest(*original, set);
  return stored && stored->text != text;
}

Reproof prove_one(dest::Destination& place, const std::string& set, const ReproofRequest& request) {
  Reproof proof{.set = set};
  auto failed = [&](const Error& error) {
    proof.problem = error.message;
    // That it cannot be read now is no damage.
    proof.looked =
        error.code == Code::corrupt || error.code == Code::invalid || error.code == Code::not_found;
    return proof;
  };
  auto stored = read_manifest(place, set);
  if (!stored) return failed(stored.error());
  if (differs_from_original(request.original, set, stored->text))
    return failed({Code::corrupt,
                   std::format("{}: {}: manifest.json is not the one of the local directory",
                               place.label(), escaped(set)),
                   ""});
  for (const auto& file : stored->manifest.files) {
    auto how = prove_file(place, set, file, request.stop);
    if (!how) return failed(how.error());
    proof.how = *how;
    proof.bytes += file.size_bytes;
  }
  proof.sound = true;
  return proof;
}

// Whether the set, which had a manifest, was removed meanwhile, or is being removed just now: its
// manifest goes first.
bool is_gone(dest::Destination& place, const sets::SetInfo& set) {
  if (!has_manifest(set)) return false;
  auto manifest = place.open(set.name, std::string(sets::kManifestName));
  return !manifest && manifest.error().code == Code::not_found;
}

// Nothing: the set is gone.
std::optional<Reproof> prove_held(dest::Destination& place, const sets::SetInfo& set,
                                  const ReproofRequest& request) {
  Result<Fd> held{Fd()};
  if (!request.local_directory.empty())
    held = hold_set(std::format("{}/{}", request.local_directory, set.name));
  if (!held && held.error().code == Code::unavailable) return std::nullopt;
  auto proof = prove_one(place, set.name, request);
  if (!proof.sound && is_gone(place, set)) return std::nullopt;
  return proof;
}

}  // namespace

std::vector<std::string> sample(const Inventory& inventory, unsigned percent, Seconds now) {
  uint64_t all = 0;
  std::vector<std::pair<std::string, const sets::SetInfo*>> drawn;
  // Another order each day, the same on every try of one day.
  auto day =
      std::format("{}", std::chrono::floor<std::chrono::days>(now).time_since_epoch().count());
  for (const auto& set : inventory.sets) {
    if (!has_manifest(set)) continue;
    all += set.total_bytes;
    drawn.emplace_back(to_hex(stream::sha256(as_bytes(day + set.name))), &set);
  }
  std::ranges::sort(drawn);
  // What is known to be damaged has no size and costs nothing: it comes first, whatever the sample.
  std::ranges::stable_partition(
      drawn, [](const auto& one) { return one.second->state == sets::State::damaged; });
  std::vector<std::string> taken;
  uint64_t bytes = 0;
  for (const auto& [order, set] : drawn) {
    bool enough = bytes > 0 && bytes * 100 >= all * percent;
    if (enough && percent < 100) break;
    taken.push_back(set->name);
    bytes += set->total_bytes;
  }
  return taken;
}

Result<std::vector<Reproof>> prove_again(dest::Destination& place, const Inventory& inventory,
                                         const ReproofRequest& request) {
  auto wanted = request.sets;
  for (const auto& set : wanted) {
    if (!inventory.find(set)) return std::unexpected(no_such_set(inventory, set, place.label()));
  }
  if (wanted.empty()) wanted = sample(inventory, request.sample_percent, request.now);
  uint64_t total = 0, done = 0;
  for (const auto& set : wanted) total += inventory.find(set)->total_bytes;
  std::vector<Reproof> proofs;
  for (const auto& set : wanted) {
    if (request.stop.stop_requested()) return fail(Code::cancelled, "interrupted");
    if (request.progress) request.progress(done, total);
    const auto& info = *inventory.find(set);
    if (auto proof = prove_held(place, info, request)) {
      proofs.push_back(std::move(*proof));
    } else if (std::ranges::contains(request.sets, set)) {
      return fail(Code::not_found,
                  std::format("{} was removed from {} meanwhile", escaped(set), place.label()));
    }
    done += info.total_bytes;
  }
  return proofs;
}

report::ReproofFacts facts_of(const std::string& place, const std::vector<Reproof>& proofs,
                              Seconds now) {
  report::ReproofFacts facts{.place = place, .at = now, .checked = proofs.size()};
  for (const auto& proof : proofs) {
    if (!proof.looked) ++facts.unreadable;
    if (proof.looked && !proof.sound) ++facts.damaged;
  }
  return facts;
}

}  // namespace snap::jobs
