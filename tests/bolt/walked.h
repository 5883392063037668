// A walk over a file made for it, and what it gave.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>

#include <deque>
#include <format>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "bolt/walk.h"
#include "support/bolt_image.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace snap::bolt {

// Everything it is given, as text.
class Recorder : public Visitor {
 public:
  void leaf(const Leaf& leaf) override {
    std::string packed;
    for (size_t i = 0; i < leaf.size(); ++i) {
      text += std::format("{}={};", as_text(leaf.key(i)), as_text(leaf.value(i)));
      packed += std::string(as_text(leaf.key(i))) + std::string(as_text(leaf.value(i)));
    }
    if (!leaf.packed().empty()) {
      EXPECT_EQ(as_text(leaf.packed()), packed);
    }
  }
  void large_item(const Spot&, Bytes key, uint64_t) override {
    text += std::format("{}=", as_text(key));
  }
  void large_value(Bytes piece) override { text += as_text(piece); }

  std::string text;
};

struct Outcome {
  std::vector<std::string> damages;  // "page 3: what"
  std::string items;                 // of all buckets
  uint64_t used_pages = 0;
};

inline Result<Outcome> walk_open_file(const File& file, WalkOptions options) {
  Damages damages;
  Outcome outcome;
  auto walk = TRY(Walk::open(file, std::move(options), damages));
  if (walk) {
    for (const auto& bucket : walk->buckets()) {
      std::deque<Recorder> parts;
      TRY(walk->walk(bucket, [&]() -> Visitor& { return parts.emplace_back(); }));
      outcome.items += "[" + bucket.name + "]";
      for (const auto& part : parts) outcome.items += part.text;
    }
    outcome.used_pages = TRY(walk->finish());
  }
  for (const auto& damage : damages.sorted())
    outcome.damages.push_back(std::format("page {}: {}", damage.page.value(), damage.what));
  return outcome;
}

// A file with this content, open.
class OnDisk {
 public:
  explicit OnDisk(const std::string& content)
      : fd_((test::write_file(directory_.path("db"), content),
             open_file(directory_.path("db"), O_RDONLY).value())),
        file{.fd = fd_.get(), .name = "db", .size_bytes = content.size()} {}

 private:
  test::TempDir directory_;
  Fd fd_;

 public:
  File file;
};

inline Outcome walk_file(const std::string& content, unsigned threads = 1) {
  OnDisk disk(content);
  auto outcome = walk_open_file(disk.file, {.threads = threads});
  EXPECT_TRUE(outcome) << describe(outcome.error());
  return outcome.value_or(Outcome());
}

// Pages 2 and 3: leaves a..b and c..d; 4: their branch; 5: the root leaf.
inline test::BoltImage small_tree(uint32_t page_bytes = 4096) {
  using test::BoltImage;
  BoltImage image(page_bytes);
  auto left = image.leaf({{"a", "1"}, {"b", "2"}});
  auto right = image.leaf({{"c", "3"}, {"d", ""}});
  auto branch = image.branch({{"a", left}, {"c", right}});
  image.finish(
      {{"inline", BoltImage::inline_bucket({{"x", "y"}})}, {"tree", BoltImage::bucket_at(branch)}});
  return image;
}

// Overwrites a number in the body of a meta page, whose checksum then fits again.
template <class T>
void put_in_meta(test::BoltImage& image, uint64_t page, uint64_t offset, T value) {
  image.put<T>(page, kPageHeaderBytes + offset, value);
  auto body = std::string_view(image.database())
                  .substr(page * image.page_bytes() + kPageHeaderBytes, kMetaBytes - 8);
  image.put<uint64_t>(page, kPageHeaderBytes + body.size(), fnv1a64(as_bytes(body)));
}

}  // namespace snap::bolt
