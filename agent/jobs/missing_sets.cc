#include "jobs/missing_sets.h"

#include <algorithm>

namespace snap::jobs {

std::vector<std::string> missing_sets(const Inventory& local, const Inventory& there,
                                      const std::vector<std::string>& removed_by_name,
                                      const DeliveryRequest& request) {
  std::vector<std::string> candidates;
  auto all = there.sets;
  for (const auto& set : local.sets) {
    bool whole =
        set.state == sets::State::good && set.proven && set.parts.cluster == request.cluster;
    bool future = set.parts.start > request.started + retain::kFutureTolerance;
    if (!whole || future || there.find(set.name) ||
        std::ranges::contains(removed_by_name, set.name))
      continue;
    candidates.push_back(set.name);
    all.push_back(set);
    all.back().pinned = false;  // pins count where they lie
  }
  std::ranges::sort(all, sets::newer_first);
  retain::Occasion occasion{.mode = retain::Mode::prune,
                            .now = request.started,
                            .stream = request.stream,
                            .just_made = request.set};
  std::vector<std::string> missing;
  for (const auto& verdict : retain::decide(all, request.policy, occasion)) {
    if (verdict.keep && std::ranges::contains(candidates, verdict.set))
      missing.push_back(verdict.set);
  }
  return missing;
}

}  // namespace snap::jobs
