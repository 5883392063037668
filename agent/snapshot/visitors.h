// What is taken from the items of a bucket while they are walked. Private to the room.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "bolt/walk.h"
#include "snapshot/bucket_rules.h"
#include "snapshot/live_keys.h"
#include "snapshot/row_rules.h"
#include "snapshot/rows.h"

namespace snap::snapshot {

// CRC and count of the pairs of a part; the CRCs of parts are combined later.
class HashVisitor : public bolt::Visitor {
 public:
  void leaf(const bolt::Leaf& leaf) override;
  void large_item(const bolt::Spot& at, Bytes key, uint64_t value_bytes) override;
  void large_value(Bytes piece) override;

  uint32_t crc() const { return crc_; }
  uint64_t bytes() const { return bytes_; }
  uint64_t pairs() const { return pairs_; }

 protected:
  void feed(Bytes data);

 private:
  uint32_t crc_ = 0;
  uint64_t bytes_ = 0;  // that went into the CRC
  uint64_t pairs_ = 0;
};

// A bucket whose pairs may have rules; those in leaves larger than the window are not looked at.
class PairVisitor : public HashVisitor {
 public:
  // `rule` null: no rules. `damages` null: nobody asks for them.
  PairVisitor(const BucketRule* rule, bolt::Damages* damages) : rule_(rule), damages_(damages) {}
  void leaf(const bolt::Leaf& leaf) override;

 private:
  const BucketRule* rule_;
  bolt::Damages* damages_;
};

// Bucket `meta`, which is small: one part, one thread.
class MetaVisitor : public PairVisitor {
 public:
  explicit MetaVisitor(bolt::Damages* damages) : PairVisitor(rule_of("meta"), damages) {}
  void leaf(const bolt::Leaf& leaf) override;

  bool has_consistent_index = false;
  int64_t finished_compaction = -1;
  int64_t scheduled_compaction = -1;
  std::string storage_version;

  int64_t compacted() const { return std::max(finished_compaction, scheduled_compaction); }
};

// Bucket `key`. FORMAT.md explains the count of live keys.
class RowVisitor : public HashVisitor {
 public:
  // Rows up to `compacted` are what a compaction to that revision left. `mvcc`: gets what breaks
  // the rules for rows; null: they are not asked for.
  RowVisitor(int64_t compacted, bolt::Damages& damages, bolt::Damages* mvcc)
      : compacted_(compacted), damages_(damages) {
    if (mvcc) rules.emplace(compacted, *mvcc);
  }

  void leaf(const bolt::Leaf& leaf) override;
  void large_item(const bolt::Spot& at, Bytes key, uint64_t value_bytes) override;
  void large_value(Bytes piece) override;

  std::optional<int64_t> last_revision;
  int64_t born_after = 0;   // keys brought to life above the compact revision, less those ended
  uint64_t puts_until = 0;  // puts up to it
  uint64_t tombstones_until = 0;   // tombstones up to it
  bool tombstones_before = false;  // some below it: not what a finished compaction leaves
  std::optional<RowRules> rules;

 private:
  void row(const bolt::Spot& at, const Revision& revision, Bytes head, uint64_t value_bytes);
  std::optional<Revision> revision_at(const bolt::Spot& at, Bytes key);

  int64_t compacted_;
  bolt::Damages& damages_;
  std::optional<Revision> large_;  // of the large item whose value has not come yet
  bolt::Spot large_at_;
  uint64_t large_value_bytes_ = 0;
};

// Rows up to `compacted`, into the set of live keys. For a file that was walked before and is
// sound.
class LiveKeyVisitor : public bolt::Visitor {
 public:
  LiveKeyVisitor(int64_t compacted, LiveKeys& keys) : compacted_(compacted), keys_(keys) {}
  void leaf(const bolt::Leaf& leaf) override;
  void large_item(const bolt::Spot& at, Bytes key, uint64_t value_bytes) override;
  void large_value(Bytes piece) override;

 private:
  void row(Bytes key, Bytes head, uint64_t value_bytes);

  int64_t compacted_;
  LiveKeys& keys_;
  std::vector<std::byte> large_key_;
  uint64_t large_value_bytes_ = 0;
};

}  // namespace snap::snapshot
