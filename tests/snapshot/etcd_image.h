// A snapshot of etcd with a known history, made without etcd, to be damaged.
#pragma once

#include <map>
#include <string>

#include "support/bolt_image.h"
#include "wire/protobuf.h"

namespace snap::test {

inline std::string row_key(int64_t main, int64_t sub, bool tombstone = false) {
  std::array<std::byte, 17> key;
  store_be(key.data(), static_cast<uint64_t>(main));
  key[8] = std::byte{'_'};
  store_be(key.data() + 9, static_cast<uint64_t>(sub));
  return std::string(as_text(key)) + (tombstone ? "t" : "");
}

// mvccpb.KeyValue with key, version and value, the revisions left out: all lengths and numbers
// below 128, or the value last. row() makes one that etcd would write.
inline std::string key_value(const std::string& key, int version, const std::string& value) {
  std::string text = "\x0a" + std::string(1, static_cast<char>(key.size())) + key;
  if (version > 0) text += "\x20" + std::string(1, static_cast<char>(version));
  if (value.empty()) return text;
  text += "\x2a";
  auto size = value.size();
  for (; size >= 128; size >>= 7) text += static_cast<char>(size | 128);
  return text + static_cast<char>(size) + value;
}

using Row = BoltImage::Pairs::value_type;

// The put of a key at a revision; `created` 0: by this put.
inline Row row(int64_t main, int64_t sub, const std::string& key, const std::string& value,
               int64_t version = 1, int64_t created = 0, int64_t lease = 0) {
  wire::Writer text;
  text.bytes(1, key)
      .number(2, static_cast<uint64_t>(created == 0 ? main : created))
      .number(3, static_cast<uint64_t>(main))
      .number(4, static_cast<uint64_t>(version))
      .bytes(5, value)
      .number(6, static_cast<uint64_t>(lease));
  return {row_key(main, sub), text.text()};
}

inline Row tombstone(int64_t main, int64_t sub, const std::string& key) {
  return {row_key(main, sub, true), wire::Writer().bytes(1, key).text()};
}

// The buckets beside `key` as a member of the id 0xa1 creates them; those given replace its pairs.
inline std::map<std::string, BoltImage::Pairs> small_buckets(
    const std::map<std::string, BoltImage::Pairs>& given = {}) {
  std::map<std::string, BoltImage::Pairs> buckets;
  for (const auto* name : {"alarm", "auth", "authRoles", "authUsers", "cluster", "lease", "members",
                           "members_removed", "meta"})
    buckets[name];
  buckets["cluster"] = {{"clusterVersion", "3.6.0"}};
  buckets["members"] = {{"a1", R"({"id":161,"peerURLs":["http://127.0.0.1:2380"],"name":"m1"})"}};
  buckets["meta"] = {{"consistent_index", std::string(7, '\0') + "\x64"}};
  for (const auto& [name, pairs] : given) buckets[name] = pairs;
  return buckets;
}

// Bucket `key` with these rows in small leaves, and these others.
inline BoltImage etcd_image_of(const BoltImage::Pairs& rows,
                               const std::map<std::string, BoltImage::Pairs>& others,
                               uint32_t page_bytes = 4096) {
  BoltImage image(page_bytes);
  BoltImage::Children leaves;
  for (size_t at = 0; at < rows.size(); at += 4) {
    auto end = std::min(rows.size(), at + 4);
    leaves.emplace_back(rows[at].first, image.leaf({rows.begin() + static_cast<ptrdiff_t>(at),
                                                    rows.begin() + static_cast<ptrdiff_t>(end)}));
  }
  auto root = leaves.empty() ? image.leaf({}) : image.branch(leaves);
  std::map<std::string, std::string> buckets{{"key", BoltImage::bucket_at(root)}};
  for (const auto& [name, pairs] : others) buckets[name] = BoltImage::inline_bucket(pairs);
  image.finish({buckets.begin(), buckets.end()});
  return image;
}

// The same with all buckets of a member; `meta` beside its consistent_index, in order.
inline BoltImage etcd_image(const BoltImage::Pairs& rows, const BoltImage::Pairs& meta = {},
                            uint32_t page_bytes = 4096) {
  auto buckets = small_buckets();
  buckets["meta"].insert(buckets["meta"].end(), meta.begin(), meta.end());
  return etcd_image_of(rows, buckets, page_bytes);
}

}  // namespace snap::test
