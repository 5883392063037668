#include "snapshot/visitors.h"

#include <algorithm>

#include "base/crc32c.h"
#include "base/text.h"

namespace snap::snapshot {

void HashVisitor::feed(Bytes data) {
  crc_ = crc32c(crc_, data);
  bytes_ += data.size();
}

void HashVisitor::leaf(const bolt::Leaf& leaf) {
  pairs_ += leaf.size();
  if (!leaf.packed().empty()) return feed(leaf.packed());
  for (size_t i = 0; i < leaf.size(); ++i) {
    feed(leaf.key(i));
    feed(leaf.value(i));
  }
}

void HashVisitor::large_item(const bolt::Spot&, Bytes key, uint64_t) {
  ++pairs_;
  feed(key);
}

void HashVisitor::large_value(Bytes piece) { feed(piece); }

void PairVisitor::leaf(const bolt::Leaf& leaf) {
  HashVisitor::leaf(leaf);
  if (!rule_ || !damages_) return;
  for (size_t i = 0; i < leaf.size(); ++i) {
    auto problem = rule_->problem(leaf.key(i), leaf.value(i));
    if (!problem.empty())
      damages_->add({leaf.at().page, leaf.at().byte,
                     "bucket '" + std::string(rule_->bucket) +
                         "': " + escaped(as_text(leaf.key(i))) + " " + problem});
  }
}

void MetaVisitor::leaf(const bolt::Leaf& leaf) {
  PairVisitor::leaf(leaf);
  for (size_t i = 0; i < leaf.size(); ++i) {
    auto key = as_text(leaf.key(i));
    auto value = leaf.value(i);
    auto revision = read_revision(value);
    if (key == "consistent_index") has_consistent_index = true;
    if (key == "finishedCompactRev" && revision) finished_compaction = revision->main;
    if (key == "scheduledCompactRev" && revision) scheduled_compaction = revision->main;
    if (key == "storageVersion" && value.size() <= 64) storage_version = as_text(value);
  }
}

void RowVisitor::leaf(const bolt::Leaf& leaf) {
  HashVisitor::leaf(leaf);
  for (size_t i = 0; i < leaf.size(); ++i) {
    auto revision = revision_at(leaf.at(), leaf.key(i));
    if (!revision) continue;
    auto value = leaf.value(i);
    row(leaf.at(), *revision, value, value.size());
  }
}

std::optional<Revision> RowVisitor::revision_at(const bolt::Spot& at, Bytes key) {
  auto revision = read_revision(key);
  if (!revision)
    damages_.add({at.page, at.byte,
                  "bucket 'key' holds a key that is no revision: " +
                      to_hex(key.first(std::min<size_t>(key.size(), 18)))});
  else
    last_revision = revision->main;
  return revision;
}

void RowVisitor::row(const bolt::Spot& at, const Revision& revision, Bytes head,
                     uint64_t value_bytes) {
  auto value = read_key_value(head, value_bytes);
  if (!value) {
    damages_.add({at.page, at.byte,
                  "the value of revision " + std::to_string(revision.main) + " is no KeyValue"});
    return;
  }
  if (rules) rules->row(at, revision, *value, value_bytes);
  if (revision.main > compacted_) {
    if (revision.tombstone)
      --born_after;
    else if (value->version <= 1)
      ++born_after;
  } else if (revision.tombstone) {
    ++tombstones_until;
    tombstones_before = tombstones_before || revision.main < compacted_;
  } else {
    ++puts_until;
  }
}

void RowVisitor::large_item(const bolt::Spot& at, Bytes key, uint64_t value_bytes) {
  HashVisitor::large_item(at, key, value_bytes);
  large_ = revision_at(at, key);
  large_at_ = at;
  large_value_bytes_ = value_bytes;
  if (value_bytes == 0) {
    if (large_) row(at, *large_, {}, 0);
    large_.reset();
  }
}

void RowVisitor::large_value(Bytes piece) {
  HashVisitor::large_value(piece);
  if (large_) row(large_at_, *large_, piece, large_value_bytes_);
  large_.reset();
}

void LiveKeyVisitor::row(Bytes key, Bytes head, uint64_t value_bytes) {
  auto revision = read_revision(key);
  if (!revision || revision->main > compacted_) return;
  auto value = read_key_value(head, value_bytes);
  if (!value) return;
  if (revision->tombstone)
    keys_.remove(value->key);
  else
    keys_.put(value->key);
}

void LiveKeyVisitor::leaf(const bolt::Leaf& leaf) {
  for (size_t i = 0; i < leaf.size(); ++i) row(leaf.key(i), leaf.value(i), leaf.value(i).size());
}

void LiveKeyVisitor::large_item(const bolt::Spot&, Bytes key, uint64_t value_bytes) {
  large_key_.assign(key.begin(), key.end());
  large_value_bytes_ = value_bytes;
  if (value_bytes == 0) row(large_key_, {}, 0);
}

void LiveKeyVisitor::large_value(Bytes piece) {
  if (!large_key_.empty()) row(large_key_, piece, large_value_bytes_);
  large_key_.clear();
}

}  // namespace snap::snapshot
