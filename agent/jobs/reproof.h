// Reading stored copies again, long after they were shipped.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "dest/destination.h"
#include "jobs/inventory.h"
#include "report/reproof_metrics.h"

namespace snap::jobs {

struct Reproof {
  std::string set;
  bool sound = false;
  std::string how;      // of a sound one: "read back"
  std::string problem;  // of another
  bool looked = true;   // false: it could not be read, which says nothing about it
  uint64_t bytes = 0;
};

struct ReproofRequest {
  // Where the sets came from, if that can be read: a manifest is proven by nothing but its equal.
  dest::Destination* original = nullptr;
  // Of a place on this host: nobody removes a set there while it is read. Empty: another place.
  std::string local_directory;
  std::vector<std::string> sets;  // empty: all whole sets of the place
  // Of all bytes, 1 to 100. Less than 100 takes whole sets, others each day, until their bytes are
  // reached; a set that is named is always taken.
  unsigned sample_percent = 100;
  Seconds now;
  std::function<void(uint64_t done, uint64_t total)> progress;
  std::stop_token stop;
};

// The sets that a sample takes today.
std::vector<std::string> sample(const Inventory& inventory, unsigned percent, Seconds now);

// Holds every file of the sets against its manifest, and the manifest against the name and against
// that of the original. Errors:
// not_found  a named set is not there; cancelled.
Result<std::vector<Reproof>> prove_again(dest::Destination& place, const Inventory& inventory,
                                         const ReproofRequest& request);

report::ReproofFacts facts_of(const std::string& place, const std::vector<Reproof>& proofs,
                              Seconds now);

}  // namespace snap::jobs
