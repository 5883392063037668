// HashKV over any history beside a model of etcd's own rule, which keeps every key in memory.
#include "snapshot/hash_kv.h"

#include <gtest/gtest.h>

#include <format>
#include <map>
#include <random>
#include <set>

#include "base/crc32c.h"
#include "snapshot/changed_keys.h"
#include "snapshot/etcd_image.h"
#include "snapshot/verify.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace snap::snapshot {
namespace {

// A member's store: rows by revision. Source of the rules:
// etcd-io/etcd@v3.6.14:server/storage/mvcc/{kvstore,kvstore_compaction,hash,key_index}.go.
class Member {
 public:
  explicit Member(uint64_t seed) : random_(seed) {}

  void change() {
    ++revision_;
    std::set<std::string> touched;
    int64_t sub = 0;
    for (auto ops = 1 + random_() % 3; ops > 0; --ops) {
      auto key = "k" + std::to_string(random_() % 12);
      if (!touched.insert(key).second) continue;
      auto& state = keys_[key];
      bool removes = state.version > 0 && random_() % 3 == 0;
      state =
          removes ? State{} : State{state.version + 1, state.version ? state.created : revision_};
      auto row = removes ? test::tombstone(revision_, sub, key)
                         : test::row(revision_, sub, key, "v" + std::to_string(random_() % 99),
                                     state.version, state.created);
      rows_[{revision_, sub}] = {key, removes, row};
      ++sub;
    }
  }
  // `share`: how far the removal of old rows has come.
  void compact(int64_t to, double share) {
    if (to <= scheduled_ || to > revision_) return;
    if (scheduled_ > finished_) remove_rows(scheduled_, scheduled_);
    finished_ = scheduled_;
    scheduled_ = to;
    remove_rows(to, static_cast<int64_t>(static_cast<double>(to) * share));
    if (share >= 1) finished_ = to;
  }
  int64_t revision() const { return revision_; }
  int64_t compacted() const { return scheduled_; }

  uint32_t hash_kv(int64_t at) const {
    std::map<std::string, At> last;
    for (const auto& [rev, row] : rows_)
      if (rev.first <= at) last[row.key] = rev;
    std::set<At> keep;
    for (const auto& [key, rev] : last)
      if (!rows_.at(rev).tombstone) keep.insert(rev);
    auto crc = crc32c(0, as_bytes("key"));
    for (const auto& [rev, row] : rows_) {
      if (rev.first > at) continue;
      if (rev.first <= scheduled_ && !keep.empty() && !keep.contains(rev)) continue;
      if (rev.first == scheduled_ && row.tombstone) continue;
      crc = crc32c(crc32c(crc, as_bytes(row.stored.first)), as_bytes(row.stored.second));
    }
    return crc;
  }
  std::string snapshot() const {
    test::BoltImage::Pairs rows, meta;
    for (const auto& [rev, row] : rows_) rows.push_back(row.stored);
    if (finished_ > 0) meta.emplace_back("finishedCompactRev", test::row_key(finished_, 0));
    if (scheduled_ > 0) meta.emplace_back("scheduledCompactRev", test::row_key(scheduled_, 0));
    return test::etcd_image(rows, meta).snapshot();
  }

 private:
  using At = std::pair<int64_t, int64_t>;
  struct State {
    int64_t version = 0, created = 0;
  };
  struct Row {
    std::string key;
    bool tombstone = false;
    test::Row stored;
  };

  // Etcd 3.4.34, 3.5.16 and newer leave a tombstone at the compact revision itself.
  void remove_rows(int64_t compacted, int64_t until) {
    std::map<std::string, At> last;
    for (const auto& [rev, row] : rows_)
      if (rev.first <= compacted) last[row.key] = rev;
    for (auto i = rows_.begin(); i != rows_.end() && i->first.first <= until;) {
      bool kept =
          last[i->second.key] == i->first && (!i->second.tombstone || i->first.first == compacted);
      i = kept ? std::next(i) : rows_.erase(i);
    }
  }

