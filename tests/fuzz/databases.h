// Databases that fuzzing starts from: small, and of every kind of page.
#pragma once

#include <format>
#include <string>
#include <vector>

#include "snapshot/etcd_image.h"

namespace snap::fuzz {

inline std::vector<test::BoltImage> databases() {
  std::vector<test::BoltImage> images;
  test::BoltImage::Pairs rows;
  for (int i = 0; i < 9; ++i) {
    rows.emplace_back(test::row_key(i + 2, 0, i == 5),
                      test::key_value(std::format("k{}", i % 4), i == 5 ? 0 : 1, "v"));
  }
  for (uint32_t page_bytes : {512U, 1024U})
    images.push_back(test::etcd_image(rows, {{"storageVersion", "3.6.0"}}, page_bytes));
  images.push_back(test::etcd_image({}, {}, 512));

  // A freelist, a value over several pages, an inline `key`.
  test::BoltImage freed(512);
  auto large =
      freed.leaf({{test::row_key(2, 0), test::key_value("large", 1, std::string(900, 'x'))},
                  {test::row_key(3, 0), test::key_value("small", 1, "y")}});
  freed.blank(2);
  freed.freelist({large + 2, large + 3});
  freed.finish(
      {{"key", test::BoltImage::bucket_at(large)}, {"meta", test::BoltImage::inline_bucket({})}});
  images.push_back(freed);
  test::BoltImage inlined(512);
  inlined.finish({{"key", test::BoltImage::inline_bucket({{test::row_key(2, 0), ""}})},
                  {"lease", test::BoltImage::inline_bucket({{"l", "x"}})},
                  {"meta", test::BoltImage::inline_bucket({})}});
  images.push_back(inlined);
  return images;
}

}  // namespace snap::fuzz
