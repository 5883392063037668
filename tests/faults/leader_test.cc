// A cluster that has lost its leader.
#include "cli/scenes.h"
#include "support/outcome.h"

namespace snap::faults {
namespace {

using namespace std::chrono_literals;
using test::Agent;
using test::AgentSetup;
using test::Before;
using test::EtcdCluster;
using test::wait_until;
using testing::HasSubstr;

// F-E04: `run` refuses, `save` takes what there is.
TEST(NoLeader, IsNoReasonToGoWithoutAFile) {
  auto cluster = EtcdCluster::start({.members = 3});
  cluster.ctl({"put", "/registry/pods/a", "b"});
  Agent agent(AgentSetup::of(cluster));
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  Before before(agent);
  const auto& last = cluster.endpoints()[2];
  cluster.pause(0);
  cluster.pause(1);
  auto leaderless = [&] {
    auto status = cluster.ctl_at(last, {"endpoint", "status", "-w", "json"});
    return test::parsed(status)[0]["Status"].value("leader", uint64_t{0}) == 0;
  };
  ASSERT_TRUE(wait_until(leaderless, 20s));
  auto file = agent.path("last.db");
  auto saved = agent.run({"save", file, "--endpoints", last});
  EXPECT_THAT(saved.err, HasSubstr("no leader, may be behind"));
  EXPECT_EQ(saved.exit_code, 0) << saved.text();
  EXPECT_EQ(agent.run({"verify", file}).exit_code, 0);
  auto run = agent.run({"run"});
  expect_outcome(agent, before, run,
                 test::fails(3).in("preflight").saying("no leader").saying("save").within(25s),
                 [&] {
                   cluster.resume(0);
                   cluster.resume(1);
                   cluster.leader();
                   wait_until([&] { return cluster.try_ctl({"endpoint", "health"}).ok(); });
                   return agent.run({"run"});
                 });
}

}  // namespace
}  // namespace snap::faults
