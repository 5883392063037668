// HashKV of a snapshot: the number that etcd's members compare with each other.
//
// FORMAT.md says how it is made. No cluster, no network: what a member answered is for the caller
// to compare.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "base/result.h"

namespace snap::snapshot {

// How far the history in a snapshot goes.
struct Extent {
  int64_t last_row = 0;    // 0: no rows
  int64_t finished = -1;   // compaction; -1: none
  int64_t scheduled = -1;  // above the finished one: that compaction still ran

  int64_t compacted() const { return std::max(finished, scheduled); }
  // The store's, which is above the last row when a deletion was compacted away.
  int64_t revision() const { return std::max(last_row, compacted()); }
};

// Reads a few pages only, and proves nothing.
//
// Errors: as verify(); corrupt  no database of etcd, or one that is damaged there
Result<Extent> read_extent(const std::string& path);

struct HashKvOptions {
  unsigned threads = 2;
  std::stop_token stop = {};
  // Keys changed since the last finished compaction that are told apart, at 32 bytes each and a
  // third more: 32 MiB at most.
  uint64_t max_changed_keys = uint64_t{3} << 18;
};

struct LocalHash {
  uint32_t hash = 0;
  // Without a living key, members hash what their last compaction happens to have left: two that
  // hold the same may differ.
  bool has_live_keys = true;
};

// What a member that was compacted to `compact_revision` (-1: never) answers to
// HashKV(extent.revision()) when it holds what the snapshot holds. `extent` is that of the file,
// `compact_revision` not below extent.compacted().
//
// Errors: as verify(); corrupt      the file is damaged: prove it first
//         unavailable  more keys changed since the last compaction than memory is spent on
Result<LocalHash> hash_kv(const std::string& path, const Extent& extent, int64_t compact_revision,
                          const HashKvOptions& options = {});

}  // namespace snap::snapshot
