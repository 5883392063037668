#include "bolt/walk.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include <deque>
#include <format>
#include <functional>

#include "base/file.h"
#include "base/text.h"
#include "support/bolt_image.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace snap::bolt {
namespace {

using test::BoltImage;
using testing::ElementsAre;
using testing::HasSubstr;

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

Outcome walk_file(const std::string& content, unsigned threads = 1) {
  test::TempDir directory;
  test::write_file(directory.path("db"), content);
  auto fd = open_file(directory.path("db"), O_RDONLY).value();
  File file{.fd = fd.get(), .name = "db", .size_bytes = content.size()};
  Damages damages;
  Outcome outcome;
  auto walk = Walk::open(file, {.threads = threads}, damages);
  EXPECT_TRUE(walk) << describe(walk.error());
  if (walk && *walk) {
    for (const auto& bucket : (*walk)->buckets()) {
      std::deque<Recorder> parts;
      auto done = (*walk)->walk(bucket, [&]() -> Visitor& { return parts.emplace_back(); });
      EXPECT_TRUE(done) << describe(done.error());
      outcome.items += "[" + bucket.name + "]";
      for (const auto& part : parts) outcome.items += part.text;
    }
    outcome.used_pages = (*walk)->finish().value();
  }
  for (const auto& damage : damages.sorted())
    outcome.damages.push_back(std::format("page {}: {}", damage.page.value(), damage.what));
  return outcome;
}

// Pages 2 and 3: leaves a..b and c..d; 4: their branch; 5: the root leaf.
BoltImage small_tree(uint32_t page_bytes = 4096) {
  BoltImage image(page_bytes);
  auto left = image.leaf({{"a", "1"}, {"b", "2"}});
  auto right = image.leaf({{"c", "3"}, {"d", ""}});
  auto branch = image.branch({{"a", left}, {"c", right}});
  image.finish(
      {{"inline", BoltImage::inline_bucket({{"x", "y"}})}, {"tree", BoltImage::bucket_at(branch)}});
  return image;
}

class PageSize : public testing::TestWithParam<uint32_t> {};

TEST_P(PageSize, IsTakenFromTheFile) {
  auto outcome = walk_file(small_tree(GetParam()).database());
  EXPECT_THAT(outcome.damages, ElementsAre());
  EXPECT_EQ(outcome.items, "[inline]x=y;[tree]a=1;b=2;c=3;d=;");
  EXPECT_EQ(outcome.used_pages, 6U);
}

TEST_P(PageSize, IsFoundBySearchingForTheSpareWhenMetaPageZeroIsBad) {
  auto image = small_tree(GetParam());
  image.put<uint8_t>(0, 20, 9);
  auto outcome = walk_file(image.database());
  EXPECT_THAT(outcome.damages,
              ElementsAre("page 0: meta page is damaged: format version is 9, expected 2; its "
                          "spare, page 1, is sound"));
  EXPECT_EQ(outcome.items, "[inline]x=y;[tree]a=1;b=2;c=3;d=;");
}

INSTANTIATE_TEST_SUITE_P(Powers, PageSize,
                         testing::Values(512, 1024, 2048, 4096, 8192, 16384, 32768, 65536));

struct Case {
  std::string name;
  uint64_t page;
  std::string what;
  std::function<void(BoltImage&)> damage;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class DamageTable : public testing::TestWithParam<Case> {};

// F-V03, F-V04: what no bbolt writes, whatever the digests say.
TEST_P(DamageTable, IsFoundAndNamed) {
  for (unsigned threads : {1, 3}) {
    auto image = small_tree();
    GetParam().damage(image);
    auto outcome = walk_file(image.database(), threads);
    ASSERT_FALSE(outcome.damages.empty());
    EXPECT_THAT(outcome.damages[0], HasSubstr(std::format("page {}: ", GetParam().page)));
    EXPECT_THAT(outcome.damages[0], HasSubstr(GetParam().what));
  }
}

// Offsets: header {id 0, type 8, count 10, overflow 12}; element 0 of a leaf at 16 {flags,
// position, key, value}, of a branch {position, key, child}.
INSTANTIATE_TEST_SUITE_P(
    Pages, DamageTable,
    testing::Values(
        Case{"unknown_type", 2, "page type is 0x8, expected branch (0x1) or leaf (0x2)",
             [](BoltImage& i) { i.put<uint16_t>(2, 8, 8); }},
        Case{"two_types", 2, "page type is 0x3", [](BoltImage& i) { i.put<uint16_t>(2, 8, 3); }},
        Case{"zeroed", 2, "page header names page 0, expected 2",
             [](BoltImage& i) { i.database().replace(2 * 4096, 4096, 4096, '\0'); }},
        Case{"swapped_pages", 2, "page header names page 3, expected 2",
             [](BoltImage& i) {
               std::swap_ranges(i.database().begin() + 2 * 4096, i.database().begin() + 3 * 4096,
                                i.database().begin() + 3 * 4096);
             }},
        Case{"overflow_past_the_end", 2, "runs on over 4 pages, past the last page in use, 5",
             [](BoltImage& i) { i.put<uint32_t>(2, 12, 4); }},
        Case{"overflow_wraps", 3, "runs on over 4294967295 pages",
             [](BoltImage& i) { i.put<uint32_t>(3, 12, 0xFFFFFFFF); }},
        Case{"overflow_over_the_next_page", 3, "page is used twice",
             [](BoltImage& i) { i.put<uint32_t>(2, 12, 1); }},
        Case{"count_65535", 2, "65535 elements need 1048576 bytes, the page has 4096",
             [](BoltImage& i) { i.put<uint16_t>(2, 10, 65535); }},
        Case{"count_one_too_many", 2, "element 0 of 3 overlaps what lies before it",
             [](BoltImage& i) { i.put<uint16_t>(2, 10, 3); }},
        Case{"position_overflows", 2, "element 0 of 2 ends at byte",
             [](BoltImage& i) { i.put<uint32_t>(2, 20, 0xFFFFFFFF); }},
        Case{"position_into_the_table", 2, "element 0 of 2 overlaps what lies before it",
             [](BoltImage& i) { i.put<uint32_t>(2, 20, 31); }},
        Case{"value_overflows", 2, "element 1 of 2 ends at byte 4294967346, the page has 4096",
             [](BoltImage& i) { i.put<uint32_t>(2, 44, 0xFFFFFFFF); }},
        Case{"key_too_long", 2, "element 1 of 2 has a key longer than 32768 bytes",
             [](BoltImage& i) { i.put<uint32_t>(2, 40, 32769); }},
        Case{"key_empty", 2, "element 1 of 2 has an empty key",
             [](BoltImage& i) { i.put<uint32_t>(2, 40, 0); }},
        Case{"items_overlap", 2, "element 1 of 2 overlaps what lies before it",
             [](BoltImage& i) { i.put<uint32_t>(2, 28, 2); }},
        Case{"nested_bucket", 2, "element 0 of 2 has flags 0x1, expected a pair (0)",
             [](BoltImage& i) { i.put<uint32_t>(2, 16, 1); }},
        Case{"keys_out_of_order", 2, "key of element 1 is not above the one before it",
             [](BoltImage& i) { i.put<uint32_t>(2, 48, 'b' | '1' << 8 | 'a' << 16); }},
        Case{"keys_equal", 2, "key of element 1 is not above the one before it",
             [](BoltImage& i) { i.put<uint8_t>(2, 48, 'b'); }},
        Case{"key_below_its_branch", 3, "key of element 0 is below the key that its branch",
             [](BoltImage& i) { i.put<uint8_t>(3, 48, 'b'); }},
        Case{"key_not_below_the_next_branch_key", 2, "key of element 1 is not below the next key",
             [](BoltImage& i) { i.put<uint8_t>(2, 50, 'c'); }},
        Case{"child_past_the_end", 4, "element 1 points to page 6, expected one from 2 to 5",
             [](BoltImage& i) { i.put<uint64_t>(4, 40, 6); }},
        Case{"child_wraps", 4, "element 1 points to page 18446744073709551615",
             [](BoltImage& i) { i.put<uint64_t>(4, 40, ~0ULL); }},
        Case{"child_is_a_meta_page", 4, "element 0 points to page 1",
             [](BoltImage& i) { i.put<uint64_t>(4, 24, 1); }},
        Case{"same_child_twice", 2, "is used twice",
             [](BoltImage& i) { i.put<uint64_t>(4, 40, 2); }},
        Case{"cycle", 4, "page is used twice", [](BoltImage& i) { i.put<uint64_t>(4, 40, 4); }},
        Case{"cycle_to_the_root", 5, "page is used twice",
             [](BoltImage& i) { i.put<uint64_t>(4, 40, 5); }},
        Case{"branch_empty", 4, "branch page has no elements",
             [](BoltImage& i) { i.put<uint16_t>(4, 10, 0); }},
        Case{"branch_keys_out_of_order", 4, "key of element 1 is not above the one before it",
             [](BoltImage& i) { i.put<uint8_t>(4, 49, 'a'); }},
        Case{"branch_key_overflows", 4, "element 0 of 2 ends at byte",
             [](BoltImage& i) { i.put<uint32_t>(4, 16, 0xFFFFFFF0); }},
        Case{"pair_among_buckets", 5, "element 0 of 2 has flags 0x0, expected a bucket (0x1)",
             [](BoltImage& i) { i.put<uint32_t>(5, 16, 0); }},
        Case{"bucket_root_past_the_end", 6, "bucket 't' has its root in page 99",
             [](BoltImage& i) { i.finish(BoltImage::Pairs{{"t", BoltImage::bucket_at(99)}}); }},
        Case{"bucket_entry_short", 6, "bucket 't' has an entry of 8 bytes, expected at least 32",
             [](BoltImage& i) { i.finish(BoltImage::Pairs{{"t", std::string(8, '\0')}}); }},
        Case{"too_many_buckets", 6, "is one of more than 256 buckets",
             [](BoltImage& i) {
               BoltImage::Pairs buckets;
               for (int n = 0; n < 300; ++n)
                 buckets.emplace_back(std::format("{:03}", n), BoltImage::inline_bucket({}));
               i.finish(buckets);
             }},
        Case{"inline_bucket_too_large", 6, "is 20050 bytes inline, bbolt writes 16400 at most",
             [](BoltImage& i) {
               i.finish(BoltImage::Pairs{
                   {"t", BoltImage::inline_bucket({{"a", std::string(20'001, 'v')}})}});
             }},
        Case{"inline_bucket_is_no_leaf", 6, "inline bucket '\\x1b' is no leaf: type 0x0",
             [](BoltImage& i) { i.finish(BoltImage::Pairs{{"\x1b", std::string(40, '\0')}}); }},
        Case{"inline_bucket_out_of_order", 6,
             "in the inline bucket 't', key of element 1 is not above the one before it",
             [](BoltImage& i) {
               i.finish(BoltImage::Pairs{{"t", BoltImage::inline_bucket({{"b", ""}, {"a", ""}})}});
             }}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Metas, DamageTable,
    testing::Values(
        Case{"both_bad", 0, "no valid meta page",
             [](BoltImage& i) {
               i.put<uint8_t>(0, 16, 0);
               i.put<uint8_t>(1, 16, 0);
             }},
        Case{"checksum_bad", 0, "meta page is damaged: checksum is",
             [](BoltImage& i) { i.put<uint8_t>(0, 64, 1); }},
        Case{"second_bad", 1, "its spare, page 0, is sound",
             [](BoltImage& i) { i.put<uint8_t>(1, 16, 0); }},
        Case{"big_endian", 0, "written on a big-endian machine",
             [](BoltImage& i) {
               i.put<uint32_t>(0, 16, 0xEDDA0CED);
               i.put<uint32_t>(1, 16, 0);
             }},
        Case{"wrong_type", 1, "page header names page 1 of type 0x2, expected page 1 of type 0x4",
             [](BoltImage& i) { i.put<uint16_t>(1, 8, 2); }},
        Case{"more_pages_than_the_file", 0, "7 pages of 4096 bytes are in use, but the file is",
             [](BoltImage& i) { i.put_meta(0, 5, 30, 7); }},
        Case{"pages_overflow", 0, "it was cut", [](BoltImage& i) { i.put_meta(0, 5, 30, ~0ULL); }},
        Case{"root_past_the_end", 0, "root is page 6, expected one from 2 to 5",
             [](BoltImage& i) { i.put_meta(0, 6, 30); }},
        Case{"root_is_a_meta_page", 0, "root is page 1",
             [](BoltImage& i) { i.put_meta(0, 1, 30); }}),
    [](const auto& test) { return test.param.name; });

void with_freelist(BoltImage& image, const std::vector<uint64_t>& ids, bool long_form = false) {
  image.freelist(ids, long_form);
  image.finish(5);
}

INSTANTIATE_TEST_SUITE_P(
    Freelist, DamageTable,
    testing::Values(Case{"names_a_page_in_use", 3, "page is in use and on the freelist",
                         [](BoltImage& i) { with_freelist(i, {3}); }},
                    Case{"names_a_page_twice", 6, "page is on the freelist twice",
                         [](BoltImage& i) { i.blank(), with_freelist(i, {6, 6}); }},
                    Case{"names_itself", 6, "page of the freelist is on the freelist",
                         [](BoltImage& i) { with_freelist(i, {6}); }},
                    Case{"names_a_page_past_the_end", 6, "freelist: names page 7, expected 2 to 6",
                         [](BoltImage& i) { with_freelist(i, {7}); }},
                    Case{"forgets_a_page", 6,
                         "page is neither in use nor on the freelist, one of 2",
                         [](BoltImage& i) { i.blank(3), with_freelist(i, {8}); }},
                    Case{"count_too_large", 6, "freelist: names 600 pages, there is room for 510",
                         [](BoltImage& i) {
                           with_freelist(i, {});
                           i.put<uint16_t>(6, 10, 600);
                         }},
                    Case{"long_count_too_large", 6, "freelist: names 18446744073709551615 pages",
                         [](BoltImage& i) {
                           with_freelist(i, {1}, true);
                           i.put<uint64_t>(6, 16, ~0ULL);
                         }},
                    Case{"wrong_type", 6, "freelist: page header names page 6 of type 0x2",
                         [](BoltImage& i) {
                           with_freelist(i, {});
                           i.put<uint16_t>(6, 8, 2);
                         }}),
    [](const auto& test) { return test.param.name; });

TEST(Freelist, IsReadInBothForms) {
  for (bool long_form : {false, true}) {
    auto image = small_tree();
    image.blank(2);
    with_freelist(image, {6, 7}, long_form);
    auto outcome = walk_file(image.database());
    EXPECT_THAT(outcome.damages, ElementsAre());
    EXPECT_EQ(outcome.used_pages, 7U);
  }
}

TEST(Walk, PassesOnValuesLargerThanItsWindow) {
  std::string value;
  while (value.size() < 3'000'000) value += std::to_string(value.size());
  BoltImage image;
  BoltImage::Children leaves;
  leaves.emplace_back("a", image.leaf({{"a", value}, {"b", ""}, {"c", value}, {"d", "x"}}));
  leaves.emplace_back("e", image.leaf({{"e", "y"}}));
  image.finish({{"t", BoltImage::bucket_at(image.branch(leaves))}});
  auto outcome = walk_file(image.database());
  EXPECT_THAT(outcome.damages, ElementsAre());
  EXPECT_TRUE(outcome.items == "[t]a=" + value + "b=c=" + value + "d=xe=y;");

  auto bad = image;
  bad.put<uint32_t>(2, 16 + 3 * 16 + 12, 0xFFFFFFF0);  // the value of d
  EXPECT_THAT(walk_file(bad.database()).damages,
              ElementsAre(HasSubstr("page 2: element 3 of 4 is out of bounds")));
  bad = image;
  bad.put<uint8_t>(2, 16 + 4 * 16, 'z');  // the key of the first
  EXPECT_THAT(walk_file(bad.database()).damages,
              ElementsAre(HasSubstr("page 2: key of element 0 is not below the next key")));
}

// A tree of 3 levels whose leaves lie neither in order nor side by side, and are of any length.
TEST(Walk, VisitsInKeyOrderOnAnyNumberOfThreads) {
  BoltImage image(512);
  BoltImage::Children branches;
  std::string expected = "[t]";
  auto key = [](int number) { return std::format("{:06}", number); };
  for (int b = 0; b < 100; ++b) {
    BoltImage::Children leaves(9);
    for (int n = 0; n < 9; ++n) {
      auto l = b % 2 == 0 ? n : (n * 4 + b) % 9;  // 4 and 9 have no common divisor: all of them
      auto first = b * 100 + l * 10;
      if (n % 4 == 3) image.blank(static_cast<uint64_t>(b % 7));
      auto value = std::string(static_cast<size_t>(b * l * 3), 'v');
      leaves[static_cast<size_t>(l)] = {key(first),
                                        image.leaf({{key(first), ""}, {key(first + 1), value}})};
    }
    branches.emplace_back(leaves[0].first, image.branch(leaves));
    for (int l = 0; l < 9; ++l)
      expected += key(b * 100 + l * 10) + "=;" + key(b * 100 + l * 10 + 1) + "=" +
                  std::string(static_cast<size_t>(b * l * 3), 'v') + ";";
  }
  image.finish({{"t", BoltImage::bucket_at(image.branch(branches))}});
  for (unsigned threads : {1, 2, 5}) {
    auto outcome = walk_file(image.database(), threads);
    EXPECT_THAT(outcome.damages, ElementsAre());
    EXPECT_TRUE(outcome.items == expected) << threads;
  }
}

// F-V04: neither stack nor memory follows the depth.
TEST(Walk, EndsAtADepthThatNoSoundTreeHas) {
  BoltImage image(512);
  auto page = image.leaf({{"a", ""}});
  for (int level = 0; level < 20'000; ++level) page = image.branch({{"a", page}});
  image.finish({{"t", BoltImage::bucket_at(page)}});
  for (unsigned threads : {1, 2})
    EXPECT_THAT(walk_file(image.database(), threads).damages,
                ElementsAre(HasSubstr("tree is deeper than 32 levels")));
}

TEST(Walk, KeepsAHundredDamagesAndCountsTheOthers) {
  BoltImage image(512);
  BoltImage::Children children;
  for (int i = 0; i < 400; ++i) children.emplace_back(std::format("{:04}", i), 77'777);
  image.finish({{"t", BoltImage::bucket_at(image.branch(children))}});
  EXPECT_EQ(walk_file(image.database()).damages.size(), Damages::kMax);
}

TEST(Walk, RefusesFilesThatAreNoBbolt) {
  for (const auto& content : {std::string(), std::string("x"), std::string(79, 'x'),
                              std::string(4096, '\0'), std::string(100'000, 'x')})
    EXPECT_THAT(walk_file(content).damages, ElementsAre(HasSubstr("no valid meta page")));
}

TEST(Walk, StopsWhenToldTo) {
  test::TempDir directory;
  auto image = small_tree();
  test::write_file(directory.path("db"), image.database());
  auto fd = open_file(directory.path("db"), O_RDONLY).value();
  File file{.fd = fd.get(), .name = "db", .size_bytes = image.database().size()};
  Damages damages;
  std::stop_source stop;
  stop.request_stop();
  auto walk = Walk::open(file, {.threads = 1, .stop = stop.get_token(), .progress = {}}, damages);
  ASSERT_FALSE(walk);
  EXPECT_EQ(walk.error().code, Code::cancelled);
}

}  // namespace
}  // namespace snap::bolt
