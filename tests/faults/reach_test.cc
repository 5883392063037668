// Members that cannot be reached: refused, badly named, with the wrong protocol.
#include "cli/scenes.h"
#include "support/outcome.h"
#include "support/proxy.h"

namespace snap::faults {
namespace {

using namespace std::chrono_literals;
using test::Agent;
using test::AgentSetup;
using test::Before;
using test::EtcdCluster;
using test::FakeGrpc;
using test::Proxy;

std::string other_scheme(const std::string& url) {
  return url.starts_with("https") ? "http" + url.substr(5) : "https" + url.substr(4);
}

std::vector<std::string> dead_endpoints() {
  std::vector<std::string> urls;
  for (int port : test::free_ports(2)) urls.push_back("http://127.0.0.1:" + std::to_string(port));
  return urls;
}

// F-E01, refused: at once, every endpoint with its cause.
TEST(NoEndpoint, AnswersWhenAllRefuse) {
  auto cluster = EtcdCluster::start({});
  Agent agent(AgentSetup::of(cluster));
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  Before before(agent);
  auto setup = AgentSetup::of(cluster);
  setup.endpoints.push_back(dead_endpoints()[0]);
  agent.configure(setup);
  cluster.stop(0);
  auto run = agent.run({"run"});
  expect_outcome(agent, before, run,
                 test::fails(3)
                     .in("preflight")
                     .saying(setup.endpoints[0] + ": connection refused")
                     .saying(setup.endpoints[1] + ": connection refused")
                     .within(5s),
                 [&] {
                   cluster.restart(0);
                   agent.configure(AgentSetup::of(cluster));
                   return agent.run({"run"});
                 });
}

// F-E03: IPv6 works in brackets only.
TEST(Names, OfIpv6NeedBrackets) {
  auto cluster = EtcdCluster::start({.host = "::1"});
  Agent agent(AgentSetup::of(cluster));
  Before none(agent);
  expect_outcome(agent, none, agent.run({"run"}), test::succeeds());
  Proxy proxy(cluster.endpoints()[0], "::1");
  Before before(agent, [&] { return proxy.connections(); });
  auto setup = AgentSetup::of(cluster);
  setup.endpoints = {"http://::1:" + std::to_string(proxy.port())};
  agent.configure(setup);
  auto run = agent.run({"run"});
  expect_outcome(agent, before, run,
                 test::refused().saying("without brackets").saying(setup.endpoints[0]));
}

// F-E22: with a real server, each scheme at the other's port.
TEST(Scheme, OfTheOtherKindIsSaidWithTheRemedy) {
  for (bool tls : {false, true}) {
    auto cluster = EtcdCluster::start({.version = tls ? "3.6" : "3.5", .tls = tls});
    auto setup = AgentSetup::of(cluster);
    Agent agent(setup);
    Before before(agent);
    setup.endpoints[0] = other_scheme(setup.endpoints[0]);
    agent.configure(setup);
    auto run = agent.run({"run"});
    expect_outcome(
        agent, before, run,
        test::fails(3).in("preflight").saying(tls ? "write https://" : "write http://").within(5s),
        [&] {
          agent.configure(AgentSetup::of(cluster));
          return agent.run({"run"});
        });
  }
}

// F-E22: something in front of etcd that passes Status on, but no snapshot.
TEST(SomethingInFront, IsToldByItsHttpStatus) {
  struct Case {
    test::SnapshotScript script;
    std::string cause, hint;
  };
  FakeGrpc fake(test::good_script());
  Agent agent({.endpoints = {fake.endpoint()}});
  for (const auto& c :
       {Case{{.grpc_status = 12, .grpc_message = "unknown service"}, "unknown service", "proxy"},
        Case{{.http_status = 502}, "HTTP status 502", "in front of etcd"},
        Case{{.http_status = 415}, "HTTP status 415", "2379"}}) {
    Before before(agent);
    fake.play(c.script);
    auto run = agent.run({"run"});
    expect_outcome(agent, before, run, test::fails(3).in("take").saying(c.cause).saying(c.hint),
                   [&] {
                     fake.play(test::good_script());
                     return agent.run({"run"});
                   });
  }
}

}  // namespace
}  // namespace snap::faults
