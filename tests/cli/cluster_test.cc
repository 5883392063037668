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

// The configuration names no cluster: etcd's id does.
class Unnamed : public testing::Test {
 protected:
  Unnamed() { agent.configure(setup(fake)); }
  static test::AgentSetup setup(const FakeGrpc& member) {
    return {.cluster = "\"\"",
            .endpoints = {member.endpoint()},
            .more = "retention: {keepLast: 1, keepWithin: 0}\n"};
  }
  FakeGrpc fake = FakeGrpc(test::good_script(), {.cluster_id = 0xcdf818194e3a8c32});
  FakeGrpc restored = FakeGrpc(test::good_script(), {.cluster_id = 0xaaaabbbbccccdddd});
  Agent agent;
};

TEST_F(Unnamed, ClustersSetsCarryTheBeginningOfItsId) {
  for (int i = 0; i < 2; ++i) {
    auto run = agent.run({"run"});
    ASSERT_EQ(run.exit_code, 0) << run.text();
    EXPECT_EQ(outcome_of(run)["cluster"], "cluster-cdf81819");
  }
  EXPECT_THAT(agent.sets(), testing::ElementsAre(testing::StartsWith("cluster-cdf81819_")));
  EXPECT_TRUE(std::filesystem::exists(agent.sets_directory() + "/.lock-cluster-cdf81819"));
  EXPECT_THAT(test::read_file(agent.metrics_file()), HasSubstr("{cluster=\"cluster-cdf81819\"}"));
  auto check = agent.run({"check"});
  EXPECT_EQ(check.exit_code, 0) << check.text();
  EXPECT_THAT(check.out, HasSubstr("the configuration names no cluster"));
}

TEST_F(Unnamed, ClustersSecondRunFindsTheLockOfTheFirst) {  // F-L16
  fake.play(test::slow_script());
  test::Process first(agent.command({"run"}));
  ASSERT_TRUE(test::wait_until([&] { return fake.requests("Snapshot") > 0; }));
  auto second = agent.run({"run"});
  EXPECT_EQ(second.exit_code, 7) << second.text();
  EXPECT_EQ(outcome_of(second)["cluster"], "cluster-cdf81819");
  first.signal(SIGTERM);
  auto ended = first.wait(std::chrono::seconds(10));
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->exit_code, 1);
  agent.expect_nothing_left();
}

TEST_F(Unnamed, ClustersFailedRunIsReportedUnderTheNameOfItsSets) {
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  auto run = agent.run({"run", "--endpoints", "http://127.0.0.1:9"});
  ASSERT_EQ(run.exit_code, 3);
  EXPECT_EQ(outcome_of(run)["cluster"], "cluster-cdf81819");
  auto metrics = test::read_file(agent.metrics_file());
  EXPECT_THAT(metrics,
              testing::AllOf(HasSubstr("last_exit_code{cluster=\"cluster-cdf81819\"} 3\n"),
                             HasSubstr("last_success_timestamp_seconds{cluster=\"cluster-cdf8")));
}

TEST_F(Unnamed, ClusterIsToldFromTheDirectoryWhereEtcdIsNotAsked) {
  for (const auto* verb : {"prune", "list"})
    EXPECT_NE(agent.run({verb}).exit_code, 0) << verb;  // there is no directory yet
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  auto set = agent.sets()[0];
  for (const auto& args : std::vector<std::vector<std::string>>{
           {"list"}, {"prune"}, {"prune", "--dry-run"}, {"pin", set}, {"unpin", set}})
    EXPECT_EQ(agent.run(args).exit_code, 0) << args[0];
  EXPECT_THAT(agent.run({"prune"}).out, HasSubstr(set));
  EXPECT_THAT(agent.run({"sync"}).err, HasSubstr("names no destination"));
}

TEST_F(Unnamed, ClustersOfOneDirectoryAreAskedAbout) {
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  agent.configure(setup(restored));
  auto run = agent.run({"run"});
  ASSERT_EQ(run.exit_code, 0) << run.text();
  EXPECT_THAT(run.err, HasSubstr("a new stream begins"));
  EXPECT_THAT(agent.sets(), testing::SizeIs(2));
  for (const auto* verb : {"prune", "sync"}) {
    auto refused = agent.run({verb});
    EXPECT_EQ(refused.exit_code, 2) << refused.text();
    EXPECT_THAT(refused.err, testing::AllOf(HasSubstr("cluster-aaaabbbb, cluster-cdf81819"),
                                            HasSubstr("--set cluster=cluster-aaaabbbb")));
  }
  auto said = agent.run({"prune", "--dry-run", "--set", "cluster=cluster-cdf81819"});
  EXPECT_EQ(said.exit_code, 0) << said.text();
  EXPECT_EQ(agent.run({"list"}).exit_code, 0);
  auto again = agent.run({"run"});
  EXPECT_THAT(again.err, testing::Not(HasSubstr("a new stream")));
}

}  // namespace
}  // namespace snap::cli
