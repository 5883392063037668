// Which sets a place misses.
#pragma once

#include <string>
#include <vector>

#include "jobs/deliver.h"
#include "jobs/inventory.h"

namespace snap::jobs {

// Proven sets of `local` that `there` lacks, that its retention would keep and that nobody removed
// from it by name, newest first.
std::vector<std::string> missing_sets(const Inventory& local, const Inventory& there,
                                      const std::vector<std::string>& removed_by_name,
                                      const DeliveryRequest& request);

}  // namespace snap::jobs
