// The program against a real kube-apiserver.
#include "cli/scenes.h"
#include "support/kube_server.h"
#include "support/places.h"

namespace snap::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto kMirrors = "nodeSelectors: [etcd-snapshot.example.com/role=mirror]";

// The way of the chart, but for the pod: a service account's token and rights.
TEST(RealCluster, ShipsToNodesAndMakesEvents) {
  auto kube = test::KubeServer::start();
  test::SshServer mirror({.host = "127.0.0.2"});
  test::FakeGrpc fake(test::good_script());
  test::Agent agent;
  kube.add_node("master-2", "127.0.0.2",
                {"etcd-snapshot.example.com/role=mirror", "node-role.kubernetes.io/master="});
  auto token = kube.token_of("backup", "agent");
  kube.allow("backup", "agent", "list", "nodes");
  kube.allow("backup", "agent", "create", "events.events.k8s.io");
  agent.configure(
      {.endpoints = {fake.endpoint()},
       .more = std::format("kubernetes: {{kubeconfig: {}, events: true, namespace: backup}}\n"
                           "destinations:\n{}",
                           kube.kubeconfig_with(token),
                           test::place("mirrors", test::ssh_keys(mirror, {.hosts = kMirrors})))});
  auto done = agent.run({"run"});
  ASSERT_EQ(done.exit_code, 0) << done.text();
  EXPECT_THAT(test::outcome_of(done)["warnings"], IsEmpty());
  EXPECT_THAT(kube.kubectl({"-n", "backup", "get", "events"}),
              AllOf(HasSubstr("BackupSucceeded"), HasSubstr("copies at mirrors/master-2")));
  kube.stop();  // F-K02: the API server is down
  auto down = agent.run({"run"});
  EXPECT_EQ(down.exit_code, 0) << down.text();
  EXPECT_THAT(test::outcome_of(down)["warnings"],
              ElementsAre(HasSubstr("what it said at"), HasSubstr("no Event of this run")));
}

}  // namespace
}  // namespace snap::cli
