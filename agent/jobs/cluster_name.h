// The name of a cluster that the configuration does not name.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "jobs/inventory.h"

namespace snap::jobs {

// "cluster-" and the first 8 digits of the id as etcdctl and our manifests show it. A cluster that
// was restored has another id, and so another name.
std::string name_of_cluster(uint64_t cluster_id);

// The one cluster whose sets lie there: for commands that do not ask etcd.
//
// Errors: invalid  there is none, or more than one; the message names them
Result<std::string> only_cluster_in(const Inventory& inventory, const std::string& directory);

// The cluster of the newest set that is not dated in the future; empty: there is none. Good enough
// to tell about it, never to change anything.
std::string newest_cluster_in(const Inventory& inventory, Seconds now);

}  // namespace snap::jobs
