// What lies at a place.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "dest/destination.h"
#include "report/outcome.h"
#include "sets/info.h"

namespace snap::jobs {

struct Inventory {
  std::vector<sets::SetInfo> sets;  // everything visible, foreign names too; newest first

  const sets::SetInfo* find(const std::string& name) const;
};

// Reads every manifest at the place. A manifest that cannot be read makes its set damaged; the
// listing as a whole is complete, or an Error: retention must not work on half of it. `before`:
// what was read of the place moments ago; whole sets of it that are still there are not read again.
Result<Inventory> read_inventory(dest::Destination& place, const Inventory& before = {});

// The sets of one cluster, counted. Those dated in the future, seen from `now`, are never the
// newest.
report::PlaceFacts::Sets count_sets(const Inventory& inventory, const std::string& cluster,
                                    Seconds now);

// What is there now, into `facts`: the sets of one cluster, and the free space.
void take_stock(report::PlaceFacts& facts, dest::Destination& place, const Inventory& inventory,
                const std::string& cluster, Seconds now);

// "SET is not at PLACE", with the nearest name as a hint.
Error no_such_set(const Inventory& inventory, const std::string& name, const std::string& place);

// "no set of cluster prod-eats is here; there are sets of prod-east": what a slip in the
// configured name looks like. Empty when there is a set of the cluster, or none at all.
std::string other_clusters_only(const Inventory& inventory, const std::string& cluster);

}  // namespace snap::jobs
