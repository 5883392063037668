// The walk over a snapshot: its structure and its numbers. Private to the room.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>

#include "bolt/file.h"
#include "snapshot/report.h"

namespace snap::snapshot {

struct SurveyOptions {
  unsigned threads = 1;
  std::stop_token stop = {};
  std::function<void(uint64_t used_bytes)> progress = {};  // may be empty
  bolt::Damages* mvcc = nullptr;  // gets what breaks the rules of level mvcc; null: not asked for
};

// Nothing when something was damaged; what stands in options.mvcc then says nothing. Errors:
// cancelled, internal (I/O).
Result<std::optional<Status>> survey(const bolt::File& file, const SurveyOptions& options,
                                     bolt::Damages& damages);

}  // namespace snap::snapshot
