#include "jobs/cluster_name.h"

#include <algorithm>
#include <format>
#include <set>
#include <vector>

#include "base/bytes.h"
#include "base/text.h"
#include "retain/retain.h"

namespace snap::jobs {
namespace {

constexpr size_t kDigits = 8;

}  // namespace

std::string name_of_cluster(uint64_t cluster_id) {
  return "cluster-" + to_hex(cluster_id).substr(0, kDigits);
}

Result<std::string> only_cluster_in(const Inventory& inventory, const std::string& directory) {
  std::set<std::string> clusters;
  for (const auto& set : inventory.sets) {
    if (set.state != sets::State::foreign) clusters.insert(set.parts.cluster);
  }
  if (clusters.size() == 1) return *clusters.begin();
  if (clusters.empty())
    return fail(Code::invalid,
                std::format("the configuration names no cluster, and {} holds no set to tell it",
                            directory),
                "make one with etcd-snapshot run, or add a line such as cluster: prod-east");
  return fail(
      Code::invalid,
      std::format("the configuration names no cluster, and {} holds sets of {}: {}", directory,
                  clusters.size(), join(std::vector(clusters.begin(), clusters.end()), ", ")),
      std::format("say which: --set cluster={}", *clusters.begin()));
}

std::string newest_cluster_in(const Inventory& inventory, Seconds now) {
  auto newest = std::ranges::find_if(inventory.sets, [&](const sets::SetInfo& set) {
    return set.state != sets::State::foreign && set.parts.start <= now + retain::kFutureTolerance;
  });
  return newest == inventory.sets.end() ? "" : newest->parts.cluster;
}

}  // namespace snap::jobs