  std::mt19937_64 random_;
  std::map<At, Row> rows_;
  std::map<std::string, State> keys_;
  int64_t revision_ = 1, scheduled_ = -1, finished_ = -1;
};

class HashKv : public testing::Test {
 protected:
  test::TempDir directory_;
  std::string file_ = directory_.path("s.db");
};

TEST_F(HashKv, IsThatOfTheMemberAfterAnyHistory) {
  int compared = 0;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Member member(seed);
    std::mt19937_64 random(seed);
    for (int i = 0; i < 60; ++i) {
      member.change();
      if (random() % 15 == 0)
        member.compact(member.revision() - static_cast<int64_t>(random() % 8),
                       random() % 2 ? 1 : 0.5);
    }
    test::write_file(file_, member.snapshot());
    auto extent = read_extent(file_);
    ASSERT_TRUE(extent) << describe(extent.error());
    ASSERT_EQ(extent->revision(), member.revision());
    ASSERT_EQ(extent->compacted(), member.compacted());
    ASSERT_TRUE(verify(file_, {})->sound()) << seed;
    // The cluster lives on, and may compact again, up to the snapshot's revision.
    for (bool later : {false, true}) {
      if (later) {
        for (int i = 0; i < 10; ++i) member.change();
        member.compact(extent->revision() - static_cast<int64_t>(random() % 5), 0.7);
      }
      auto ours = hash_kv(file_, *extent, member.compacted(),
                          {.threads = 1 + static_cast<unsigned>(seed % 3)});
      ASSERT_TRUE(ours) << describe(ours.error());
      if (!ours->has_live_keys) continue;
      ++compared;
      ASSERT_EQ(ours->hash, member.hash_kv(extent->revision())) << seed << later;
    }
  }
  EXPECT_GT(compared, 500);
}

TEST_F(HashKv, OfADatabaseWithoutRowsIsThatOfTheBucketsName) {
  test::write_file(file_, test::etcd_image({}).snapshot());
  auto extent = read_extent(file_).value();
  EXPECT_EQ(extent.revision(), 0);
  EXPECT_EQ(hash_kv(file_, extent, -1).value().hash, crc32c(0, as_bytes("key")));
}

TEST_F(HashKv, DiffersWhenOneRowDoes) {
  test::write_file(
      file_, test::etcd_image({test::row(2, 0, "a", "1"), test::row(3, 0, "b", "1")}).snapshot());
  auto extent = read_extent(file_).value();
  auto before = hash_kv(file_, extent, -1).value().hash;
  test::write_file(
      file_, test::etcd_image({test::row(2, 0, "a", "1"), test::row(3, 0, "b", "2")}).snapshot());
  EXPECT_NE(hash_kv(file_, extent, -1).value().hash, before);
}

TEST_F(HashKv, KnowsADatabaseWithoutLivingKeys) {
  test::write_file(file_, test::etcd_image({test::tombstone(9, 0, "a")},
                                           {{"finishedCompactRev", test::row_key(9, 0)},
                                            {"scheduledCompactRev", test::row_key(9, 0)}})
                              .snapshot());
  EXPECT_FALSE(hash_kv(file_, read_extent(file_).value(), 9).value().has_live_keys);
}

