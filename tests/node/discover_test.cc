#include "node/discover.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "support/temp_dir.h"

namespace snap::node {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string fixture(const std::string& name) { return SNAP_TEST_DATA "/node/" + name; }

Discovery look(const std::string& root, std::string_view profile = "auto") {
  return discover(Host{root}, profile).value();
}

std::vector<std::string> paths(const Discovery& found) {
  std::vector<std::string> list;
  for (const auto& root : found.resources) list.push_back(root.path);
  return list;
}

void write(const std::string& path, std::string_view content) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path) << content;
}

TEST(Kubeadm, IsRecognisedAndReadsItsManifests) {
  auto root = fixture("kubeadm");
  auto found = look(root);
  EXPECT_EQ(found.profile, "kubeadm");
  EXPECT_THAT(found.endpoints, ElementsAre("https://127.0.0.1:2379"));
  EXPECT_EQ(found.cacert, root + "/etc/kubernetes/pki/etcd/ca.crt");
  EXPECT_EQ(found.cert, root + "/etc/kubernetes/pki/etcd/healthcheck-client.crt");
  EXPECT_EQ(found.key, root + "/etc/kubernetes/pki/etcd/healthcheck-client.key");
  EXPECT_EQ(found.data_dir, root + "/var/lib/etcd");
  EXPECT_THAT(found.missing, IsEmpty());
  EXPECT_THAT(found.findings, Contains(HasSubstr("as kubeadm makes it")));
}

TEST(Kubeadm, ArchivesManifestsPkiAndTheFilesThatFlagsNameWhereverTheyLie) {
  EXPECT_THAT(
      paths(look(fixture("kubeadm"))),
      ElementsAre("/etc/kubernetes/manifests", "/etc/kubernetes/pki", "/etc/kubernetes/admin.conf",
                  "/etc/kubernetes/controller-manager.conf", "/etc/kubernetes/scheduler.conf",
                  "/srv/kubernetes/encryption/enc.yaml", "/etc/kubernetes/audit/policy.yaml"));
}

TEST(Kubeadm, NamesAFlagsFileWhoseDirectoryIsNotThere) {
  test::TempDir dir;
  write(dir.path("etc/kubernetes/manifests/kube-apiserver.yaml"),
        "spec: {containers: [{name: kube-apiserver, command: [kube-apiserver, "
        "--client-ca-file=/etc/kubernetes/pki/ca.crt]}]}");
  auto found = look(dir.path());
  ASSERT_THAT(paths(found), Contains("/etc/kubernetes/pki/ca.crt"));
  EXPECT_EQ(found.resources.back().named_by, NamedBy::flag);
  EXPECT_EQ(found.resources.back().named_in,
            "--client-ca-file in /etc/kubernetes/manifests/kube-apiserver.yaml");
  write(dir.path("etc/kubernetes/pki/ca.crt"), "x");
  EXPECT_THAT(paths(look(dir.path())), Not(Contains("/etc/kubernetes/pki/ca.crt")));
}

TEST(Kubeadm, FallsBackToTheNextClientCertificate) {
  test::TempDir dir;
  std::filesystem::copy(fixture("kubeadm"), dir.path(), std::filesystem::copy_options::recursive);
  auto pki = dir.path("etc/kubernetes/pki");
  std::filesystem::remove(pki + "/etcd/healthcheck-client.key");
  EXPECT_EQ(look(dir.path()).cert, pki + "/apiserver-etcd-client.crt");
  std::filesystem::remove(pki + "/apiserver-etcd-client.crt");
  EXPECT_EQ(look(dir.path()).cert, pki + "/etcd/server.crt");
  std::filesystem::remove(pki + "/etcd/server.crt");
  auto found = look(dir.path());
  EXPECT_EQ(found.cert, "");
  EXPECT_EQ(found.key, "");
  EXPECT_THAT(found.missing, Contains(HasSubstr("no client certificate")));
}

TEST(Kubeadm, WithEtcdElsewhereAsksTheApiServersFlags) {
  auto root = fixture("kubeadm-external-etcd");
  auto found = look(root);
  EXPECT_EQ(found.profile, "kubeadm");
  EXPECT_THAT(found.endpoints, ElementsAre("https://10.0.0.21:2379", "https://10.0.0.22:2379"));
  EXPECT_EQ(found.cacert, root + "/etc/ssl/etcd/ca.pem");
  EXPECT_EQ(found.cert, root + "/etc/ssl/etcd/apiserver.pem");
  EXPECT_EQ(found.data_dir, "");
  EXPECT_THAT(paths(found), Contains("/etc/ssl/etcd/apiserver-key.pem"));
}

TEST(Kubeadm, SaysWhatItCannotReadAndAssumesTheUsual) {
  test::TempDir dir;
  write(dir.path("etc/kubernetes/manifests/etcd.yaml"), "spec: {containers: [{name");
  auto found = look(dir.path());
  EXPECT_EQ(found.profile, "kubeadm");
  EXPECT_THAT(found.endpoints, ElementsAre("https://127.0.0.1:2379"));
  EXPECT_THAT(found.missing, Contains(HasSubstr("etcd.yaml cannot be understood: line 1")));
  EXPECT_THAT(found.findings, Contains(HasSubstr("https://127.0.0.1:2379 is assumed")));
}

