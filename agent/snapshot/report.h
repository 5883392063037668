// What looking at a snapshot file found: its numbers, and what is wrong with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace snap::snapshot {

// How deep a look goes; each level includes those before it.
enum class Level {
  digest,     // length and SHA-256 trailer: any changed bit, if the trailer was not changed with it
  structure,  // meta pages, the complete page walk, the freelist, that rows can be read
  mvcc        // what etcd relies on in its buckets: rows and revisions, members, leases, users
};

std::string_view name_of(Level level);  // "digest"
std::optional<Level> level_named(std::string_view name);

// The numbers of `etcdctl snapshot status`. Their meaning: FORMAT.md.
struct Status {
  uint32_t hash = 0;  // equal to that of etcdctl and etcdutl 3.4, 3.5, 3.6
  int64_t revision = 0;
  int64_t compact_revision = -1;            // finished; -1: never compacted
  int64_t scheduled_compact_revision = -1;  // above the finished one: that compaction still runs
  uint64_t total_keys = 0;        // pairs over all buckets: totalKey of etcdctl 3.4 and etcdutl 3.5
  uint64_t live_keys = 0;         // user keys that exist: totalKey of etcdutl 3.6
  uint64_t total_size_bytes = 0;  // pages up to the high-water mark, without the trailer
  uint64_t in_use_bytes = 0;      // pages that are reachable, the two meta pages among them
  std::string storage_version;    // "3.6.0"; empty before 3.6
};

// One thing that is wrong with a file, and where.
struct Finding {
  Level level = Level::digest;   // the level that finds it
  std::string file;              // as the caller named it; escape it before printing
  std::optional<uint64_t> page;  // index of the bbolt page
  std::optional<uint64_t> byte;  // offset in the file
  std::string what;              // expected and found, in words; printable
};

// "snapshot.db: page 1234 (byte 5054464): key of element 3 is not above the one before it"
std::string describe(const Finding& finding);

struct Report {
  Level level = Level::mvcc;           // how deep the look went
  std::vector<Finding> findings = {};  // by place; at most kMaxFindings
  uint64_t more_findings = 0;          // found beyond those
  std::optional<Status> status = {};   // nothing at level digest, and when the structure is damaged
  uint64_t size_bytes = 0;             // of the whole file
  std::string sha256 = {};             // hex, of the whole file; empty when it was not computed

  static constexpr size_t kMaxFindings = 100;

  bool sound() const { return findings.empty(); }
};

}  // namespace snap::snapshot
