// What the members say about their cluster: alarms, learners, partitions, two clusters.
#include "cli/scenes.h"
#include "support/outcome.h"

namespace snap::faults {
namespace {

using namespace std::chrono_literals;
using test::Agent;
using test::AgentSetup;
using test::Before;
using test::EtcdCluster;
using test::FakeGrpc;
using test::wait_until;

constexpr auto kKeepOne = "retention: {keepLast: 1, keepWithin: 0s}\n";

uint64_t member_id(const EtcdCluster& cluster) {
  auto status = test::parsed(cluster.ctl({"endpoint", "status", "-w", "json"}));
  return status[0]["Status"]["header"]["member_id"].get<uint64_t>();
}

// The gateway takes what etcdctl cannot send.
void activate_alarm(const EtcdCluster& cluster, const std::string& kind) {
  auto body = std::format(R"({{"action": "ACTIVATE", "memberID": "{}", "alarm": "{}"}})",
                          member_id(cluster), kind);
  auto url = cluster.endpoints()[0] + "/v3/maintenance/alarm";
  auto sent = test::run({.argv = {"curl", "-sSf", "-X", "POST", url, "-d", body}});
  ASSERT_TRUE(sent.ok()) << sent.text();
}

class Alarms : public testing::TestWithParam<std::string> {};

// F-E16: members that disagree about the data are no source of a backup.
TEST_P(Alarms, CorruptEndsTheRun) {
  auto cluster = EtcdCluster::start({.version = GetParam()});
  auto setup = AgentSetup::of(cluster);
  setup.more = kKeepOne;
  Agent agent(setup);
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  Before before(agent);
  activate_alarm(cluster, "CORRUPT");
  auto run = agent.run({"run"});
  expect_outcome(agent, before, run,
                 test::fails(3).in("preflight").saying("CORRUPT").saying("member m0"), [&] {
                   cluster.ctl({"alarm", "disarm"});
                   return agent.run({"run"});
                 });
}

// F-E16: no room in etcd is no reason to go without a backup.
TEST_P(Alarms, NospaceIsWarnedOf) {
  auto cluster = EtcdCluster::start(
      {.version = GetParam(), .extra_flags = {"--quota-backend-bytes", "2097152"}});
  ASSERT_TRUE(wait_until(
      [&] { return !cluster.try_ctl({"put", "/registry/filler"}, std::string(500'000, 'x')).ok(); },
      30s));
  Agent agent(AgentSetup::of(cluster));
  Before before(agent);
  auto run = agent.run({"run"});
  expect_outcome(agent, before, run, test::succeeds().warning("alarm NOSPACE"));
  auto alarms = agent.manifest_of(agent.sets().at(0))["etcd"]["alarms"];
  ASSERT_EQ(alarms.size(), 1U);
  EXPECT_EQ(alarms[0]["kind"], "NOSPACE");
}

INSTANTIATE_TEST_SUITE_P(Lines, Alarms, testing::Values("3.4", "3.5", "3.6"), [](const auto& test) {
  return "v" + test.param.substr(0, 1) + test.param.substr(2);
});

// F-E17: a learner is passed over wherever it stands, and is nothing to live on.
TEST(Learner, IsPassedOver) {
  auto cluster = EtcdCluster::start({.learner = true});
  auto setup = AgentSetup::of(cluster);
  setup.endpoints.insert(setup.endpoints.begin(), cluster.learner_endpoint());
  Agent agent(setup);
  Before none(agent);
  auto good = agent.run({"run"});
  expect_outcome(agent, none, good, test::succeeds().and_others());
  EXPECT_EQ(test::outcome_of(good)["snapshot"]["endpoint"], cluster.endpoints()[0]);
  Before before(agent);
  cluster.pause(0);
  setup.endpoints = {cluster.learner_endpoint()};
  agent.configure(setup);
  auto run = agent.run({"run"});
  expect_outcome(agent, before, run,
                 test::fails(3).in("preflight").saying("only a learner answered").within(40s), [&] {
                   cluster.resume(0);
                   agent.configure(AgentSetup::of(cluster));
                   wait_until([&] { return cluster.try_ctl({"endpoint", "health"}).ok(); });
                   return agent.run({"run"});
                 });
}

// F-E17: a real member catches up within a moment, so that this one is a fake.
TEST(MemberBehind, IsTakenOnlyWhenThereIsNoOther) {
  FakeGrpc behind(test::good_script(),
                  {.member_id = 0xa1, .leader = 0xa2, .raft_index = 100, .revision = 10});
  FakeGrpc leader(test::good_script(),
                  {.member_id = 0xa2, .leader = 0xa2, .raft_index = 90'000, .revision = 60'000});
  Agent agent({.endpoints = {behind.endpoint(), leader.endpoint()}});
  Before none(agent);
  auto run = agent.run({"run"});
  expect_outcome(agent, none, run, test::succeeds());
  EXPECT_EQ(leader.requests("Snapshot"), 1);
  EXPECT_EQ(behind.requests("Snapshot"), 0);

  FakeGrpc learner(test::good_script(), {.member_id = 0xa3,
                                         .leader = 0xa2,
                                         .raft_index = 90'000,
                                         .revision = 60'000,
                                         .is_learner = true});
  agent.configure({.endpoints = {learner.endpoint(), behind.endpoint()}});
  Before before(agent);
  run = agent.run({"run"});
  expect_outcome(
      agent, before, run,
      test::succeeds().warning("is 89900 entries behind (revision 10 of 60000)").and_others());
}

// F-E18: the later term with a majority is the cluster; an old leader's side is not. Fakes: a real
// minority forgets its leader within an election.
TEST(Partition, IsDecidedByTermAndMajority) {
  FakeGrpc old(test::good_script(), {.member_id = 0xa1, .leader = 0xa1, .term = 2});
  FakeGrpc fresh(test::good_script(), {.member_id = 0xa2, .leader = 0xa2, .term = 3});
  FakeGrpc follower(test::good_script(), {.member_id = 0xa3, .leader = 0xa2, .term = 3});
  AgentSetup setup{.endpoints = {old.endpoint(), fresh.endpoint(), follower.endpoint()}};
  Agent agent(setup);
  Before none(agent);
  auto run = agent.run({"run"});
  expect_outcome(agent, none, run,
                 test::succeeds().warning("follows an older leader, left out").and_others());
  EXPECT_EQ(old.requests("Snapshot"), 0);

  Before before(agent);
  agent.configure({.endpoints = {old.endpoint(), follower.endpoint()}});
  run = agent.run({"run"});
  expect_outcome(agent, before, run,
                 test::fails(3).in("preflight").saying("no side has a majority"), [&] {
                   agent.configure(setup);
                   return agent.run({"run"});
                 });
}

// F-E19: two clusters in one list are a mistake.
TEST(TwoClusters, AreRefused) {
  auto one = EtcdCluster::start({}), other = EtcdCluster::start({.version = "3.5"});
  Agent agent(AgentSetup::of(one));
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  Before before(agent);
  auto both = AgentSetup::of(one);
  both.endpoints.push_back(other.endpoints()[0]);
  agent.configure(both);
  auto run = agent.run({"run"});
  expect_outcome(agent, before, run, test::fails(2).in("preflight").saying("different cluster ids"),
                 [&] {
                   agent.configure(AgentSetup::of(one));
                   return agent.run({"run"});
                 });
}

// F-E19: a cluster made anew is another one: its sets push out none of the old ones.
TEST(NewCluster, BeginsANewStream) {
  auto old = EtcdCluster::start({}), restored = EtcdCluster::start({});
  auto setup = AgentSetup::of(old);
  setup.more = kKeepOne;
  Agent agent(setup);
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  setup.endpoints = restored.endpoints();
  agent.configure(setup);
  Before before(agent);
  auto run = agent.run({"run"});
  expect_outcome(agent, before, run, test::succeeds().warning("a new stream begins"));
  Before again(agent);
  run = agent.run({"run"});
  expect_outcome(agent, again, run, test::succeeds());
  EXPECT_EQ(agent.sets().size(), 2U) << "the old stream's set and the newest of the new one";
  EXPECT_EQ(agent.sets()[0], before.sets()[0]);
}

}  // namespace
}  // namespace snap::faults
