// A snapshot of etcd with a known history, made without etcd, to be damaged.
#pragma once

#include <map>
#include <string>

#include "support/bolt_image.h"

namespace snap::test {

inline std::string row_key(int64_t main, int64_t sub, bool tombstone = false) {
  std::array<std::byte, 17> key;
  store_be(key.data(), static_cast<uint64_t>(main));
  key[8] = std::byte{'_'};
  store_be(key.data() + 9, static_cast<uint64_t>(sub));
  return std::string(as_text(key)) + (tombstone ? "t" : "");
}

// mvccpb.KeyValue with key, version and value: all lengths and numbers below 128, or the value
// last.
inline std::string key_value(const std::string& key, int version, const std::string& value) {
  std::string text = "\x0a" + std::string(1, static_cast<char>(key.size())) + key;
  if (version > 0) text += "\x20" + std::string(1, static_cast<char>(version));
  if (value.empty()) return text;
  text += "\x2a";
  auto size = value.size();
  for (; size >= 128; size >>= 7) text += static_cast<char>(size | 128);
  return text + static_cast<char>(size) + value;
}

// Bucket `key` with these rows in small leaves, and bucket `meta`.
inline BoltImage etcd_image(const BoltImage::Pairs& rows, const BoltImage::Pairs& meta = {},
                            uint32_t page_bytes = 4096) {
  BoltImage image(page_bytes);
  BoltImage::Children leaves;
  for (size_t at = 0; at < rows.size(); at += 4) {
    auto end = std::min(rows.size(), at + 4);
    leaves.emplace_back(rows[at].first, image.leaf({rows.begin() + static_cast<ptrdiff_t>(at),
                                                    rows.begin() + static_cast<ptrdiff_t>(end)}));
  }
  auto root = leaves.empty() ? image.leaf({}) : image.branch(leaves);
  image.finish({{"key", BoltImage::bucket_at(root)}, {"meta", BoltImage::inline_bucket(meta)}});
  return image;
}

}  // namespace snap::test
