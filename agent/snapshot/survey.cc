#include "snapshot/survey.h"

#include <algorithm>
#include <deque>
#include <format>

#include "base/crc32c.h"
#include "snapshot/visitors.h"

namespace snap::snapshot {
namespace {

const bolt::Bucket* find(const std::vector<bolt::Bucket>& buckets, std::string_view name) {
  auto found = std::ranges::find(buckets, name, &bolt::Bucket::name);
  return found == buckets.end() ? nullptr : &*found;
}

// An empty bucket is always inline: one page header without elements.
bool holds_nothing(const bolt::Bucket& bucket) {
  return bucket.root == 0 && bolt::read_page_header(bucket.inline_page.data()).count == 0;
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

// What no pair alone can show.
void check_whole(const std::vector<bolt::Bucket>& buckets, const MetaVisitor& meta,
                 std::deque<RowVisitor>& rows, bolt::Damages& mvcc) {
  for (const auto& rule : bucket_rules()) {
    const auto* bucket = find(buckets, rule.bucket);
    if (!bucket)
      mvcc.add({{}, {}, std::format("bucket '{}' is missing", rule.bucket)});
    else if (rule.needs_pairs && holds_nothing(*bucket))
      mvcc.add(
          {bucket->at.page, bucket->at.byte, std::format("bucket '{}' is empty", rule.bucket)});
  }
  const auto& at = find(buckets, "meta")->at;
  // A member of 3.4 writes it with its first row.
  bool has_rows = std::ranges::any_of(
      rows, [](const RowVisitor& part) { return part.last_revision.has_value(); });
  if (has_rows && !meta.has_consistent_index)
    mvcc.add({at.page, at.byte, "bucket 'meta': consistent_index is missing"});
  if (meta.finished_compaction >= 0 && meta.finished_compaction > meta.scheduled_compaction)
    mvcc.add(
        {at.page, at.byte,
         std::format("bucket 'meta': the compaction to revision {} is finished, but the last "
                     "one scheduled is {}",
                     meta.finished_compaction,
                     meta.scheduled_compaction < 0 ? std::string("none")
                                                   : std::to_string(meta.scheduled_compaction))});
  const RowRules before(meta.compacted(), mvcc);
  const auto* last = &before;
  for (auto& part : rows) {
    last->join(*part.rules);
    last = &*part.rules;
  }
}

}  // namespace

Result<std::optional<Status>> survey(const bolt::File& file, const SurveyOptions& options,
                                     bolt::Damages& damages) {
  auto walk = TRY(bolt::Walk::open(
      file, {.threads = options.threads, .stop = options.stop, .progress = options.progress},
      damages));
  if (!walk) return std::nullopt;
  MetaVisitor meta(options.mvcc);
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
        return rows.emplace_back(meta.compacted(), damages, options.mvcc);
      }));
      for (const auto& part : rows) hash.add(part);
    } else {
      std::deque<PairVisitor> parts;
      TRY(walk->walk(bucket, [&]() -> bolt::Visitor& {
        return parts.emplace_back(rule_of(bucket.name), options.mvcc);
      }));
      for (const auto& part : parts) hash.add(part);
    }
  }
  auto used_pages = TRY(walk->finish());
  if (damages.count() > 0) return std::nullopt;
  if (options.mvcc) check_whole(walk->buckets(), meta, rows, *options.mvcc);
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
