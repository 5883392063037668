#include "bolt/walk.h"

#include <gmock/gmock.h>

#include <format>
#include <functional>

#include "bolt/walked.h"

namespace snap::bolt {
namespace {

using test::BoltImage;
using testing::ElementsAre;
using testing::HasSubstr;

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
        Case{"bucket_root_is_a_meta_page", 6, "bucket 't' has its root in page 1, expected",
             [](BoltImage& i) { i.finish(BoltImage::Pairs{{"t", BoltImage::bucket_at(1)}}); }},
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
        Case{"inline_bucket_count", 6, "inline bucket 't' is no leaf: type 0x2, 60000 elements in",
             [](BoltImage& i) {
               auto bucket = BoltImage::inline_bucket({{"a", "1"}});
               bucket.replace(16 + 10, 2, "\x60\xea");
               i.finish(BoltImage::Pairs{{"t", bucket}});
             }},
        Case{"buckets_in_a_page_larger_than_the_window", 6,
             "element 0 of 1 is a bucket in a page that is too large to name buckets",
             [](BoltImage& i) {
               i.finish(BoltImage::Pairs{
                   {"t", BoltImage::inline_bucket({{"a", std::string(2 << 20, 'v')}})}});
             }},
        Case{"branch_too_long", 6, "branch page is 266240 bytes long, bbolt writes 262144 at most",
             [](BoltImage& i) {
               BoltImage::Children children;
               for (int n = 0; n < 12'000; ++n)
                 children.emplace_back(std::format("{:06}", n), 2 + n % 2);
               auto branch = i.branch(children);
               i.finish(BoltImage::Pairs{{"t", BoltImage::bucket_at(branch)}});
             }},
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
             [](BoltImage& i) { i.put_meta(0, 1, 30); }},
        Case{"root_of_the_newer_spare", 1, "root is page 6, expected one from 2 to 5",
             [](BoltImage& i) { i.put_meta(1, 6, 30); }},
        Case{"freelist_is_a_meta_page", 0, "freelist is page 1, expected none or one from 2 to 5",
             [](BoltImage& i) { put_in_meta<uint64_t>(i, 0, 32, 1); }},
        Case{"freelist_past_the_end", 0, "freelist is page 6, expected none or one from 2 to 5",
             [](BoltImage& i) { put_in_meta<uint64_t>(i, 0, 32, 6); }},
        Case{"page_size_of_no_power", 0, "page size is 4097, expected a power of two from 512 to",
             [](BoltImage& i) { put_in_meta<uint32_t>(i, 0, 8, 4097); }},
        Case{"page_size_too_small", 0, "page size is 256",
             [](BoltImage& i) { put_in_meta<uint32_t>(i, 0, 8, 256); }},
        Case{"page_size_too_large", 0, "page size is 131072",
             [](BoltImage& i) { put_in_meta<uint32_t>(i, 0, 8, 131'072); }},
        // Not its own size: it is no spare, but the one behind it is.
        Case{"meta_page_in_a_wrong_place", 0, "its spare, page 1, is sound",
             [](BoltImage& i) {
               i.database().replace(512, 80, i.database().substr(4096, 80));
               i.put<uint8_t>(0, 16, 0);
             }}),
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
                    Case{"names_a_meta_page", 6, "freelist: names page 1, expected 2 to 6",
                         [](BoltImage& i) { with_freelist(i, {1}); }},
                    Case{"overflow_past_the_end", 6, "freelist: runs on over 1 pages, past the",
                         [](BoltImage& i) {
                           with_freelist(i, {});
                           i.put<uint32_t>(6, 12, 1);
                         }},
                    Case{"wrong_id", 6, "freelist: page header names page 9 of type 0x10",
                         [](BoltImage& i) {
                           with_freelist(i, {});
                           i.put<uint64_t>(6, 0, 9);
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

// Elements of a leaf that is larger than the window: {flags, position, key, value} at 16 + 16 * i.
TEST(Walk, FindsElementsOutOfBoundsInALeafLargerThanItsWindow) {
  const std::string value(1'500'000, 'v');
  BoltImage image;
  auto leaf = image.leaf({{"a", value}, {"b", value}, {"c", ""}});
  image.finish({{"t", BoltImage::bucket_at(leaf)}});
  for (auto [offset, number] : {std::pair(32, 1U),        // flags of b
                                {36, 32U},                // its position: on top of the value of a
                                {36, 0xFFFFFFF0U},        // past the end
                                {40, 0U},                 // an empty key
                                {40, 32'769U},            // a key that is too long
                                {44, 4'000'000'000U}}) {  // a value past the end
    auto bad = image;
    bad.put<uint32_t>(leaf, static_cast<uint64_t>(offset), number);
    auto outcome = walk_file(bad.database());
    EXPECT_THAT(outcome.damages, ElementsAre(HasSubstr("page 2: element 1 of 3 is out of bounds")));
    EXPECT_TRUE(outcome.items == "[t]a=" + value) << "what lies before it is passed on";
  }
}

TEST(Walk, TakesTheMetaPageWithTheHigherTransaction) {
  auto image = small_tree();
  auto leaf = image.leaf({{"z", "newer"}});
  auto root = image.leaf({{"only", BoltImage::bucket_at(leaf)}}, kBucketFlag);
  image.put_meta(1, root, 24);  // the other one has 23
  auto outcome = walk_file(image.database());
  EXPECT_THAT(outcome.damages, ElementsAre());
  EXPECT_EQ(outcome.items, "[only]z=newer;");
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

}  // namespace
}  // namespace snap::bolt
