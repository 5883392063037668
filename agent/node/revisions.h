// Directories that a platform keeps in numbered revisions. Private to this room.
#pragma once

#include <string>

#include "node/profiles.h"

namespace snap::node {

struct Revision {
  std::string path;     // on the host
  std::string problem;  // a sentence: why it is not, or may not be, the one in use; empty: it is
};

// The revision that the manifest names, as the vendor's cluster-backup.sh finds it: the first
// "PREFIXnumber" in the manifest's text. Where the manifest cannot be read or names none, as in the
// middle of a restore, the directory with the highest number; without any a path that does not
// exist. `root` is the host's, without a slash at its end.
Revision revision_in_use(const std::string& root, const Revisions& row);

}  // namespace snap::node
