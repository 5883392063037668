// Rows of bucket `key`: revisions, and mvccpb.KeyValue but for the value itself. Private to the
// room. Format: etcd-io/etcd@v3.6.14:server/storage/mvcc/revision.go, api/mvccpb/kv.proto.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace snap::snapshot {

struct Revision {
  int64_t main = 0;
  int64_t sub = 0;
  bool tombstone = false;
};

// Main and sub as big-endian i64 with `_` between them, 17 bytes; `t` behind them is a tombstone.
std::optional<Revision> read_revision(Bytes key);

struct KeyValue {
  Bytes key;                    // the user's
  int64_t create_revision = 0;  // of the put that brought the key to life
  int64_t mod_revision = 0;     // of this put
  int64_t version = 0;          // 1: the put that brought the key to life
  int64_t lease = 0;
  bool has_value = false;
};

// `head` is the start of a KeyValue of `size_bytes`, or all of it. Nothing when it is none: then
// etcd cannot read it either. The value itself may lie beyond the head; what follows it (the lease)
// is then not looked at.
std::optional<KeyValue> read_key_value(Bytes head, uint64_t size_bytes);

}  // namespace snap::snapshot
