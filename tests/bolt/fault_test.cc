// A disk that gives errors, a file that is cut while it is read, a user who wants to stop: at every
// read of a walk.
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <set>

#include "bolt/walked.h"
#include "support/failing_read.h"

namespace snap::bolt {
namespace {

using test::BoltImage;
using test::FailingRead;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr uint32_t kPage = 512;
constexpr size_t kWindow = Window::kBytes;

std::string number(int value) { return std::format("{:05}", value); }

// Every way in which the walk reads: leaves near and far, of one page, of some and larger than the
// window, with a table of elements and values larger than one read; branches of several pages; a
// freelist of several pages.
// The leaf that is larger than the window comes last; `large` is its page, which the branch above
// it names before it is there.
BoltImage with_large_leaf_at(uint64_t& large) {
  BoltImage image(kPage);
  BoltImage::Children branches;
  std::vector<uint64_t> free;
  auto blank = [&](uint64_t count) {
    for (auto page = image.blank(count); count > 0; --count) free.push_back(page++);
  };
  for (int b = 0; b < 10; ++b) {
    BoltImage::Children leaves;
    for (int l = 0; l < 40; ++l) {
      auto key = number(b * 100 + l);
      auto value = std::string(l % 7 == 3 ? 1'800 : 90, 'v');  // some run on over pages
      leaves.emplace_back(key, image.leaf({{key, value}}));
      if (l % 5 == 4) blank(8);
    }
    branches.emplace_back(number(b * 100), image.branch(leaves));
  }
  branches.emplace_back(number(9'000), large);
  auto tree = image.branch(branches);
  image.freelist(free);
  auto root = image.leaf(
      {{"inline", BoltImage::inline_bucket({{"x", "y"}})}, {"tree", BoltImage::bucket_at(tree)}},
      kBucketFlag);
  BoltImage::Pairs items;
  for (int i = 0; i < 40; ++i) items.emplace_back(number(9'000 + i), "x");
  items[10].second = items[30].second = std::string(kWindow + kWindow / 2, 'L');
  large = image.leaf(items);
  image.finish(root);
  return image;
}

struct Database {
  uint64_t large = 0;
  std::string content;
};
const Database& every_kind_of_read() {
  static const Database made = [] {
    Database database;
    with_large_leaf_at(database.large);
    database.content = with_large_leaf_at(database.large).database();
    return database;
  }();
  return made;
}

TEST(Fault, OfTheDiskAtAnyReadIsAnErrorAndNoClaimAboutTheFile) {
  OnDisk disk(every_kind_of_read().content);
  auto whole = walk_open_file(disk.file, {}).value();
  ASSERT_THAT(whole.damages, ElementsAre());
  for (unsigned threads : {1, 3}) {
    long reads = 0;
    for (bool happened = true; happened; ++reads) {
      FailingRead failing(reads);
      auto outcome = walk_open_file(disk.file, {.threads = threads});
      happened = failing.happened();
      ASSERT_EQ(outcome.has_value(), !happened) << reads;
      if (happened) {
        EXPECT_EQ(outcome.error().code, Code::internal);
        EXPECT_THAT(outcome.error().message, HasSubstr("read db at byte"));
        EXPECT_THAT(outcome.error().message, HasSubstr("input/output error"));
      } else {
        EXPECT_EQ(outcome->damages, whole.damages);
        EXPECT_TRUE(outcome->items == whole.items);
      }
    }
    EXPECT_GT(reads, 40);
  }
}

// Page 0 is bad, so the spare is looked for at every size.
TEST(Fault, OfTheDiskWhileTheSpareIsLookedForIsAnError) {
  auto image = small_tree(65'536);
  image.put<uint8_t>(0, 20, 9);
  OnDisk disk(image.database());
  for (long reads = 0; reads < 9; ++reads) {  // page 0, and eight sizes
    FailingRead failing(reads);
    EXPECT_FALSE(walk_open_file(disk.file, {})) << reads;
  }
}

// F-V10: whoever cuts the file, what was not there any more is damage, and nothing is made up.
TEST(Fault, OfAFileThatIsCutIsDamageWhereverItEnds) {
  const auto& [large, content] = every_kind_of_read();
  auto start = large * kPage;
  std::set<uint64_t, std::greater<>> ends;
  for (uint64_t end = 0; end < start; end += uint64_t{7} * kPage) ends.insert(end);
  ends.insert((large - 3) * kPage);  // in the freelist: it and the root lie before the large leaf
  // In its table of elements (40 of 16 bytes behind the header), its keys, its values.
  for (auto end : {16UL, 600UL, 656UL, 658UL, 700UL, 100'000UL, 1'200'000UL, 1'572'864UL + 722,
                   1'572'864UL + 726, 2'900'000UL})
    ends.insert(start + end);
  OnDisk disk(content);
  auto path = std::format("/proc/self/fd/{}", disk.file.fd);
  auto whole = walk_open_file(disk.file, {}).value();
  std::string kinds;
  for (auto end : ends) {
    std::filesystem::resize_file(path, end);
    for (unsigned threads : {1, 3}) {
      auto outcome = walk_open_file(disk.file, {.threads = threads});
      ASSERT_TRUE(outcome) << describe(outcome.error());
      EXPECT_THAT(outcome->damages, testing::Not(testing::IsEmpty())) << end;
      EXPECT_LT(outcome->items.size(), whole.items.size()) << end;
      for (const auto& damage : outcome->damages) kinds += damage + "\n";
    }
  }
  auto leaf = std::format("page {}: ", large);
  for (const auto& kind :
       {leaf + "element 0 of 40 the file ended", leaf + "the file ended", std::string("freelist: "),
        leaf + "element 11 of 40 the file ended", std::string("no valid meta page")})
    EXPECT_THAT(kinds, HasSubstr(kind));
}

TEST(Fault, OfAFileThatClaimsMorePagesThanMemoryIsSpentOnIsFound) {
  auto image = small_tree(kPage);
  constexpr uint64_t kPages = (1ULL << 27) + 1;
  image.put_meta(0, 5, 30, kPages);
  OnDisk disk(image.database());
  disk.file.size_bytes = kPages * kPage;
  EXPECT_THAT(walk_open_file(disk.file, {})->damages,
              ElementsAre("page 0: claims 134217729 pages, at most 134217728 are looked at"));
}

// Stops after some of its calls.
class Stopping : public Visitor {
 public:
  explicit Stopping(int calls) : calls_(calls) {}
  void leaf(const Leaf&) override { call(); }
  void large_item(const Spot&, Bytes, uint64_t) override { call(); }
  void large_value(Bytes) override { call(); }
  std::stop_source stop;

 private:
  void call() {
    if (--calls_ == 0) stop.request_stop();
  }
  int calls_;
};

TEST(Stop, EndsAWalkWhereverItIs) {
  OnDisk disk(every_kind_of_read().content);
  for (int calls : {0, 1, 100, 399, 412, 413, 414}) {  // the large values are the last of them
    Stopping visitor(calls);
    if (calls == 0) visitor.stop.request_stop();
    Damages damages;
    auto stopped = [&]() -> Result<void> {
      auto walk = TRY(Walk::open(disk.file, {.stop = visitor.stop.get_token()}, damages));
      return walk->walk(walk->buckets().back(), [&]() -> Visitor& { return visitor; });
    }();
    ASSERT_FALSE(stopped) << calls;
    EXPECT_EQ(stopped.error().code, Code::cancelled) << calls;
    EXPECT_EQ(damages.count(), 0U);
  }
}

TEST(Progress, IsToldAndNeverGoesBack) {
  OnDisk disk(every_kind_of_read().content);
  uint64_t last = 0, calls = 0;
  auto outcome = walk_open_file(disk.file, {.progress = [&](uint64_t used_bytes) {
                                  EXPECT_GE(used_bytes, last);
                                  last = used_bytes;
                                  ++calls;
                                }});
  ASSERT_TRUE(outcome);
  EXPECT_GT(calls, 20U);
  EXPECT_LE(last, outcome->used_pages * kPage);
  EXPECT_GT(last, outcome->used_pages * kPage / 2);
}

}  // namespace
}  // namespace snap::bolt
