// What lies at a place that holds backup sets, read by nothing of the program: the invariants
// compare what it says with this.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"

namespace snap::test {

struct SetView {
  bool whole = false;   // has a manifest that can be read, and every file in it
  std::string problem;  // of a set with a manifest: why it is not whole
  bool proven = false;  // what the manifest says
  std::string cluster, cluster_id, node;
  Seconds start{};                           // of the name
  std::map<std::string, std::string> files;  // name, then "SIZE SHA256"; a link is "-> TARGET"
  std::string snapshot_file;
  // Of the manifest.
  uint64_t snapshot_bytes = 0, hash = 0, revision = 0, bytes = 0;

  std::string stream() const { return cluster + " " + cluster_id; }
};

struct PlaceView {
  std::map<std::string, SetView> sets;  // directories named like a set, with a manifest
  std::set<std::string> remains;        // those without one
  std::set<std::string> incoming;       // unpublished sets
  std::set<std::string> others;         // what is not ours
  std::set<std::string> pins, removing;
  std::vector<std::string> temporary;  // *.part, *.tmp, anywhere
  std::vector<std::string> modes;      // of ours, what is not 0600, 0700 or another user's
  uint64_t blocks = 0;                 // of 512 bytes, all together
  uint64_t directories = 0;
};

PlaceView look_at(const std::string& directory);

// One line for each file, directory and link below a directory: path, mode, size and digest. The
// directories in `without` are left out.
std::string tree_digest(const std::string& directory, const std::vector<std::string>& without);

}  // namespace snap::test
