// The room against a real kube-apiserver. Starting one takes seconds: one test looks at everything.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "kube/events.h"
#include "kube/mirrors.h"
#include "kube/volumes.h"
#include "support/kube_server.h"

namespace snap::kube {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr auto kMirror = "etcd-snapshot.example.com/role=mirror";
constexpr auto kControlPlane = "node-role.kubernetes.io/control-plane=";

Client client_of(Result<Access> access) {
  if (!access) throw std::runtime_error(describe(access.error()));
  return Client(std::move(*access), {.user_agent = "etcd-snapshot/test", .limits = {}, .stop = {}});
}

Client in_pod(const test::KubeServer& server, const std::string& directory) {
  auto port = std::to_string(server.port());
  return client_of(in_cluster(
      [&](const char* name) -> const char* {
        if (name == std::string_view("KUBERNETES_SERVICE_HOST")) return "127.0.0.1";
        return name == std::string_view("KUBERNETES_SERVICE_PORT") ? port.c_str() : nullptr;
      },
      directory));
}

std::vector<std::string> names(const std::vector<Node>& nodes) {
  std::vector<std::string> all;
  for (const auto& node : nodes) all.push_back(node.name);
  return all;
}

void expect_nodes(Client& client) {
  auto nodes = list_nodes(client, kMirror);
  ASSERT_TRUE(nodes) << describe(nodes.error());
  EXPECT_THAT(names(*nodes), ElementsAre("master-1", "master-2", "worker-1"));
  EXPECT_THAT((*nodes)[0].internal_ips, ElementsAre("10.0.0.11"));
  EXPECT_EQ((*nodes)[0].ready, true);
  EXPECT_EQ((*nodes)[1].ready, std::nullopt) << "status Unknown";
  EXPECT_TRUE((*nodes)[0].control_plane);
  EXPECT_FALSE((*nodes)[2].control_plane);
  auto none = list_nodes(client, "etcd-snapshot.example.com/role in (other)");
  ASSERT_TRUE(none) << describe(none.error());
  EXPECT_TRUE(none->empty());
  auto wrong = list_nodes(client, "a in (");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Code::invalid) << describe(wrong.error());
}

void expect_volumes(const test::KubeServer& server, Client& client) {
  auto volume = [&](const char* name, const nlohmann::json& source) {
    nlohmann::json object = {
        {"apiVersion", "v1"},
        {"kind", "PersistentVolume"},
        {"metadata", {{"name", name}}},
        {"spec", {{"capacity", {{"storage", "1Gi"}}}, {"accessModes", {"ReadWriteMany"}}}}};
    object["spec"].update(source);
    server.kubectl({"create", "-f", "-"}, object.dump());
  };
  volume("intree", {{"nfs", {{"server", "10.0.0.5"}, {"path", "/exports/etcd"}}}});
  volume(
      "driver",
      {{"csi",
        {{"driver", "nfs.csi.k8s.io"},
         {"volumeHandle", "one"},
         {"volumeAttributes", {{"server", "nas"}, {"share", "/exports/"}, {"subDir", "etcd"}}}}}});
  volume("disk", {{"hostPath", {{"path", "/x"}}}});
  auto intree = nfs_volume(client, "intree");
  ASSERT_TRUE(intree) << describe(intree.error());
  EXPECT_EQ(intree->server + intree->path, "10.0.0.5/exports/etcd");
  auto driver = nfs_volume(client, "driver");
  ASSERT_TRUE(driver) << describe(driver.error());
  EXPECT_EQ(driver->server + driver->path, "nas/exports/etcd");
  auto disk = nfs_volume(client, "disk");
  ASSERT_FALSE(disk);
  EXPECT_THAT(describe(disk.error()), HasSubstr("PersistentVolume disk is no NFS export"));
  auto missing = nfs_volume(client, "missing");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::not_found);
}

void expect_events(const test::KubeServer& server, Client& client) {
  Event event{.name_space = "backup",
              .api_version = "batch/v1",
              .kind = "Job",
              .name = "nightly-1",
              .uid = "5c1f6a0e-0000-0000-0000-000000000001",
              .warning = true,
              .reason = "BackupFailed",
              .action = "Backup",
              // Longer than an event may be, with bytes that are no UTF-8.
              .note = "etcd \xff " + std::string(2000, 'x'),
              .instance = std::string(300, 'n')};
  auto now = std::chrono::system_clock::now();
  auto made = create_event(client, event, now);
  ASSERT_TRUE(made) << describe(made.error());
  EXPECT_TRUE(create_event(client, event, now)) << "a repeat is no error";
  event.api_version = "v1";
  event.kind = "Namespace";
  event.name = "backup";
  event.uid.clear();
  auto of_namespace = create_event(client, event, now);
  EXPECT_TRUE(of_namespace) << describe(of_namespace.error());
  auto listed = nlohmann::json::parse(
      server.kubectl({"-n", "backup", "get", "events.events.k8s.io", "-o", "json"}));
  ASSERT_EQ(listed["items"].size(), 2U);
  EXPECT_EQ(listed["items"][0]["reason"], "BackupFailed");
}

TEST(RealServer, AnswersWhatBackupsAsk) {
  auto server = test::KubeServer::start();
  server.add_node("master-1", "10.0.0.11", {kMirror, kControlPlane});
  server.add_node("master-2", "10.0.0.12", {kMirror, kControlPlane}, "Unknown");
  server.add_node("worker-1", "10.0.0.21", {kMirror});
  server.add_node("worker-2", "10.0.0.22", {});
  auto admin = client_of(from_kubeconfig(server.admin_kubeconfig()));
  expect_nodes(admin);
  expect_volumes(server, admin);

  // A pod's service account: first without rights, then with each that is named in the refusal.
  auto mounted = server.service_account_with(server.token_of("backup", "agent"), "backup");
  auto pod = in_pod(server, mounted);
  EXPECT_EQ(pod.access().name_space, "backup");
  auto refused = list_nodes(pod, kMirror);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::denied);
  EXPECT_THAT(describe(refused.error()),
              testing::AllOf(HasSubstr("list nodes: status 403"), HasSubstr("backup:agent"),
                             HasSubstr("ClusterRole that allows list on nodes")));
  auto events = may_create_events(pod, "backup");
  ASSERT_FALSE(events);
  EXPECT_EQ(events.error().code, Code::denied);
  server.allow("backup", "agent", "list", "nodes");
  server.allow("backup", "agent", "create", "events.events.k8s.io");
  ASSERT_TRUE(test::wait_until([&] { return list_nodes(pod, kMirror).has_value(); }));
  EXPECT_TRUE(test::wait_until([&] { return may_create_events(pod, "backup").has_value(); }));
  expect_events(server, pod);

  // F-K02: a token that is not accepted is read again, once.
  test::write_file(mounted + "/token", "no-token-of-this-cluster");
  auto late = in_pod(server, mounted);
  auto expired = list_nodes(late, kMirror);
  ASSERT_FALSE(expired);
  EXPECT_THAT(describe(expired.error()), HasSubstr("has the token expired?"));
  server.service_account_with(server.token_of("backup", "agent"), "backup");
  EXPECT_TRUE(list_nodes(late, kMirror)) << "the new token is in the file";
}

}  // namespace
}  // namespace snap::kube
