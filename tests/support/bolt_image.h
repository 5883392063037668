// Builds bbolt files in memory, sound ones and such that no bbolt would write.
//
// Format: agent/bolt/page.h. The builder checks nothing; put() overwrites any byte afterwards.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "bolt/page.h"
#include "stream/sha256.h"

namespace snap::test {

class BoltImage {
 public:
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  using Children = std::vector<std::pair<std::string, uint64_t>>;

  explicit BoltImage(uint32_t page_bytes = 4096)
      : page_bytes_(page_bytes), bytes_(2 * page_bytes, '\0') {}

  uint64_t page_bytes() const { return page_bytes_; }
  uint64_t pages() const { return bytes_.size() / page_bytes_; }
  uint64_t blank(uint64_t count = 1) {
    auto id = pages();
    bytes_.append(count * page_bytes_, '\0');
    return id;
  }
  uint64_t leaf(const Pairs& pairs, uint32_t flags = 0) {
    return add(leaf_node(pages(), pairs, flags));
  }
  uint64_t branch(const Children& children) {
    auto node = header(pages(), bolt::kBranch, children.size());
    auto data = bolt::element_at(children.size());
    std::string keys;
    for (size_t i = 0; i < children.size(); ++i) {
      append<uint32_t>(node, data + keys.size() - bolt::element_at(i));
      append<uint32_t>(node, children[i].first.size());
      append<uint64_t>(node, children[i].second);
      keys += children[i].first;
    }
    return add(node + keys);
  }
  // The count in the header, or behind it in the long form.
  uint64_t freelist(const std::vector<uint64_t>& ids, bool long_form = false) {
    auto node = header(pages(), bolt::kFreelist, long_form ? 0xFFFF : ids.size());
    if (long_form) append<uint64_t>(node, ids.size());
    for (auto id : ids) append<uint64_t>(node, id);
    freelist_ = pages();
    return add(node);
  }
  // Values of root leaves.
  static std::string bucket_at(uint64_t page) {
    std::string value;
    append<uint64_t>(value, page);
    append<uint64_t>(value, 0);
    return value;
  }
  static std::string inline_bucket(const Pairs& pairs) {
    return bucket_at(0) + leaf_node(0, pairs, 0);
  }

  // Writes both meta pages, as a snapshot has them.
  void finish(uint64_t root) {
    put_meta(0, root, 23);
    put_meta(1, root, 22);
  }
  // The root leaf with these buckets, then finish().
  void finish(const Pairs& buckets) { finish(leaf(buckets, bolt::kBucketFlag)); }
  void put_meta(uint64_t page, uint64_t root, uint64_t txid, uint64_t claimed_pages = 0) {
    auto meta = header(page, bolt::kMeta, 0);
    append<uint32_t>(meta, 0xED0CDAED);
    append<uint32_t>(meta, 2);
    append<uint32_t>(meta, page_bytes_);
    append<uint32_t>(meta, 0);
    append<uint64_t>(meta, root);
    append<uint64_t>(meta, 0);
    append<uint64_t>(meta, freelist_);
    append<uint64_t>(meta, claimed_pages ? claimed_pages : pages());
    append<uint64_t>(meta, txid);
    auto sum = bolt::fnv1a64(as_bytes(std::string_view(meta).substr(bolt::kPageHeaderBytes)));
    append<uint64_t>(meta, sum);
    bytes_.replace(page * page_bytes_, meta.size(), meta);
  }

  template <class T>
  void put(uint64_t page, uint64_t offset, T value) {
    std::string text;
    append<T>(text, value);
    bytes_.replace(page * page_bytes_ + offset, text.size(), text);
  }

  const std::string& database() const { return bytes_; }
  std::string& database() { return bytes_; }
  std::string snapshot() const { return with_trailer(bytes_); }
  static std::string with_trailer(const std::string& body) {
    return body + std::string(as_text(stream::sha256(as_bytes(body))));
  }

 private:
  template <class T>
  static void append(std::string& to, uint64_t value) {
    std::byte bytes[sizeof(T)];
    store_le(bytes, static_cast<T>(value));
    to += as_text(bytes);
  }
  static std::string header(uint64_t id, uint16_t type, uint64_t count) {
    std::string node;
    append<uint64_t>(node, id);
    append<uint16_t>(node, type);
    append<uint16_t>(node, count);
    append<uint32_t>(node, 0);
    return node;
  }
  static std::string leaf_node(uint64_t id, const Pairs& pairs, uint32_t flags) {
    auto node = header(id, bolt::kLeaf, pairs.size());
    auto data = bolt::element_at(pairs.size());
    std::string content;
    for (size_t i = 0; i < pairs.size(); ++i) {
      append<uint32_t>(node, flags);
      append<uint32_t>(node, data + content.size() - bolt::element_at(i));
      append<uint32_t>(node, pairs[i].first.size());
      append<uint32_t>(node, pairs[i].second.size());
      content += pairs[i].first + pairs[i].second;
    }
    return node + content;
  }
  uint64_t add(std::string node) {
    auto span = (node.size() + page_bytes_ - 1) / page_bytes_;
    store_le(reinterpret_cast<std::byte*>(node.data()) + 12, static_cast<uint32_t>(span - 1));
    auto id = blank(span);
    bytes_.replace(id * page_bytes_, node.size(), node);
    return id;
  }

  uint32_t page_bytes_;
  std::string bytes_;
  uint64_t freelist_ = bolt::kNoFreelist;
};

}  // namespace snap::test
