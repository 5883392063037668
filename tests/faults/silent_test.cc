// Members of whom nothing is heard, and names that lead nowhere, in a network of its own.
#include "cli/scenes.h"
#include "faults/net_space.h"
#include "support/outcome.h"

namespace snap::faults {
namespace {

using namespace std::chrono_literals;
using test::Agent;
using test::Before;
using test::EtcdCluster;
using test::FakeGrpc;
using testing::HasSubstr;

test::Finished run_in(const Agent& agent, const std::vector<std::string>& launcher) {
  auto command = agent.command({"run"});
  command.argv.insert(command.argv.begin(), launcher.begin(), launcher.end());
  return agent.run(command);
}

// F-E01 and F-E03: packets and questions that vanish cost one connect limit (10 s), not the
// kernel's two minutes and not the resolver's.
TEST(NoEndpoint, AnswersOutOfABlackHole) {
  NetSpace space;
  FakeGrpc fake(test::good_script());
  Agent agent({.endpoints = {fake.endpoint()}});
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  Before before(agent);
  std::vector<std::string> dead = {"http://" + NetSpace::black_hole(2) + ":2379",
                                   "http://" + NetSpace::black_hole(3) + ":2379",
                                   "http://silent.example:2379"};
  agent.configure({.endpoints = dead});
  auto run = run_in(agent, space.launcher_with_names());
  auto expected = test::fails(3).in("preflight").within(14s);
  for (const auto& endpoint : dead)
    expected = std::move(expected).saying(endpoint + ": no connection within 10 s");
  EXPECT_GT(run.wall_seconds, 9);
  EXPECT_GT(space.questions(), 0);
  expect_outcome(agent, before, run, expected, [&] {
    agent.configure({.endpoints = {fake.endpoint()}});
    return agent.run({"run"});
  });
}

// F-E02 and F-E03: one good endpoint among the dead is enough, after one connect limit for all.
TEST(OneGoodEndpoint, IsFoundAmongTheDead) {
  NetSpace space;
  auto cluster = EtcdCluster::start({.launcher = space.launcher()});
  std::vector<std::string> endpoints = {
      "http://127.0.0.1:" + std::to_string(test::free_ports(1)[0]),
      "http://" + NetSpace::black_hole(2) + ":2379", "http://" + NetSpace::black_hole(3) + ":2379",
      "http://silent.example:2379", "http://nx.example:2379"};
  auto expected = test::succeeds().within(14s);
  for (const auto& endpoint : endpoints) expected = std::move(expected).warning(endpoint + ": ");
  endpoints.push_back(cluster.endpoints()[0]);
  Agent agent({.endpoints = endpoints});
  Before before(agent);
  auto run = run_in(agent, space.launcher_with_names());
  expect_outcome(agent, before, run, expected);
  EXPECT_THAT(run.err, HasSubstr("http://nx.example:2379: cannot resolve nx.example"));
}

// F-E03: a name that does not exist is said at once.
TEST(Names, ThatDoNotExistAreSaidAtOnce) {
  NetSpace space;
  Agent agent({.endpoints = {"http://nx.example:2379"}});
  Before before(agent);
  auto run = run_in(agent, space.launcher_with_names());
  FakeGrpc fake(test::good_script());
  expect_outcome(agent, before, run,
                 test::fails(3).in("preflight").saying("cannot resolve nx.example").within(5s),
                 [&] {
                   agent.configure({.endpoints = {fake.endpoint()}});
                   return agent.run({"run"});
                 });
}

}  // namespace
}  // namespace snap::faults
