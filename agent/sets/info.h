// What a name at a destination turns out to be; the view of a set that list and retention work on.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sets/manifest.h"
#include "sets/name.h"

namespace snap::sets {

enum class State {
  good,      // a set: name and manifest agree. Whether it was proven is another question
  damaged,   // named like a set, with a manifest that cannot be trusted
  newer,     // written by a newer version of this program
  remains,   // named like a set, without manifest: an interrupted removal
  incoming,  // being written, or the rest of a run that died
  foreign    // not ours
};
std::string_view name_of(State state);

// Retention never looks across streams. A cluster restored from a snapshot has a new id, so its
// sets are a new stream.
struct Stream {
  std::string cluster;
  uint64_t cluster_id = 0;
  auto operator<=>(const Stream&) const = default;
};

struct SetInfo {
  std::string name;  // the directory's: data, print it through escaped()
  State state = State::foreign;
  std::string problem;  // why the state is not good, or why a good set is not proven; safe to print

  // Set by the caller, out of the place's notes.
  bool pinned = false;
  bool removal_begun = false;

  SetName parts;  // state good, damaged, newer, remains; incoming where it can be read

  // A good set's only.
  uint64_t cluster_id = 0;
  bool proven = false;
  uint64_t total_bytes = 0;
  uint64_t snapshot_bytes = 0;
  int64_t revision = 0;

  // To remove after the manifest: a good set's in the manifest's order; of remains, the names that
  // the files of such a set have.
  std::vector<std::string> files;

  Stream stream() const { return {parts.cluster, cluster_id}; }
};

// `manifest` is the text of manifest.json, or nothing where the directory has none. A manifest
// that could not be read is neither: the caller calls such a set damaged, or its listing
// incomplete.
SetInfo classify(std::string_view directory_name, std::optional<std::string_view> manifest);

// The same for a manifest that was parsed already.
SetInfo describe_set(std::string_view directory_name, const Manifest& manifest);

// Newest first; sets with the same start by name. By the start in the name, never by file times.
bool newer_first(const SetInfo& a, const SetInfo& b);

}  // namespace snap::sets
