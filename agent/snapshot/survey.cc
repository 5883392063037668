#include "snapshot/survey.h"

#include <algorithm>
#include <deque>

#include "base/crc32c.h"
#include "snapshot/visitors.h"

namespace snap::snapshot {
namespace {

const bolt::Bucket* find(const std::vector<bolt::Bucket>& buckets, std::string_view name) {
  auto found = std::ranges::find(buckets, name, &bolt::Bucket::name);
  return found == buckets.end() ? nullptr : &*found;
}

// The running CRC over everything: parts were hashed apart.
class RunningHash {
 public:
  void add(std::string_view name) { crc_ = crc32c(crc_, as_bytes(name)); }
  void add(const HashVisitor& part) {
    crc_ = crc32c_combine(crc_, part.crc(), part.bytes());
    pairs_ += part.pairs();
  }
  uint32_t crc() const { return crc_; }
  uint64_t pairs() const { return pairs_; }

 private:
  uint32_t crc_ = 0;
  uint64_t pairs_ = 0;
};

// Live keys among the rows up to the compact revision, which may lack any of their history.
Result<uint64_t> count_by_table(const bolt::File& file, const SurveyOptions& options,
                                int64_t compacted, uint64_t rows, bolt::Damages& damages) {
  LiveKeys keys(rows);
  uint64_t count = 0;
  for (uint64_t pass = 0; pass < keys.passes(); ++pass) {
    keys.begin_pass(pass);
    auto walk =
        TRY(bolt::Walk::open(file, {.threads = 1, .stop = options.stop, .progress = {}}, damages));
    const auto* bucket = walk ? find(walk->buckets(), "key") : nullptr;
    if (!bucket) return fail(Code::corrupt, file.name + ": changed while it was read");
    LiveKeyVisitor visitor(compacted, keys);
    TRY(walk->walk(*bucket, [&]() -> bolt::Visitor& { return visitor; }));
    count += keys.count();
  }
  return count;
}

struct Rows {
  int64_t last = 0;
  int64_t born_after = 0;
  uint64_t puts_until = 0;
  uint64_t tombstones_until = 0;
  bool tombstones_before = false;
};

Rows sum(const std::deque<RowVisitor>& parts) {
  Rows rows;
  for (const auto& part : parts) {
    rows.last = part.last_revision.value_or(rows.last);
    rows.born_after += part.born_after;
    rows.puts_until += part.puts_until;
    rows.tombstones_until += part.tombstones_until;
    rows.tombstones_before = rows.tombstones_before || part.tombstones_before;
  }
  return rows;
}

Result<uint64_t> count_live(const bolt::File& file, const SurveyOptions& options,
                            const MetaVisitor& meta, const Rows& rows, bolt::Damages& damages) {
  auto until = rows.puts_until;
  auto all = static_cast<int64_t>(until) + rows.born_after;
  bool unfinished = meta.scheduled_compaction > meta.finished_compaction;
  if (unfinished || rows.tombstones_before || all < 0)
    until = TRY(
        count_by_table(file, options, meta.compacted(), until + rows.tombstones_until, damages));
  return static_cast<uint64_t>(std::max<int64_t>(0, static_cast<int64_t>(until) + rows.born_after));
}

}  // namespace

Result<std::optional<Status>> survey(const bolt::File& file, const SurveyOptions& options,
                                     bolt::Damages& damages) {
  auto walk = TRY(bolt::Walk::open(
      file, {.threads = options.threads, .stop = options.stop, .progress = options.progress},
      damages));
  if (!walk) return std::nullopt;
  MetaVisitor meta;
  const auto* meta_bucket = find(walk->buckets(), "meta");
  if (meta_bucket) TRY(walk->walk(*meta_bucket, [&]() -> bolt::Visitor& { return meta; }));
  for (const auto* name : {"key", "meta"})
    if (!find(walk->buckets(), name) && damages.count() == 0)
      damages.add({{}, {}, std::string("bucket '") + name + "' is missing: no database of etcd"});

  RunningHash hash;
  std::deque<RowVisitor> rows;
  for (const auto& bucket : walk->buckets()) {
    hash.add(bucket.name);
    if (&bucket == meta_bucket) {
      hash.add(meta);
    } else if (bucket.name == "key") {
      TRY(walk->walk(bucket, [&]() -> bolt::Visitor& {
        return rows.emplace_back(meta.compacted(), damages);
      }));
      for (const auto& part : rows) hash.add(part);
    } else {
      std::deque<HashVisitor> parts;
      TRY(walk->walk(bucket, [&]() -> bolt::Visitor& { return parts.emplace_back(); }));
      for (const auto& part : parts) hash.add(part);
    }
  }
  auto used_pages = TRY(walk->finish());
  if (damages.count() > 0) return std::nullopt;
  auto total = sum(rows);
  auto live = TRY(count_live(file, options, meta, total, damages));
  return Status{.hash = hash.crc(),
                .revision = total.last,
                .compact_revision = meta.finished_compaction,
                .scheduled_compact_revision = meta.scheduled_compaction,
                .total_keys = hash.pairs(),
                .live_keys = live,
                .total_size_bytes = walk->meta().pages * walk->meta().page_bytes,
                .in_use_bytes = used_pages * walk->meta().page_bytes,
                .storage_version = meta.storage_version};
}

}  // namespace snap::snapshot
