// Is there room for a snapshot?
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "dest/destination.h"

namespace snap::jobs {

// What must stay free: `configured`, or the larger of 2 GiB and 5 % of the place. The snapshot
// directory often shares etcd's disk, and an etcd without room stops.
uint64_t reserve_bytes(const dest::Space& space, uint64_t configured);

// Bytes that a snapshot may take; nothing where the place does not say.
//
// Error: no_space  less than `db_bytes` and the reserve are free, or no inodes; need, have and path
// stand in it
Result<std::optional<uint64_t>> room_for_snapshot(const dest::Space& space,
                                                  uint64_t configured_reserve, uint64_t db_bytes,
                                                  const std::string& path);

}  // namespace snap::jobs
