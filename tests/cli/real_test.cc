// The program against real etcd servers of the three lines: what it takes, the stock tools agree
// with and restore.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "support/agent.h"

namespace snap::cli {
namespace {

using test::Agent;
using test::AgentSetup;
using test::EtcdCluster;
using test::EtcdOptions;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Json = nlohmann::json;

TEST(Harness, RunsTheProgramAgainstARealServer) {
  auto cluster = EtcdCluster::start({.version = "3.6"});
  cluster.ctl({"put", "/registry/pods/a", "b"});
  Agent agent(AgentSetup::of(cluster));
  auto run = agent.run({"run"});
  ASSERT_EQ(run.exit_code, 0) << run.text();
  EXPECT_EQ(outcome_of(run)["exit_name"], "done") << run.text();
  EXPECT_THAT(agent.sets(), SizeIs(1));
  EXPECT_EQ(agent.manifest_of(agent.sets()[0])["node"], "node-1");
  EXPECT_EQ(agent.list()[0]["proven"], true);
  agent.expect_nothing_left();
}

}  // namespace
}  // namespace snap::cli
