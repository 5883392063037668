// The stored list of free pages. Private to the room.
#pragma once

#include "bolt/node.h"

namespace snap::bolt {

// Reads the list that the meta page names, if it names one, into shared.free, and marks its own
// pages as used. Damage is noted, and the list then left out. Errors: internal.
Result<void> read_freelist(Shared& shared, Window& window);

}  // namespace snap::bolt