TEST_F(HashKv, IsRefusedRatherThanMemoryTaken) {
  test::BoltImage::Pairs rows;
  for (int i = 2; i < 5'002; ++i) rows.push_back(test::row(i, 0, std::format("k{}", i), "v"));
  test::write_file(file_, test::etcd_image(rows).snapshot());
  auto extent = read_extent(file_).value();
  EXPECT_TRUE(hash_kv(file_, extent, 100, {.max_changed_keys = 5'000}));
  auto refused = hash_kv(file_, extent, 100, {.max_changed_keys = 4'999});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unavailable);
  EXPECT_TRUE(hash_kv(file_, extent, -1, {.max_changed_keys = 0})) << "needs no memory";
}

TEST_F(HashKv, TakesValuesLargerThanTheWindow) {
  const std::string large(3 << 20, 'x');
  auto rows = {test::row(2, 0, "a", large), test::row(3, 0, "b", large),
               test::row(4, 0, "a", "1", 2, 2)};
  test::write_file(file_, test::etcd_image(rows).snapshot());
  auto crc = crc32c(0, as_bytes("key"));
  for (const auto& [key, value] : rows)
    if (key != rows.begin()->first) crc = crc32c(crc32c(crc, as_bytes(key)), as_bytes(value));
  // Compacted to 3, the first row would go: its key has a later one.
  EXPECT_EQ(hash_kv(file_, read_extent(file_).value(), 3).value().hash, crc);
}

// The row of a restore that raised the revision lies behind a large one.
TEST_F(HashKv, TakesARowWithoutAValueBehindALargeOne) {
  const std::string large(3 << 20, 'x');
  const test::BoltImage::Pairs rows{test::row(2, 0, "a", large), {test::row_key(9, 0), ""}};
  test::write_file(file_, test::etcd_image(rows).snapshot());
  auto extent = read_extent(file_).value();
  EXPECT_EQ(extent.last_row, 9);
  auto crc = crc32c(0, as_bytes("key"));
  for (const auto& [key, value] : rows) crc = crc32c(crc32c(crc, as_bytes(key)), as_bytes(value));
  EXPECT_EQ(hash_kv(file_, extent, -1).value().hash, crc);
}

TEST_F(HashKv, OfADamagedFileIsAnError) {
  auto image = test::etcd_image({test::row(2, 0, "a", "1")});
  auto extent = Extent{.last_row = 2};
  image.put<uint16_t>(2, 8, 0x40);
  test::write_file(file_, image.snapshot());
  EXPECT_EQ(hash_kv(file_, extent, -1).error().code, Code::corrupt);
  EXPECT_EQ(read_extent(file_).error().code, Code::corrupt);
  test::write_file(file_, "no database");
  EXPECT_EQ(read_extent(file_).error().code, Code::corrupt);
  EXPECT_EQ(read_extent(directory_.path("none")).error().code, Code::not_found);
  EXPECT_EQ(hash_kv(directory_.path("none"), extent, -1).error().code, Code::not_found);
  test::BoltImage no_rows;
  no_rows.finish({{"meta", test::BoltImage::inline_bucket({})}});
  test::write_file(file_, no_rows.snapshot());
  auto missing = read_extent(file_);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, file_ + ": bucket 'key' is missing: no database of etcd");
  for (const auto& row :
       {test::Row{"no revision", ""}, test::Row{test::row_key(2, 0), "\x0a\x7fx"}}) {
    test::write_file(file_, test::etcd_image({row}).snapshot());
    EXPECT_EQ(read_extent(file_).error().message, file_ + ": a row of bucket 'key' cannot be read");
    EXPECT_EQ(hash_kv(file_, extent, 1).error().code, Code::corrupt);
  }
}

TEST(ChangedKeys, HoldTheLastRowOfEachKey) {
  ChangedKeys keys(5'000);
  for (int64_t i = 0; i < 10'000; ++i)
    ASSERT_TRUE(keys.add(as_bytes(std::to_string(i % 5'000)),
                         {.main = i, .sub = i % 7, .tombstone = i % 3 == 0}));
  for (int64_t i = 5'000; i < 10'000; ++i) {
    auto last = keys.last(as_bytes(std::to_string(i - 5'000)));
    ASSERT_TRUE(last);
    ASSERT_EQ(last->main, i);
    ASSERT_EQ(last->sub, i % 7);
    ASSERT_EQ(last->tombstone, i % 3 == 0);
  }
  EXPECT_FALSE(keys.last(as_bytes("none")));
  EXPECT_FALSE(keys.add(as_bytes("one more"), {}));
  EXPECT_TRUE(keys.full());
  EXPECT_FALSE(keys.add(as_bytes("0"), {}));
  EXPECT_FALSE(keys.last(as_bytes("0"))) << "nothing is known any more";
}

}  // namespace
}  // namespace snap::snapshot
