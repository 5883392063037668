#include "snapshot/live_keys.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "snapshot/etcd_image.h"
#include "snapshot/rows.h"
#include "snapshot/verify.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace snap::snapshot {
namespace {

TEST(LiveKeys, CountsLikeASetInOnePassAndInMany) {
  for (uint64_t max_slots : {uint64_t{64}, uint64_t{1024}, LiveKeys::kMaxSlots}) {
    std::mt19937_64 random(max_slots);
    std::vector<std::pair<std::string, bool>> rows;
    std::set<std::string> expected;
    for (int i = 0; i < 5'000; ++i) {
      rows.emplace_back("/registry/pods/" + std::to_string(random() % 2'000), random() % 3 != 0);
      if (rows.back().second)
        expected.insert(rows.back().first);
      else
        expected.erase(rows.back().first);
    }
    LiveKeys keys(rows.size(), max_slots);
    uint64_t count = 0;
    for (uint64_t pass = 0; pass < keys.passes(); ++pass) {
      keys.begin_pass(pass);
      for (const auto& [key, put] : rows)
        put ? keys.put(as_bytes(key)) : keys.remove(as_bytes(key));
      count += keys.count();
    }
    EXPECT_EQ(count, expected.size()) << max_slots;
    EXPECT_EQ(keys.passes() > 1, max_slots < 5'000);
  }
}

// A model of etcd's store: rows by revision, as they lie in bucket `key`.
class Store {
 public:
  explicit Store(uint64_t seed) : random_(seed) {}

  void change() {
    ++revision_;
    std::set<std::string> touched;
    for (auto sub = 0, ops = static_cast<int>(1 + random_() % 3); sub < ops; ++sub) {
      auto key = "k" + std::to_string(random_() % 12);
      if (!touched.insert(key).second) continue;
      bool alive = versions_.contains(key);
      if (alive && random_() % 3 == 0) {
        versions_.erase(key);
        rows_[{revision_, sub}] = {key, 0};
      } else {
        rows_[{revision_, sub}] = {key, ++versions_[key]};
      }
    }
  }
  // `share`: how much of the work is done, 1 all of it. Rows go in order, as etcd removes them.
  void compact(double share) {
    if (scheduled_ > finished_) finish_compaction(scheduled_, 1);
    finished_ = std::max(finished_, scheduled_);
    scheduled_ = std::max<int64_t>(finished_, revision_ - static_cast<int64_t>(random_() % 8));
    finish_compaction(scheduled_, share);
    if (share >= 1) finished_ = scheduled_;
  }

  test::BoltImage::Pairs rows() const {
    test::BoltImage::Pairs pairs;
    for (const auto& [at, row] : rows_)
      pairs.emplace_back(test::row_key(at.first, at.second, row.version == 0),
                         test::key_value(row.key, row.version, row.version ? "v" : ""));
    return pairs;
  }
  test::BoltImage::Pairs meta() const {
    test::BoltImage::Pairs pairs;
    if (finished_ > 0) pairs.emplace_back("finishedCompactRev", test::row_key(finished_, 0));
    if (scheduled_ > 0) pairs.emplace_back("scheduledCompactRev", test::row_key(scheduled_, 0));
    return pairs;
  }
  // The rule of etcdutl 3.6.
  uint64_t live() const {
    std::set<std::string> keys;
    for (const auto& [at, row] : rows_)
      row.version ? (void)keys.insert(row.key) : (void)keys.erase(row.key);
    return keys.size();
  }

 private:
  struct Row {
    std::string key;
    int version;  // 0: tombstone
  };
  using At = std::pair<int64_t, int64_t>;

  void finish_compaction(int64_t until, double share) {
    std::map<std::string, At> keep;
    for (const auto& [at, row] : rows_)
      if (at.first <= until) keep[row.key] = at;
    auto stop = static_cast<int64_t>(static_cast<double>(until) * share);
    for (auto i = rows_.begin(); i != rows_.end() && i->first.first <= stop;) {
      bool kept = keep[i->second.key] == i->first;
      // A tombstone is kept at the compact revision itself only (etcd 3.4.34, 3.5.16 and newer).
      if (i->second.version == 0) kept = kept && i->first.first == until;
      i = kept ? std::next(i) : rows_.erase(i);
    }
  }

  std::mt19937_64 random_;
  std::map<At, Row> rows_;
  std::map<std::string, int> versions_;
  int64_t revision_ = 1, scheduled_ = 0, finished_ = 0;
};

TEST(Status, CountsLiveKeysAfterAnyHistoryAsEtcdutlDoes) {
  test::TempDir directory;
  auto file = directory.path("s.db");
  for (uint64_t seed = 0; seed < 400; ++seed) {
    Store store(seed);
    std::mt19937_64 random(seed);
    for (int i = 0; i < 60; ++i) {
      store.change();
      if (random() % 15 == 0) store.compact(random() % 2 ? 1 : 0.5);
    }
    if (seed % 4 == 0) store.compact(0.7);
    test::write_file(file, test::etcd_image(store.rows(), store.meta()).snapshot());
    auto report = read_status(file);
    ASSERT_TRUE(report && report->status) << seed;
    ASSERT_EQ(report->status->live_keys, store.live()) << seed;
  }
}

uint64_t live_keys_of(const test::BoltImage& image) {
  test::TempDir directory;
  test::write_file(directory.path("s.db"), image.snapshot());
  auto report = read_status(directory.path("s.db"));
  EXPECT_TRUE(report && report->status);
  return report && report->status ? report->status->live_keys : 999;
}

// Rows in a leaf that is larger than the window, one of them without a value, as the restore that
// raises revisions writes it: for etcdutl 3.6 that is one more key, of no name.
TEST(Status, CountsRowsInALeafLargerThanTheWindow) {
  const std::string large(3 << 20, 'x');
  const test::BoltImage::Pairs rows{test::row(2, 0, "a", large),
                                    test::row(3, 0, "b", large),
                                    {test::row_key(4, 0), ""},
                                    test::tombstone(5, 0, "b")};
  EXPECT_EQ(live_keys_of(test::etcd_image(rows)), 2U);
  // Counted by the table of keys.
  EXPECT_EQ(live_keys_of(test::etcd_image(rows, {{"scheduledCompactRev", test::row_key(9, 0)}})),
            2U);
}

TEST(Status, CountsNoKeysWhereOnlyTombstonesAre) {
  EXPECT_EQ(
      live_keys_of(test::etcd_image({test::tombstone(2, 0, "a"), test::tombstone(3, 0, "b")})), 0U);
}

TEST(Revision, IsSeventeenBytesOrATombstoneOfEighteen) {
  auto key = test::row_key(258, 3);
  auto revision = read_revision(as_bytes(key));
  ASSERT_TRUE(revision);
  EXPECT_EQ(revision->main, 258);
  EXPECT_EQ(revision->sub, 3);
  EXPECT_FALSE(revision->tombstone);
  EXPECT_TRUE(read_revision(as_bytes(key + "t"))->tombstone);
  for (const auto& bad :
       {std::string(), key.substr(1), key + "x", key + "tt", std::string(17, '\0')})
    EXPECT_FALSE(read_revision(as_bytes(bad))) << bad;
}

TEST(KeyValue, IsReadFromItsHeadAlone) {
  auto text = test::key_value("k", 7, std::string(5'000, 'v'));
  for (size_t head : {text.size(), size_t{100}, size_t{8}}) {
    auto value = read_key_value(as_bytes(text).first(head), text.size());
    ASSERT_TRUE(value) << head;
    EXPECT_EQ(as_text(value->key), "k");
    EXPECT_EQ(value->version, 7);
  }
  EXPECT_FALSE(read_key_value(as_bytes(text).first(100), 200));            // the value ends beyond
  EXPECT_FALSE(read_key_value(as_bytes(text).first(4), 4));                // cut in a number
  EXPECT_FALSE(read_key_value(as_bytes(std::string_view("\x03", 1)), 1));  // a group
  EXPECT_FALSE(read_key_value(as_bytes(std::string_view("\x00\x00", 2)), 2));  // field 0
  EXPECT_TRUE(read_key_value({}, 0));
  EXPECT_FALSE(read_key_value(as_bytes("\x80"), 1));          // cut in a tag
  EXPECT_FALSE(read_key_value(as_bytes("\x0a\x7fk"), 200));   // the key lies beyond
  auto overlong = "\x20" + std::string(10, '\x80') + "\x01";  // a number of 11 bytes
  EXPECT_FALSE(read_key_value(as_bytes(overlong), overlong.size()));
}

}  // namespace
}  // namespace snap::snapshot
