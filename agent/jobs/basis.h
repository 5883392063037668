// The set that a place can begin a copy of another with.
#pragma once

#include <string>

#include "jobs/inventory.h"

namespace snap::jobs {

// Of the sets that are good at both places, the one most like `set`: of the same cluster and node
// and the nearest in time. Other members hold the same keys on other pages. Empty: there is none.
std::string basis_of(const std::string& set, const Inventory& local, const Inventory& there);

}  // namespace snap::jobs
