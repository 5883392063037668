// Bringing whole sets from one place to another: copied, proven there, then published.
#pragma once

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "dest/destination.h"
#include "sets/manifest.h"

namespace snap::jobs {

struct ShipOptions {
  // What an earlier try left there belongs to a writer that is gone, and may be taken over.
  bool take_over = false;
  // A set that is good at both: where the place can copy it by itself, only what differs is sent.
  // Empty: everything is sent.
  std::string basis;
  // Bytes more of the set's files that were sent, or were there already and are proven. A try that
  // failed may have told of some. Empty: nobody looks.
  std::function<void(uint64_t bytes)> progress;
  std::stop_token stop;
};

struct Shipped {
  std::string how;            // how it was proven: "SHA-256 by the place", "read back"
  bool there_before = false;  // it had been published already, and was proven once more
  uint64_t sent_bytes = 0;
  std::chrono::milliseconds sending{};
  std::chrono::milliseconds proving{};  // by the place, or by reading back
};

// Brings one set. Each file is sent, then the place's own bytes are hashed, by the place or by
// reading them back, and held against the manifest: neither damage at the source nor damage on the
// way is ever published. Only where they differ is the file at the source hashed too, to say which
// of the two it is. The manifest goes last. A set that is there already is proven and left as it
// is.
//
// Errors: corrupt      the set is damaged at the source, or the one that is there is another
//         unavailable  what the place gives back is not what was sent; another try may succeed
//         exists       somebody else is writing a set of this name there
//         others       as the places gave them
Result<Shipped> ship_set(dest::GroupReader& from, const std::string& from_name,
                         dest::Destination& to, const std::string& set, const ShipOptions& options);

// The SHA-256 of a stored file, held against what it must be. `how` as in Shipped.
//
// Errors: corrupt  it is another; others: it could not be read
Result<std::string> prove_file(dest::Destination& place, const std::string& set,
                               const sets::FileFacts& file, const std::stop_token& stop);

// Reads and checks the manifest of a set.
struct StoredManifest {
  std::string text;
  sets::Manifest manifest;
};
Result<StoredManifest> read_manifest(dest::GroupReader& place, const std::string& set);

}  // namespace snap::jobs
