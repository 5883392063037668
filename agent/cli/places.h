// The places of the configuration, opened for verbs that work on sets.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/context.h"
#include "dest/local.h"
#include "jobs/inventory.h"
#include "jobs/lock.h"
#include "jobs/places.h"

namespace snap::cli {

struct Place {
  config::Config config;
  dest::LocalPlace local;
};

// For verbs that only look: takes no lock.
Result<Place> open_place(Context& context);

// Where the configuration names no cluster: takes the one that `set` is of, or the only one whose
// sets lie in the local directory, into the configuration. Error: invalid  none or several.
Result<void> name_cluster(Place& place, const std::optional<std::string>& set);

// The local directory as a place like the others, named "local", and then those of the
// configuration. Those that `names` picks, all where it is empty, are looked for in the cluster;
// the others are named only.
std::vector<jobs::Place> all_places(const config::Config& config, const Context& context,
                                    const std::vector<std::string>& names = {});

bool is_local(const jobs::Place& place);

// The exit status of an error that came from a place.
report::Exit exit_of(const jobs::Place& place, const Error& error);

// For verbs that change sets.
struct LockedPlace {
  Place place;
  jobs::RunLock lock;
  jobs::Inventory inventory;
};
// `set`: the one to be changed. The lock is that of the configured cluster, so a set of another one
// is refused.
std::expected<LockedPlace, jobs::Failure> open_and_lock(Context& context,
                                                        const std::optional<std::string>& set);

}  // namespace snap::cli
