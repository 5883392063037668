#include "support/etcd_server.h"

#include <gtest/gtest.h>

namespace snap::test {
namespace {

TEST(EtcdCluster, KeepsKeysOverARestart) {
  auto cluster = EtcdCluster::start({.version = "3.4"});
  cluster.ctl({"put", "/registry/a", "b"});
  cluster.kill(0);
  cluster.restart(0);
  EXPECT_EQ(cluster.ctl({"get", "/registry/a", "--print-value-only"}), "b\n");
}

TEST(EtcdCluster, HasThreeMembersTlsAuthAndALearner) {
  auto cluster = EtcdCluster::start(
      {.version = "3.6", .members = 3, .tls = true, .auth = true, .learner = true});
  EXPECT_GE(cluster.leader(), 0);
  cluster.fill(1);
  EXPECT_NE(cluster.ctl_at(cluster.endpoints()[1], {"member", "list"}).find("learner"),
            std::string::npos);
}

}  // namespace
}  // namespace snap::test
