// Which host files of a set go into which archive.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "jobs/settings.h"
#include "node/collect.h"

namespace snap::jobs {

// One archive; where the vendor has a restore of its own, one with what that unpacks, and a second
// one with everything else. `own_directory`: where sets lie, never archived.
std::vector<node::CollectOptions> archives_of(const Settings& settings,
                                              const std::string& own_directory,
                                              const std::stop_token& stop);

}  // namespace snap::jobs
