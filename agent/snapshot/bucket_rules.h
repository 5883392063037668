// What etcd relies on in its small buckets, pair by pair. Private to the room.
// Source: etcd-io/etcd@v3.6.14:server/storage/schema/{bucket,membership,auth,alarm,confstate}.go,
// server/lease/lessor.go; the same in 3.4 and 3.5.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace snap::snapshot {

struct BucketRule {
  std::string_view bucket;
  bool needs_pairs;  // empty, it is no bucket of a running member
  // What is wrong with a pair, in words; empty: nothing.
  std::string (*problem)(Bytes key, Bytes value);
};

// The buckets that every member creates when it starts, but `key`; by name.
std::span<const BucketRule> bucket_rules();
const BucketRule* rule_of(std::string_view bucket);

}  // namespace snap::snapshot
