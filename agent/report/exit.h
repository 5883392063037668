// The exit status, one table for all verbs.
#pragma once

#include <span>
#include <string_view>

namespace snap::report {

enum class Exit {
  done = 0,
  unexpected = 1,
  usage = 2,               // usage or configuration
  etcd = 3,                // unreachable, unhealthy or refused us
  damaged = 4,             // snapshot or set is damaged or incomplete
  destination_failed = 5,  // good locally
  prune_failed = 6,
  locked = 7,  // another run holds the lock
  no_space = 8,
  restore_failed = 9
};

std::string_view name_of(Exit exit);  // "prune_failed": for JSON

// For --help: what the status means.
std::string_view meaning_of(Exit exit);
std::span<const Exit> all_exits();

// The one that a run with both failures ends with: 2, 7, 3, 8, 4, 1, 9, 5, 6, 0 in this order.
Exit graver(Exit a, Exit b);

}  // namespace snap::report
