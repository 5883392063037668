// What etcd relies on in the rows of bucket `key`, row by row. Private to the room.
//
// FORMAT.md says what is checked. No row is remembered but the last one, so whether an old row
// belongs to a history that is gone is not looked at.
//
// Nothing is said that an undamaged database could cause. The one source of rows that leaves gaps
// is the migration of an etcd 2 store, which wrote each key once, at the index that it had there:
// rows count as missing only behind or before a row that no migration wrote.
#pragma once

#include <optional>
#include <string>

#include "bolt/walk.h"
#include "snapshot/rows.h"

namespace snap::snapshot {

// Sees the rows of one part in order.
class RowRules {
 public:
  // Above `compacted` no row may be missing; -1: never compacted.
  RowRules(int64_t compacted, bolt::Damages& damages) : compacted_(compacted), damages_(damages) {}

  // `value_bytes`: of the whole KeyValue, which may be none at all.
  void row(const bolt::Spot& at, const Revision& revision, const KeyValue& value,
           uint64_t value_bytes);
  // The part behind this one, which may be empty: the first row there against the last here. Called
  // once for each part, in order.
  void join(RowRules& next) const;

 private:
  struct Seen {
    Revision revision;
    bolt::Spot at;
  };
  // What is missing between the two; nothing: no row.
  std::optional<bolt::Damage> gap(const std::optional<Seen>& before, const Seen& now) const;

  int64_t compacted_;
  bolt::Damages& damages_;
  std::optional<Seen> first_, last_;
  bool migrated_ = true;  // so far every row may come from a migration, and the first one too
  bool first_migrated_ = true;
  std::optional<bolt::Damage> doubtful_;  // the first gap among such rows
};

}  // namespace snap::snapshot
