// The doctor at the destinations: everything that shipping needs, tried with a small probe.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "jobs/check.h"
#include "jobs/places.h"

namespace snap::jobs {

// One row for each finding, all places side by side. A probe of one kilobyte is written, read back
// and taken away; nothing stays. `node`: makes its name our own.
std::vector<CheckRow> check_places(const std::vector<Place>& places, const std::string& node,
                                   const std::stop_token& stop);

}  // namespace snap::jobs
