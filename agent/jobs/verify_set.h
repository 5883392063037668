// Proof of what lies on this host: a snapshot file, or a whole backup set.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "snapshot/verify.h"

namespace snap::jobs {

struct Verified {
  std::string path;  // as it was named; escape it before printing
  bool is_set = false;
  std::vector<snapshot::Finding> findings;  // empty: sound
  uint64_t more_findings = 0;
  // What the manifest itself says was not proven when the set was made ("resources: ..."). The
  // files may be sound all the same.
  std::vector<std::string> unproven;
  std::vector<std::string> warnings;  // odd, but no damage: extra files, modes
  std::optional<snapshot::Status> status;
  uint64_t size_bytes = 0;
  std::string sha256;  // of the snapshot file

  bool sound() const { return findings.empty() && unproven.empty(); }
};

// A snapshot file, or a directory with a manifest: every digest of the manifest, every entry of the
// archives, the database at the level asked for, and whether the numbers of the manifest are those
// of the database. A set is held against removal meanwhile.
//
// Errors: not_found, denied, internal  it could not be looked at
//         invalid                      neither a file nor a directory with a manifest
Result<Verified> verify_path(const std::string& path, const snapshot::VerifyOptions& options);

}  // namespace snap::jobs
