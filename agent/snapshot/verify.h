// Is a snapshot file whole? And the numbers of its status. No cluster, no network.
//
// Damage is a finding in the report, never an Error: an Error means that we could not look. Files
// are read with pread, so one that is cut while it is read ends in a finding, not in a signal.
// Memory stays below about 48 MiB at every level, whatever the size of the file and whatever it
// claims.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "base/file.h"
#include "base/result.h"
#include "snapshot/report.h"

namespace snap::snapshot {

// Bytes looked at, of how many. Called from one thread at a time, not the caller's perhaps.
using Progress = std::function<void(uint64_t done_bytes, uint64_t total_bytes)>;

struct VerifyOptions {
  Level level = Level::mvcc;
  // The digest is of what the disk holds, not of our memory of what was written. While memory holds
  // the file, the walk comes first and looks there; then the file is dropped and read past the page
  // cache: both saw the same bytes when the digest is the one of what was written, which the caller
  // knows. Only what was synced can be dropped: fsync comes before.
  bool past_page_cache = false;
  unsigned threads = 2;  // 1: digest and walk one after the other
  std::stop_token stop = {};
  Progress progress = {};  // may be empty
};

// Errors: not_found, denied  the file cannot be opened
//         invalid            not a regular file; a fifo or device is never waited for
//         cancelled          `stop`
//         internal           the disk gave an error: no claim about the file either way
Result<Report> verify(const std::string& path, const VerifyOptions& options);

// The same over an open file; `name` stands for it in findings and errors. Whether another file
// took its name meanwhile is not looked at.
Result<Report> verify(const Fd& file, const std::string& name, const VerifyOptions& options);

struct StatusOptions {
  unsigned threads = 2;
  std::stop_token stop = {};
  Progress progress = {};  // may be empty
};

// The numbers of the file: report.status, or findings that say why there are none. Checks the
// structure, as the stock tools do, but computes no SHA-256, and accepts a database without
// trailer. Errors as verify().
Result<Report> read_status(const std::string& path, const StatusOptions& options = {});

}  // namespace snap::snapshot
