// Names of files that are not whole yet: "PATH.TOKEN.part".
#pragma once

#include <string>
#include <vector>

namespace snap {

// A new one, beside `path`.
std::string part_name(const std::string& path);
// The files beside `path` that have such a name, of this process or another one.
std::vector<std::string> parts_of(const std::string& path);

}  // namespace snap
