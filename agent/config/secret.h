// Secrets, which always come from files.
#pragma once

#include <string>

#include "base/result.h"

namespace snap::config {

struct Secret {
  std::string value;    // without the line end; never printed
  std::string warning;  // empty, or that others can read the file
};

// The one line of a secret file. Follows symlinks: mounted Secrets are symlinks.
//
// Errors: invalid  empty, more than one line, control characters, larger than 64 KiB, a directory
//         not_found, denied
Result<Secret> read_secret(const std::string& path);

}  // namespace snap::config
