// Everything that a run or a sync does at the places beside the local directory, side by side.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "jobs/backup.h"
#include "jobs/failure.h"
#include "jobs/inventory.h"
#include "jobs/places.h"
#include "report/outcome.h"
#include "retain/retain.h"

namespace snap::jobs {

struct DeliveryRequest {
  std::string local_directory;
  std::string cluster, node;  // whose leftovers may be taken away: the caller holds the lock
  sets::Stream stream;
  Seconds started;
  std::string set;      // made by this run; empty: sync
  bool proven = true;   // that set is
  size_t most_old = 4;  // sets that a place misses and gets in one run
  retain::Policy policy;
  bool prune = false;  // by the policy, where the set arrived
};

struct Delivery {
  report::PlaceFacts facts;
  // destination_failed, prune_failed, and of a sync damaged; already logged. That it was
  // interrupted is none: the caller knows of the stop.
  std::vector<Failure> failures;
  std::vector<std::string> warnings;  // already logged
};

// Works on all places at once, a thread for each; a slow or dead one delays no other. Each place
// gets the set of this run, then the sets that it misses, newest first, and is pruned after that. A
// copy that was cut goes on in the same call after what is there was checked, on a new connection,
// three times in all. `local`: what lies in the local directory. Returns one Delivery for each
// place, in their order.
std::vector<Delivery> deliver(const std::vector<Place>& places, const Inventory& local,
                              const DeliveryRequest& request, const Surroundings& around);

}  // namespace snap::jobs
