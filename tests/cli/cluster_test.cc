// What the state of the cluster behind the endpoints means for a run.
#include "cli/scenes.h"

namespace snap::cli {
namespace {

using test::Agent;
using test::FakeGrpc;
using testing::HasSubstr;
using testing::IsEmpty;

// F-E16: the cluster refuses writes, which is no reason to go without a backup.
TEST(Alarm, NospaceIsWarnedOfAndTheSnapshotTaken) {
  FakeGrpc fake(test::good_script(), {.alarm = 1});
  Agent agent({.endpoints = {fake.endpoint()}});
  auto run = agent.run({"run"});
  ASSERT_EQ(run.exit_code, 0) << run.text();
  EXPECT_THAT(run.err, HasSubstr(" warn  alarm NOSPACE"));
  EXPECT_THAT(outcome_of(run)["warnings"].dump(), HasSubstr("NOSPACE"));
  auto manifest = agent.manifest_of(agent.sets()[0]);
  EXPECT_EQ(manifest["etcd"]["alarms"][0]["kind"], "NOSPACE");
  EXPECT_EQ(agent.list()[0]["proven"], true);
}

// F-E19
TEST(Endpoints, OfTwoClustersAreRefused) {
  FakeGrpc one(test::good_script());
  FakeGrpc other(test::good_script(), {.cluster_id = 0xc2, .member_id = 0xa2, .leader = 0xa2});
  Agent agent({.endpoints = {one.endpoint(), other.endpoint()}});
  auto run = agent.run({"run"});
  test::expect_failed_run(agent, run, 2, "preflight", "different cluster ids");
  EXPECT_THAT(agent.sets(), IsEmpty());
}

// A cluster restored from a snapshot has another id: its sets push out none of the old ones.
TEST(Endpoints, OfARestoredClusterBeginANewStream) {
  FakeGrpc before(test::good_script());
  FakeGrpc restored(test::good_script(), {.cluster_id = 0xc2});
  const std::string kKeepOne = "retention: {keepLast: 1, keepWithin: 0}\n";
  Agent agent({.endpoints = {before.endpoint()}, .more = kKeepOne});
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  agent.configure({.endpoints = {restored.endpoint()}, .more = kKeepOne});
  for (int i = 0; i < 2; ++i) ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  std::vector<std::string> ids;
  for (const auto& set : agent.list()) ids.push_back(set["cluster_id"]);
  EXPECT_THAT(ids, testing::ElementsAre("c2", "c1"));
}

}  // namespace
}  // namespace snap::cli
