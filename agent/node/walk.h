// Which files lie below the roots. Private to this room; collect.h says what the rules are.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "node/collect.h"
#include "node/host_tree.h"

namespace snap::node {

struct Found {
  FileInfo info;
  std::string target;  // of a symlink
};

struct Walk {
  std::map<std::string, Found>
      entries;                          // by path without the leading slash, in the archive's order
  std::vector<std::string> paths;       // of the roots that were there, escaped, sorted
  std::vector<Note> notes, incomplete;  // as in Collected
};

// Errors: cancelled; invalid  a root that is no absolute path
Result<Walk> walk(const HostTree& tree, const CollectOptions& options);

}  // namespace snap::node
