// The comparison of members against real clusters of three.
#include "cli/scenes.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"

namespace snap::cli {
namespace {

using namespace std::chrono_literals;
using test::Agent;
using test::AgentSetup;
using test::EtcdCluster;
using testing::AllOf;
using testing::HasSubstr;

nlohmann::json members_of(const Agent& agent, const test::Finished& run) {
  auto set = outcome_of(run)["set"].get<std::string>();
  return agent.manifest_of(set)["proof"]["members"];
}

class Lines : public testing::TestWithParam<std::string> {};

// F-E15: a value in one member's database is changed while it is down, as a bad disk would.
TEST_P(Lines, NameTheMemberThatIsOdd) {
  auto cluster = EtcdCluster::start({.version = GetParam(), .members = 3});
  for (int i = 0; i < 30; ++i)
    cluster.ctl({"put", std::format("/registry/k{}", i % 20), std::format("value-{}", i)});
  cluster.ctl({"del", "/registry/k3"});
  auto lease = cluster.ctl({"lease", "grant", "3600"});
  cluster.ctl({"put", "/registry/leased", "x", "--lease", lease.substr(6, lease.find(' ', 6) - 6)});
  cluster.ctl({"compact", "15", "--physical"});
  cluster.ctl({"put", "/registry/k5", "VALUE-TO-BE-CHANGED"});
  Agent agent(AgentSetup::of(cluster));
  auto same = agent.run({"run", "--set", "etcd.compareMembers=require"});
  ASSERT_EQ(same.exit_code, 0) << same.text();
  EXPECT_EQ(members_of(agent, same)["result"], "passed") << same.text();

  auto odd = (cluster.leader() + 1) % 3;
  cluster.stop(odd);
  auto down = agent.run({"run"});
  EXPECT_EQ(down.exit_code, 0) << down.text();
  EXPECT_EQ(members_of(agent, down)["result"], "skipped");
  EXPECT_THAT(members_of(agent, down)["reason"].get<std::string>(),
              HasSubstr(std::format("not compared with m{}", odd)));

  auto db = cluster.data_dir(odd) + "/member/snap/db";
  auto content = test::read_file(db);
  Fd fd(::open(db.c_str(), O_RDWR | O_CLOEXEC));
  for (auto at = content.find("VALUE-TO-BE"); at != content.npos;
       at = content.find("VALUE-TO-BE", at + 1))
    ASSERT_EQ(::pwrite(fd.get(), "v", 1, static_cast<off_t>(at)), 1);
  cluster.restart(odd);
  ASSERT_TRUE(test::wait_until(
      [&] { return cluster.try_ctl({"endpoint", "health", "--cluster"}).ok(); }, 20s));
  auto differ = agent.run({"run"});
  EXPECT_EQ(differ.exit_code, 4) << differ.text();
  auto members = members_of(agent, differ);
  EXPECT_EQ(members["result"], "failed");
  EXPECT_THAT(members["reason"].get<std::string>(),
              AllOf(testing::StartsWith(std::format("m{} holds other data than ", odd)),
                    HasSubstr(" at revision ")));
}

INSTANTIATE_TEST_SUITE_P(All, Lines, testing::Values("3.4", "3.5", "3.6"), [](const auto& test) {
  return "v" + test.param.substr(0, 1) + test.param.substr(2);
});

}  // namespace
}  // namespace snap::cli
