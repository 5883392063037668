// The list `destinations`: one row of keys for each type of place. Private to this room.
#pragma once

#include <string_view>

#include "config/config.h"
#include "config/problems.h"
#include "config/yaml.h"

namespace snap::config {

// Reads the list into config.destinations; what is wrong goes to `problems`.
void read_destinations(const Node& list, int line, std::string_view file, Config& config,
                       Problems& problems);

}  // namespace snap::config
