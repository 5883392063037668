// Our numbers beside those of the real tools, over files made by real servers.
#include <gtest/gtest.h>

#include <format>
#include <nlohmann/json.hpp>
#include <string>

#include "snapshot/hash_kv.h"
#include "snapshot/verify.h"
#include "support/etcd_server.h"
#include "support/parts.h"

namespace snap::snapshot {
namespace {

using nlohmann::json;

json tool_status(const std::string& version, const std::string& tool, const std::string& file) {
  auto binary = test::part(std::format("etcd-{}/{}", version, tool), "etcd-" + version);
  auto done = test::run(
      {.argv = {binary, "snapshot", "status", file, "-w", "json"}, .env = {{"ETCDCTL_API", "3"}}});
  EXPECT_TRUE(done.ok()) << done.text();
  return json::parse(done.out, nullptr, false);
}

// Compares every number that any of the three lines of tools prints.
void expect_as_the_tools_say(const std::string& file) {
  SCOPED_TRACE(file);
  for (unsigned threads : {1, 2, 3}) {
    auto report = read_status(file, {.threads = threads});
    ASSERT_TRUE(report) << describe(report.error());
    ASSERT_TRUE(report->sound()) << describe(report->findings.front());
    const auto& status = report->status.value();
    for (const auto& [version, tool] :
         {std::pair("3.4", "etcdctl"), {"3.5", "etcdutl"}, {"3.6", "etcdutl"}}) {
      SCOPED_TRACE(version);
      auto theirs = tool_status(version, tool, file);
      ASSERT_TRUE(theirs.is_object());
      EXPECT_EQ(status.hash, theirs.value("hash", 0U));
      EXPECT_EQ(status.revision, theirs.value("revision", -1));
      EXPECT_EQ(status.total_size_bytes, theirs.value("totalSize", 0U));
      auto keys = std::string(version) == "3.6" ? status.live_keys : status.total_keys;
      EXPECT_EQ(keys, theirs.value("totalKey", 0U));
      if (theirs.contains("version")) {
        EXPECT_EQ(status.storage_version, theirs.value("version", "?"));
      }
    }
  }
}

json hash_kv_of(const test::EtcdCluster& cluster, int64_t revision) {
  auto answer =
      cluster.try_ctl({"endpoint", "hashkv", "--rev", std::to_string(revision), "-w", "json"});
  auto parsed = json::parse(answer.out, nullptr, false);
  return parsed.is_array() && answer.ok() ? parsed[0]["HashKV"] : json();
}

// What the member says about the revision of the snapshot, unless it refuses, or answers out of its
// cache what it hashed before its last compaction.
void expect_the_hash_of_its_member(const test::EtcdCluster& cluster, const std::string& file,
                                   bool must_compare = false) {
  auto extent = read_extent(file);
  ASSERT_TRUE(extent) << describe(extent.error());
  auto theirs = hash_kv_of(cluster, extent->revision());
  auto compacted = theirs.is_null() ? -2 : theirs.value("compact_revision", int64_t{0});
  ASSERT_FALSE(must_compare && compacted < extent->compacted()) << theirs;
  if (compacted < extent->compacted()) return;
  for (unsigned threads : {1, 2}) {
    auto ours = hash_kv(file, *extent, compacted, {.threads = threads});
    ASSERT_TRUE(ours) << describe(ours.error());
    EXPECT_TRUE(!ours->has_live_keys || ours->hash == theirs.value("hash", 0U)) << compacted;
    ASSERT_TRUE(ours->has_live_keys || !must_compare);
  }
}

void save_and_compare(const test::EtcdCluster& cluster, const std::string& name) {
  auto file = cluster.directory().path(name);
  cluster.ctl({"snapshot", "save", file});
  expect_as_the_tools_say(file);
  auto report = verify(file, {});
  ASSERT_TRUE(report) << describe(report.error());
  EXPECT_TRUE(report->sound()) << describe(report->findings.front());
  EXPECT_EQ(report->level, Level::mvcc);
  EXPECT_TRUE(report->status.has_value());
  expect_the_hash_of_its_member(cluster, file);
}

// Input of `etcdctl txn`: no compares, these requests, nothing else.
void txn(const test::EtcdCluster& cluster, const std::string& requests) {
  cluster.ctl({"txn"}, "\n" + requests + "\n\n");
}

// Some thousand small rows: a tree with more than one level of branches.
void put_many(const test::EtcdCluster& cluster, int from, int to) {
  for (int first = from; first < to; first += 100) {
    std::string requests;
    for (int i = first; i < first + 100; ++i)
      requests += std::format("put /registry/pods/ns/pod-{} {}\n", i, std::string(400, 'v'));
    txn(cluster, requests);
  }
}

int64_t revision_of(const test::EtcdCluster& cluster) {
  auto answer = json::parse(cluster.ctl({"get", "none", "-w", "json"}));
  return answer["header"]["revision"];
}

void compact(const test::EtcdCluster& cluster, int64_t revision) {
  cluster.ctl({"compact", std::to_string(revision), "--physical"});
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, StatusIsThatOfTheRealTools) {
  auto cluster = test::EtcdCluster::start({.version = GetParam()});
  save_and_compare(cluster, "empty.db");

  put_many(cluster, 0, 3000);
  cluster.ctl({"put", "large"}, std::string(5'000, 'l'));
  cluster.ctl({"put", "larger"}, std::string(300'000, 'L'));
  cluster.ctl({"put", "largest"}, std::string(1'300'000, 'X'));
  cluster.ctl({"put", "largest"}, std::string(1'200'000, 'Y'));
  txn(cluster, "put a 1\nput b 1\nput c 1\nput d \"\"\n");
  txn(cluster, "put a 2\ndel b\nput e 1\n");
  cluster.ctl({"put", "b", "again"});
  cluster.ctl({"del", "/registry/pods/ns/pod-1", "--prefix"});
  put_many(cluster, 1000, 1200);
  auto lease = cluster.ctl({"lease", "grant", "3600"});
  lease = lease.substr(6, lease.find(' ', 6) - 6);
  cluster.ctl({"put", "leased", "x", "--lease", lease});
  cluster.ctl({"role", "add", "some-role"});
  cluster.ctl({"user", "add", "some-user:canary"});
  save_and_compare(cluster, "history.db");

  compact(cluster, revision_of(cluster) - 3);
  // The member compacted since the snapshot was taken, but not past it.
  expect_the_hash_of_its_member(cluster, cluster.directory().path("history.db"), true);
  save_and_compare(cluster, "compacted.db");
  cluster.ctl({"put", "c", "2"});
  cluster.ctl({"del", "c"});
  cluster.ctl({"del", "a"});
  cluster.ctl({"put", "a", "back"});
  expect_the_hash_of_its_member(cluster, cluster.directory().path("compacted.db"), true);
  save_and_compare(cluster, "compacted-and-changed.db");
  expect_the_hash_of_its_member(cluster, cluster.directory().path("compacted-and-changed.db"),
                                true);
  cluster.ctl({"del", "e"});
  compact(cluster, revision_of(cluster));  // at a tombstone
  save_and_compare(cluster, "compacted-at-tombstone.db");
  cluster.ctl({"del", "", "--from-key"});
  save_and_compare(cluster, "all-deleted.db");
  compact(cluster, revision_of(cluster));
  save_and_compare(cluster, "all-compacted.db");
}

INSTANTIATE_TEST_SUITE_P(Lines, Golden, testing::Values("3.4", "3.5", "3.6"), [](const auto& test) {
  return test.param == "3.4" ? "etcd_3_4" : test.param == "3.5" ? "etcd_3_5" : "etcd_3_6";
});

// A restore that raises revisions schedules a compaction which the first boot carries out: until
// then, rows that it will remove are there.
TEST(Status, CountsLiveKeysWhileACompactionIsUnfinished) {
  auto cluster = test::EtcdCluster::start({.version = "3.6"});
  put_many(cluster, 0, 300);
  put_many(cluster, 100, 200);
  cluster.ctl({"del", "/registry/pods/ns/pod-2", "--prefix"});
  auto file = cluster.directory().path("s.db");
  cluster.ctl({"snapshot", "save", file});
  auto data = cluster.directory().path("restored");
  auto done =
      test::run({.argv = {cluster.binary("etcdutl"), "snapshot", "restore", file, "--data-dir",
                          data, "--bump-revision", "1000", "--mark-compacted"}});
  ASSERT_TRUE(done.ok()) << done.text();
  auto db = data + "/member/snap/db";
  expect_as_the_tools_say(db);
  auto report = read_status(db);
  ASSERT_TRUE(report && report->status);
  EXPECT_GT(report->status->scheduled_compact_revision, report->status->compact_revision);
}

TEST(Verify, SaysThatACopyOfADataDirectoryHasNoTrailer) {
  auto cluster = test::EtcdCluster::start({.version = "3.5"});
  cluster.ctl({"put", "a", "b"});
  cluster.stop(0);
  auto db = cluster.data_dir(0) + "/member/snap/db";
  auto report = verify(db, {});
  ASSERT_TRUE(report) << describe(report.error());
  ASSERT_EQ(report->findings.size(), 1U);
  EXPECT_EQ(describe(report->findings[0]),
            db +
                ": no trailer: copied from a data directory? nothing proves its bytes, and etcdutl "
                "restores it only with --skip-hash-check");
  expect_as_the_tools_say(db);
}

}  // namespace
}  // namespace snap::snapshot
