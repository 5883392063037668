// What is found on each platform but kubeadm's and etcd's own; the hosts are those of
// tests/data/node.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "node/collect.h"
#include "node/discover.h"
#include "support/temp_dir.h"

namespace snap::node {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string fixture(const std::string& name) { return SNAP_TEST_DATA "/node/" + name; }

Discovery look(const std::string& root, std::string_view profile = "auto") {
  return discover(Host{root}, profile).value();
}

std::vector<std::string> paths(const Discovery& found) {
  std::vector<std::string> list;
  for (const auto& root : found.resources) list.push_back(root.path);
  return list;
}

// A copy of a fixture, to take things away from.
struct Copy {
  explicit Copy(const std::string& name) {
    fs::copy(fixture(name), dir.path(), fs::copy_options::recursive);
  }
  void remove(const std::string& path) const { fs::remove_all(dir.path(path)); }
  void write(const std::string& path, std::string_view content) const {
    fs::create_directories(fs::path(dir.path(path)).parent_path());
    std::ofstream(dir.path(path)) << content;
  }
  Discovery look() const { return node::look(dir.path()); }
  test::TempDir dir;
};

const std::string kResources = "/etc/kubernetes/static-pod-resources/";

struct Platform {
  std::string name, fixture, profile, endpoint;
  std::string cacert, cert, data_dir;  // below the fixture
  std::vector<std::string> archived;
};
void PrintTo(const Platform& p, std::ostream* out) { *out << p.name; }

class OnPlatform : public testing::TestWithParam<Platform> {};
TEST_P(OnPlatform, FindsEndpointCertificatesDataAndFiles) {
  const auto& expected = GetParam();
  auto root = fixture(expected.fixture);
  auto found = look(root);
  EXPECT_EQ(found.profile, expected.profile);
  EXPECT_THAT(found.endpoints, ElementsAre(expected.endpoint));
  EXPECT_EQ(found.cacert, root + expected.cacert);
  EXPECT_EQ(found.cert, root + expected.cert);
  EXPECT_EQ(found.data_dir, root + expected.data_dir);
  EXPECT_EQ(paths(found), expected.archived);
  EXPECT_THAT(found.missing, IsEmpty());
  EXPECT_EQ(found.no_etcd, "");
  for (const auto& resource : found.resources) EXPECT_NE(resource.use, "") << resource.path;
}

TEST_P(OnPlatform, FindsTheSameWhenAskedForByName) {
  auto root = fixture(GetParam().fixture);
  EXPECT_EQ(paths(look(root, GetParam().profile)), GetParam().archived);
}

std::vector<std::string> rancher(const std::string& name) {
  auto base = "/var/lib/rancher/" + name;
  std::vector<std::string> all = {base + "/server/tls", base + "/server/cred",
                                  base + "/server/token", base + "/server/manifests"};
  if (name == "rke2") all.push_back(base + "/agent/pod-manifests");
  all.push_back("/etc/rancher/" + name);
  if (name == "rke2") all.emplace_back("/srv/psa/rke2-pss.yaml");
  return all;
}

INSTANTIATE_TEST_SUITE_P(
    Fixtures, OnPlatform,
    testing::Values(
        Platform{
            "openshift",
            "openshift",
            "openshift",
            "https://10.0.0.10:2379",
            kResources + "etcd-certs/configmaps/etcd-all-bundles/server-ca-bundle.crt",
            kResources + "etcd-certs/secrets/etcd-all-certs/etcd-peer-master-0.crt",
            "/var/lib/etcd",
            {kResources + "kube-apiserver-pod-12", kResources + "kube-controller-manager-pod-7",
             kResources + "kube-scheduler-pod-6", kResources + "etcd-pod-9"}},
        Platform{
            "openshift_with_older_bundles_and_ipv6",
            "openshift-4.12-ipv6",
            "openshift",
            "https://[fd00:10::10]:2379",
            kResources + "etcd-certs/configmaps/etcd-serving-ca/ca-bundle.crt",
            kResources + "etcd-certs/secrets/etcd-all-certs/etcd-peer-master-0.crt",
            "/var/lib/etcd",
            {kResources + "kube-apiserver-pod-12", kResources + "kube-controller-manager-pod-7",
             kResources + "kube-scheduler-pod-6", kResources + "etcd-pod-9"}},
        Platform{"rke2", "rke2", "rke2", "https://127.0.0.1:2379",
                 "/var/lib/rancher/rke2/server/tls/etcd/server-ca.crt",
                 "/var/lib/rancher/rke2/server/tls/etcd/client.crt",
                 "/var/lib/rancher/rke2/server/db/etcd", rancher("rke2")},
        Platform{"k3s", "k3s", "k3s", "https://127.0.0.1:2379",
                 "/var/lib/rancher/k3s/server/tls/etcd/server-ca.crt",
                 "/var/lib/rancher/k3s/server/tls/etcd/client.crt",
                 "/var/lib/rancher/k3s/server/db/etcd", rancher("k3s")},
        Platform{
            "static_pods_elsewhere",
            "static-pods-elsewhere",
            "kubeadm",
            "https://127.0.0.1:2379",
            "/srv/secrets/tls/etcd-ca.pem",
            "/srv/secrets/tls/apiserver-etcd.pem",
            "/mnt/master-pd/etcd/data",
            {"/etc/kubernetes/manifests", "/etc/kubernetes/pki", "/etc/kubernetes/admin.conf",
             "/etc/kubernetes/controller-manager.conf", "/etc/kubernetes/scheduler.conf",
             "/srv/secrets/tls/etcd-ca.pem", "/srv/secrets/tls/etcd-server.pem",
             "/srv/secrets/tls/etcd-server-key.pem", "/srv/secrets/encryption/secrets.yaml",
             "/srv/secrets/tls/apiserver-etcd.pem", "/srv/secrets/tls/apiserver-etcd-key.pem"}}),
    [](const auto& test) { return test.param.name; });

struct NoEtcd {
  std::string name, fixture, profile, says, hint;
};
void PrintTo(const NoEtcd& c, std::ostream* out) { *out << c.name; }
class WithoutEtcd : public testing::TestWithParam<NoEtcd> {};
TEST_P(WithoutEtcd, SaysSoAndAssumesNoEndpoint) {
  auto found = look(fixture(GetParam().fixture));
  EXPECT_EQ(found.profile, GetParam().profile);
  EXPECT_THAT(found.endpoints, IsEmpty());
  EXPECT_EQ(found.no_etcd.substr(0, GetParam().says.size()), GetParam().says);
  EXPECT_THAT(found.no_etcd_hint, HasSubstr(GetParam().hint));
  EXPECT_THAT(found.missing, Contains(found.no_etcd));
}
INSTANTIATE_TEST_SUITE_P(Nodes, WithoutEtcd,
                         testing::Values(NoEtcd{"rke2_agent", "rke2-agent", "rke2",
                                                "this host is an RKE2 agent", "on a server"},
                                         NoEtcd{"k3s_on_sqlite", "k3s-sqlite", "k3s",
                                                "this k3s server keeps its data in SQLite",
                                                "--cluster-init"}),
                         [](const auto& test) { return test.param.name; });

TEST(K3s, WithoutAnyDatabaseOfItsOwnSaysSo) {
  Copy host("k3s-sqlite");
  host.remove("var/lib/rancher/k3s/server/db");
  EXPECT_THAT(host.look().no_etcd, HasSubstr("no etcd of its own"));
  host.remove("var/lib/rancher/k3s/server");
  EXPECT_THAT(host.look().no_etcd, HasSubstr("k3s agent"));
}

TEST(Rke2, ReadsEtcdsConfigFileWhenThePodsManifestIsGone) {
  Copy host("rke2");
  host.remove("var/lib/rancher/rke2/agent/pod-manifests");
  auto found = host.look();
  EXPECT_EQ(found.data_dir, host.dir.path("var/lib/rancher/rke2/server/db/etcd"));
  EXPECT_THAT(found.endpoints, ElementsAre("https://127.0.0.1:2379"));
}

TEST(Openshift, TakesCertificatesFromEtcdEnvWhereverThatPoints) {
  Copy host("openshift");
  auto certs = "etc/kubernetes/static-pod-resources/etcd-certs/";
  host.write(std::string(certs) + "configmaps/etcd-scripts/etcd.env",
             "export ETCDCTL_CACERT=\"/etc/kubernetes/static-pod-certs/configmaps/next/ca.crt\"\n"
             "export ETCDCTL_CERT=\"/etc/kubernetes/static-pod-certs/secrets/next/m.crt\"\n"
             "export ETCDCTL_KEY=\"/etc/kubernetes/static-pod-certs/secrets/next/m.key\"\n");
  for (const auto* file : {"configmaps/next/ca.crt", "secrets/next/m.crt", "secrets/next/m.key"})
    host.write(std::string(certs) + file, file);
  auto found = host.look();
  EXPECT_EQ(found.cacert, host.dir.path(std::string(certs) + "configmaps/next/ca.crt"));
  EXPECT_EQ(found.key, host.dir.path(std::string(certs) + "secrets/next/m.key"));
  EXPECT_THAT(found.endpoints, ElementsAre("https://10.0.0.10:2379"));
}

TEST(Openshift, WithoutManifestsTakesTheHighestRevisionsAndSaysSo) {
  Copy host("openshift");
  host.remove("etc/kubernetes/manifests");
  host.write("etc/kubernetes/static-pod-resources/etcd-pod-10/etcd-pod.yaml", "x");
  auto found = host.look();
  EXPECT_EQ(found.profile, "openshift");
  EXPECT_THAT(found.endpoints, ElementsAre("https://10.0.0.10:2379", "https://10.0.0.11:2379"));
  EXPECT_THAT(paths(found), Contains(kResources + "etcd-pod-10"));
  EXPECT_THAT(found.missing, Contains(HasSubstr("the revision with the highest number is taken, " +
                                                kResources + "etcd-pod-10")));
}

TEST(Openshift, WithoutARevisionHasAnIncompleteArchive) {
  Copy host("openshift");
  host.remove("etc/kubernetes/manifests/kube-scheduler-pod.yaml");
  host.remove("etc/kubernetes/static-pod-resources/kube-scheduler-pod-6");
  host.remove("etc/kubernetes/static-pod-resources/kube-scheduler-pod-5");
  auto found = host.look();
  EXPECT_THAT(found.missing, Contains(HasSubstr("cluster-restore.sh cannot use the archive")));
  ASSERT_THAT(paths(found), Contains(kResources + "kube-scheduler-pod-*"));
  EXPECT_EQ(found.resources.at(2).named_by, NamedBy::vendor);
}

TEST(Openshift, NamesEncryptionKeysThatLieOutsideTheRevision) {
  Copy host("openshift");
  host.write(
      "etc/kubernetes/static-pod-resources/kube-apiserver-pod-12/configmaps/config/config.yaml",
      "apiServerArguments: {encryption-provider-config: [/srv/kms/encryption.yaml]}\n");
  auto found = host.look();
  ASSERT_EQ(found.resources.size(), 5U);
  EXPECT_EQ(found.resources.back().path, "/srv/kms/encryption.yaml");
  EXPECT_EQ(found.resources.back().named_by, NamedBy::flag);
  EXPECT_THAT(found.resources.back().use, HasSubstr("no Secret"));
}

TEST(Openshift, IsNotTakenForKubeadmNorTheOtherWayRound) {
  EXPECT_EQ(look(fixture("kubeadm")).profile, "kubeadm");
  EXPECT_EQ(look(fixture("kubeadm")).vendor_directory, "");
  EXPECT_EQ(look(fixture("openshift")).vendor_directory, "/etc/kubernetes");
}

}  // namespace
}  // namespace snap::node
