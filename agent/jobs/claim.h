// The name of a new set, claimed at the place that it is made at.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "dest/destination.h"
#include "jobs/lock.h"
#include "sets/name.h"

namespace snap::jobs {

struct Claimed {
  sets::SetName name;
  std::unique_ptr<dest::Incoming> incoming;
};

// The name that somebody gave, or none.
//
// Errors: invalid  it is no name of a set, or of another cluster; exists
Result<Claimed> claim_given(dest::Destination& place, const std::string& name,
                            const std::string& cluster);

// `name`, or a later start: a node meets its own name again when its clock was set back. The names
// of sets that are gone are not given again, as far as the lock remembers them.
//
// Errors: exists  something else has the name, or all starts of two minutes are taken
Result<Claimed> claim_free(dest::Destination& place, sets::SetName name, const RunLock& lock);

}  // namespace snap::jobs