TEST(Kubeadm, AskedForByNameSaysThatTheHostIsNone) {
  test::TempDir dir;
  auto found = look(dir.path(), "kubeadm");
  EXPECT_EQ(found.profile, "kubeadm");
  EXPECT_THAT(found.missing,
              Contains(HasSubstr("/etc/kubernetes/manifests/etcd.yaml is not there")));
}

TEST(Kubeadm, FollowsEtcdsConfigFileThroughTheMount) {
  test::TempDir dir;
  write(dir.path("etc/kubernetes/manifests/etcd.yaml"), R"(
spec:
  containers:
  - {name: etcd, command: [etcd, --config-file=/conf/etcd.yml, --data-dir=/ignored],
     volumeMounts: [{name: c, mountPath: /conf}]}
  volumes: [{name: c, hostPath: {path: /etc/etcd}}]
)");
  write(dir.path("etc/etcd/etcd.yml"),
        "data-dir: /srv/etcd\nlisten-client-urls: http://127.0.0.1:4001\n");
  auto found = look(dir.path());
  EXPECT_THAT(found.endpoints, ElementsAre("http://127.0.0.1:4001"));
  EXPECT_EQ(found.data_dir, dir.path("srv/etcd"));
  EXPECT_EQ(found.cacert, "");
}

TEST(Plain, ReadsKubespraysEnvironmentFile) {
  auto root = fixture("plain-kubespray");
  auto found = look(root);
  EXPECT_EQ(found.profile, "plain");
  EXPECT_THAT(found.endpoints, ElementsAre("https://127.0.0.1:2379"));
  EXPECT_EQ(found.cacert, root + "/etc/ssl/etcd/ssl/ca.pem");
  EXPECT_EQ(found.cert, root + "/etc/ssl/etcd/ssl/admin-node1.pem");
  EXPECT_EQ(found.key, root + "/etc/ssl/etcd/ssl/admin-node1-key.pem");
  EXPECT_EQ(found.data_dir, root + "/var/lib/etcd");
  EXPECT_THAT(paths(found), ElementsAre("/etc/etcd.env", "/etc/ssl/etcd/ssl/ca.pem",
                                        "/etc/ssl/etcd/ssl/member-node1.pem",
                                        "/etc/ssl/etcd/ssl/member-node1-key.pem"));
}

TEST(Plain, ReadsEtcdsYamlFile) {
  auto root = fixture("plain-yaml");
  auto found = look(root);
  EXPECT_THAT(found.endpoints, ElementsAre("https://127.0.0.1:2379"));
  EXPECT_EQ(found.cacert, root + "/etc/etcd/tls/ca.crt");
  EXPECT_EQ(found.cert, root + "/etc/etcd/tls/server.crt");
  EXPECT_EQ(found.data_dir, root + "/srv/etcd/data");
  EXPECT_THAT(paths(found), Contains("/etc/etcd/tls/peer.key"));
}

TEST(Plain, AssumesDebiansDefaultsWhereAllIsComment) {
  auto found = look(fixture("plain-debian"));
  EXPECT_EQ(found.profile, "plain");
  EXPECT_THAT(found.endpoints, ElementsAre("http://127.0.0.1:2379"));
  EXPECT_EQ(found.data_dir, fixture("plain-debian") + "/var/lib/etcd/default");
  EXPECT_EQ(found.cert, "");
}

TEST(Plain, OnAnEmptyHostExplainsItself) {
  test::TempDir dir;
  auto found = look(dir.path());
  EXPECT_EQ(found.profile, "plain");
  EXPECT_THAT(found.endpoints, ElementsAre("http://127.0.0.1:2379"));
  EXPECT_THAT(found.resources, IsEmpty());
  EXPECT_THAT(found.missing, Contains(HasSubstr("/etc/default/etcd")));
}

TEST(Discover, LooksAtNothingWithTheProfileNone) {
  auto found = look(fixture("kubeadm"), "none");
  EXPECT_EQ(found.profile, "none");
  EXPECT_THAT(found.endpoints, IsEmpty());
  EXPECT_THAT(found.resources, IsEmpty());
}

TEST(Discover, RefusesAProfileItDoesNotKnow) {
  auto found = discover(Host{}, "minikube\n");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::invalid);
  EXPECT_EQ(found.error().message, "no such profile: minikube\\n");
  EXPECT_THAT(found.error().hint, HasSubstr("kubeadm"));
}

TEST(Discover, KeepsControlBytesOfAManifestOutOfItsSentences) {
  test::TempDir dir;
  write(dir.path("etc/kubernetes/manifests/etcd.yaml"),
        "spec: {containers: [{name: etcd, command: [\"--data-dir=/a\\n\\e[31m\"]}]}");
  for (const auto& sentence : look(dir.path()).findings)
    EXPECT_EQ(sentence.find_first_of("\n\x1b"), std::string::npos) << sentence;
}

TEST(NodeName, IsTheHostName) { EXPECT_FALSE(node_name().empty()); }

}  // namespace
}  // namespace snap::node
