// A directory of this host.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dest/destination.h"

namespace snap::dest {

struct LocalPlace {
  std::unique_ptr<Destination> place;
  std::string directory;              // the real path, symlinks resolved once
  std::vector<std::string> warnings;  // a symlink was resolved, another user owns it
};

// Opens the directory and keeps it open: what happens to the path afterwards does not matter.
// `create` makes it (mode 0700) when only it, not its parent, is missing. Errors: invalid    the
// parent is missing, it is no directory, everybody may write to it
//         not_found  it is missing and `create` is false
Result<LocalPlace> open_local(const std::string& directory, bool create);

// Would open_local() make this directory, which is missing? Changes nothing. Errors: invalid  the
// parent is missing; denied  it cannot be written
Result<void> can_create_local(const std::string& directory);

}  // namespace snap::dest
