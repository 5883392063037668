// Removing sets: by retention, by name, and what interrupted runs and removals left.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "dest/destination.h"
#include "jobs/failure.h"
#include "jobs/inventory.h"
#include "report/outcome.h"
#include "retain/retain.h"

namespace snap::jobs {

struct Pruned {
  std::vector<retain::Verdict> verdicts;  // one for each set, newest first
  std::vector<report::Removal> removed;   // what is gone
  std::vector<std::string> notes;         // sets in use, files left behind
  std::vector<Failure> failures;          // removals that were refused
};

retain::Policy policy_of(const config::Retention& retention);

// Applies the rules to one place. A removal that is refused stops no other. `dry_run`: only the
// verdicts.
Pruned prune_place(dest::Destination& place, const Inventory& inventory,
                   const retain::Policy& policy, const retain::Occasion& occasion, bool dry_run);

// What a run does about retention at one place, in words.
struct Retention {
  std::vector<report::Removal> removed;
  std::vector<std::string> warnings;
  std::vector<Failure> failures;
};

// Prunes after the set of this run arrived. `inventory` loses what is gone. `untold`: sets about
// which nothing need be said.
Retention apply_retention(dest::Destination& place, Inventory& inventory,
                          const retain::Policy& policy, const retain::Occasion& occasion,
                          const std::vector<std::string>& untold = {});

// Removes one set: its manifest first, so that an interrupted removal leaves no set. Returns notes:
// extra files stay.
Result<std::vector<std::string>> remove_set(dest::Destination& place, const sets::SetInfo& set);

// Bytes that pruning would free now, for the message of a full disk.
uint64_t prunable_bytes(const Inventory& inventory, const std::vector<retain::Verdict>& verdicts);

struct Leftovers {
  std::string cluster,
      node;  // whose dead runs may be cleaned up: the caller holds the lock of that cluster
  Seconds now;
};

struct CleanedUp {
  std::vector<std::string> removed;   // what was done, in words
  std::vector<std::string> problems;  // what could not be removed: no reason not to make a backup
};

// Takes away what runs that did not end left in .incoming-*: this node's own, and other nodes'
// after 7 days without change.
CleanedUp clean_up(dest::Destination& place, const Leftovers& whose);

}  // namespace snap::jobs
