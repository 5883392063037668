// Which sets of one place to keep, and why. Pure: no clock, no I/O.
//
// Time is the UTC start in a set's name. Whatever the rules say, a pinned set, the newest proven
// set of a stream, the `keep_last` newest proven ones and the set that was just made stay.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "sets/info.h"

namespace snap::retain {

// A set is kept if any rule keeps it. The calendar rules keep the newest proven set of each of the
// N newest hours, days, ISO weeks, months, years (UTC) that have one.
struct Policy {
  unsigned keep_last = 5;
  std::chrono::seconds keep_within = std::chrono::days(5);  // of `now`
  unsigned keep_hourly = 0;
  unsigned keep_daily = 0;
  unsigned keep_weekly = 0;
  unsigned keep_monthly = 0;
  unsigned keep_yearly = 0;
  // Of the stream's proven sets together; 0: no limit. Takes the oldest sets first that only
  // keep_within or a calendar rule keeps.
  uint64_t max_size_bytes = 0;
};

// A set that starts later than this after `now` is dated in the future: kept, reported, and not
// counted by any rule. Clocks of nodes that are kept by NTP differ by less.
inline constexpr std::chrono::seconds kFutureTolerance = std::chrono::minutes(5);

enum class Mode {
  run,   // after a run: removes nothing where it added nothing, proven sets only where it added a
         // proven one
  prune  // the verb: somebody asked for it
};

struct Occasion {
  Mode mode = Mode::prune;
  Seconds now{};
  sets::Stream stream;    // the one to work on; sets of all others are kept
  std::string just_made;  // the set that this run added to this place; empty: none
};

struct Verdict {
  std::string set;  // the directory's name
  bool keep = true;
  std::string
      reason;  // "among the 5 newest", "daily 2026-11-20", "older than 5d, ..."; never empty
  // Kept, but somebody should look: damaged, without manifest, written by a newer version, dated in
  // the future.
  bool notice = false;
};

// One verdict for each of `sets`, everything that lies at one place, newest first. The listing must
// be complete: where any of it failed, nothing may be removed.
std::vector<Verdict> decide(std::span<const sets::SetInfo> sets, const Policy& policy,
                            const Occasion& occasion);

// The stream that the verb prune works on: of `cluster`, the one with the newest proven set (the
// newest set where none is proven) that is not dated in the future. Those of earlier clusters of
// that name are left to `remove`.
std::optional<sets::Stream> current_stream(std::span<const sets::SetInfo> sets,
                                           std::string_view cluster, Seconds now);

// May the verb remove take this set from the place that holds `sets`? `force` lifts keep_last and
// nothing else.
//
// Errors: not_found  no such set
//         invalid    the rules forbid it; the message says which
Result<void> check_removal(std::span<const sets::SetInfo> sets, std::string_view name,
                           const Policy& policy, Seconds now, bool force);

}  // namespace snap::retain
