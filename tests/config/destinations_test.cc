// The list `destinations`: what it gives, and what is said about one that is wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <format>

#include "config/config.h"

namespace snap::config {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kHead =
    "cluster: prod-east\n"
    "local: {directory: /var/lib/etcd-snapshot}\n"
    "destinations:\n";

Result<Config> read(std::string_view list) {
  return parse(std::string(kHead) + std::string(list), "c.yaml", {}, Need::sets);
}

TEST(Destinations, ReadsAnNfsExport) {
  auto config = read(R"(
- name: nas
  type: nfs
  url: nfs://10.0.0.5:2050/exports/etcd/
  directory: /clusters/east/
  version: 3
  uid: 1000650000
  gid: 1001
  mountPort: 635
  stallTimeout: 20s
  prune: false
)");
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_EQ(config->destinations.size(), 1U);
  const auto& place = config->destinations[0];
  EXPECT_EQ(place.name, "nas");
  EXPECT_EQ(place.type(), "nfs");
  EXPECT_EQ(place.stall_timeout, 20s);
  EXPECT_FALSE(place.prune);
  EXPECT_EQ(place.origin, "c.yaml:5");
  const auto& nfs = std::get<NfsPlace>(place.place);
  EXPECT_EQ(nfs.server, "10.0.0.5");
  EXPECT_EQ(nfs.port, 2050);
  EXPECT_EQ(nfs.path, "/exports/etcd");
  EXPECT_EQ(nfs.directory, "clusters/east");
  EXPECT_EQ(nfs.version, 3U);
  EXPECT_EQ(nfs.uid, 1000650000U);
  EXPECT_EQ(nfs.gid, 1001U);
  EXPECT_EQ(nfs.mount_port, 635);
}

TEST(Destinations, TakesTheRootOfAServerForAnExport) {
  for (const auto* url : {"nfs://10.0.0.5/", "nfs://10.0.0.5//"}) {
    auto config =
        read(std::format("- {{name: nas, type: nfs, url: \"{}\", directory: etcd}}\n", url));
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(std::get<NfsPlace>(config->destinations[0].place).path, "/");
  }
}

TEST(Destinations, ReadsMirrors) {
  auto config = read(R"(
- {name: mirrors, type: ssh, hosts: [master-1, 10.0.0.7], port: 2222, user: backup, directory: /sets/,
   privateKeyFile: /keys/private, passphraseFile: /keys/pass, knownHostsFile: /keys/known_hosts}
)");
  ASSERT_TRUE(config) << config.error().message;
  const auto& ssh = std::get<SshPlace>(config->destinations.at(0).place);
  EXPECT_THAT(ssh.hosts, ElementsAre("master-1", "10.0.0.7"));
  EXPECT_EQ(ssh.port, 2222);
  EXPECT_EQ(ssh.user, "backup");
  EXPECT_EQ(ssh.directory, "/sets");
  EXPECT_EQ(ssh.private_key_file, "/keys/private");
  EXPECT_EQ(ssh.passphrase_file, "/keys/pass");
  EXPECT_EQ(ssh.known_hosts_file, "/keys/known_hosts");
  EXPECT_FALSE(ssh.accept_new_host_keys);
}

TEST(Destinations, ReadsMirrorsThatAreNodes) {
  auto config = read(R"(
- {name: mirrors, type: ssh, nodeSelectors: [etcd-snapshot.example.com/role=mirror, "a in (b, c),!d"],
   anyNode: true, baseDomain: .east.example.com, user: core, directory: /sets,
   privateKeyFile: /keys/private, knownHostsFile: /keys/known_hosts}
)");
  ASSERT_TRUE(config) << config.error().message;
  const auto& ssh = std::get<SshPlace>(config->destinations.at(0).place);
  EXPECT_THAT(ssh.hosts, ElementsAre());
  EXPECT_THAT(ssh.node_selectors,
              ElementsAre("etcd-snapshot.example.com/role=mirror", "a in (b, c),!d"));
  EXPECT_TRUE(ssh.any_node);
  EXPECT_EQ(ssh.base_domain, "east.example.com");
}

TEST(Destinations, ReadsAPersistentVolume) {
  auto config = read("- {name: nas, type: nfs, persistentVolume: etcd-snapshot.v1}\n");
  ASSERT_TRUE(config) << config.error().message;
  const auto& nfs = std::get<NfsPlace>(config->destinations.at(0).place);
  EXPECT_EQ(nfs.persistent_volume, "etcd-snapshot.v1");
  EXPECT_EQ(nfs.server, "");
}

TEST(Destinations, ReadsABucket) {
  auto config = read(R"(
- name: offsite
  type: s3
  endpoint: https://s3.example.com/
  region: eu-west-3
  bucket: etcd
  prefix: prod-east
  addressing: virtual
  accessKeyFile: /s3/access
  secretKeyFile: /s3/secret
  sessionTokenFile: ""
  caFile: /s3/ca.crt
  proxy: http://proxy:3128
  encryption: sse-kms
  kmsKeyId: arn:aws:kms:key/1
)");
  ASSERT_TRUE(config) << config.error().message;
  const auto& s3 = std::get<S3Place>(config->destinations.at(0).place);
  EXPECT_EQ(s3.endpoint, "https://s3.example.com");
  EXPECT_EQ(s3.region, "eu-west-3");
  EXPECT_EQ(s3.prefix, "prod-east/");
  EXPECT_FALSE(s3.path_style);
  EXPECT_EQ(s3.encryption, S3Encryption::sse_kms);
  EXPECT_EQ(s3.kms_key_id, "arn:aws:kms:key/1");
  EXPECT_EQ(s3.proxy, "http://proxy:3128");
}

TEST(Destinations, KeepsTheOrderOfTheFile) {
  auto config = read(
      "- {name: b, type: nfs, url: \"nfs://a/x\"}\n"
      "- {name: a, type: nfs, url: \"nfs://a/y\"}\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->destinations.at(0).name, "b");
  EXPECT_EQ(config->destinations.at(1).name, "a");
}

TEST(Destinations, AnEmptyListIsNone) {
  EXPECT_TRUE(read("").value().destinations.empty());
  EXPECT_TRUE(read("  []\n").value().destinations.empty());
}

struct Case {
  std::string name, list, says;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
class DestinationsTable : public testing::TestWithParam<Case> {};

TEST_P(DestinationsTable, Refuses) {
  auto config = read(GetParam().list);
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, Code::invalid);
  EXPECT_THAT(describe(config.error()), HasSubstr(GetParam().says));
  EXPECT_THAT(describe(config.error()), testing::Not(HasSubstr("canary")));
}

const std::string kNas = "- {name: nas, type: nfs, url: \"nfs://a/x\"";
const std::string kBucket =
    "- {name: s, type: s3, endpoint: \"https://s3\", bucket: etcd, accessKeyFile: /a, "
    "secretKeyFile: /b";
const std::string kMirrors =
    "- {name: m, type: ssh, hosts: [h], user: u, directory: /d, privateKeyFile: /k";
const std::string kNodes =
    "- {name: m, type: ssh, user: u, directory: /d, privateKeyFile: /k, knownHostsFile: /h";

INSTANTIATE_TEST_SUITE_P(
    Rows, DestinationsTable,
    testing::Values(
        Case{"no_list", "  nas: {}\n", "c.yaml:3: destinations must be a list"},
        Case{"text", "- nas\n", "c.yaml:4: a destination must be a section"},
        Case{"no_type", "- {name: nas}\n", "destination nas: type is missing"},
        Case{"unknown_type", "- {name: nas, type: nsf}\n", "did you mean nfs?"},
        Case{"no_name", "- {type: nfs, url: \"nfs://a/x\"}\n", "name is missing"},
        Case{"name_local", "- {name: local, type: nfs, url: \"nfs://a/x\"}\n",
             "is the name of the local directory"},
        Case{"bad_name", "- {name: N_1, type: nfs, url: \"nfs://a/x\"}\n",
             "is not a name for a destination"},
        Case{"no_url", "- {name: nas, type: nfs}\n", "destination nas: url is missing"},
        Case{"owner", kNas + ", uid: 2147483648}\n", "is not a number from 0 to 2147483647"},
        Case{"owner_by_name", kNas + ", gid: nobody}\n", "is not a number from 0 to"},
        Case{"url_and_volume", kNas + ", persistentVolume: v}\n",
             "url and persistentVolume are both given"},
        Case{"volume_name", "- {name: nas, type: nfs, persistentVolume: a/b}\n",
             "is not the name of a Kubernetes object"},
        Case{"hosts_and_nodes", kMirrors + ", knownHostsFile: /h, nodeSelectors: [a=b]}\n",
             "hosts and nodeSelectors are both given"},
        Case{"hosts_nor_nodes",
             "- {name: m, type: ssh, user: u, directory: /d, privateKeyFile: /k, "
             "knownHostsFile: /h}\n",
             "in a cluster, nodeSelectors can stand in its place"},
        Case{"any_node_of_hosts", kMirrors + ", knownHostsFile: /h, anyNode: true}\n",
             "anyNode without nodeSelectors"},
        Case{"domain_of_hosts", kMirrors + ", knownHostsFile: /h, baseDomain: a.b}\n",
             "baseDomain without nodeSelectors"},
        Case{"empty_selector", kNodes + ", nodeSelectors: [\"\"]}\n", "is not a label selector"},
        Case{"selector_signs", kNodes + ", nodeSelectors: [\"a=b&limit=1\"]}\n",
             "is not a label selector"},
        Case{"selector_excludes", kNodes + ", nodeSelectors: [\"!a, b!=c\"]}\n",
             "only excludes nodes"},
        Case{"selector_excludes_several", kNodes + ", nodeSelectors: [\"a notin (b, c)\"]}\n",
             "only excludes nodes"},
        Case{"one_label_twice", kNodes + ", nodeSelectors: [a=b, a=b]}\n", "the same place as m"},
        Case{"no_path", "- {name: nas, type: nfs, url: \"nfs://a\"}\n",
             "lacks the server or the path"},
        Case{"other_scheme", "- {name: nas, type: nfs, url: \"https://a/x\"}\n",
             "is not an NFS address"},
        // F-C04: a secret in an address
        Case{"nfs_password", "- {name: nas, type: nfs, url: \"nfs://u:canary@a/x\"}\n",
             "holds more than a server and a path"},
        Case{"s3_password",
             "- {name: s, type: s3, endpoint: \"https://k:canary@s3\", bucket: etcd, "
             "accessKeyFile: /a, "
             "secretKeyFile: /b}\n",
             "carries a user or a password"},
        // F-C04: a secret in place of its file
        Case{"secret_value", kBucket + ", secretKey: canary}\n", "use secretKeyFile"},
        Case{"secret_as_path",
             "- {name: s, type: s3, endpoint: \"https://s3\", bucket: etcd, accessKeyFile: /a, "
             "secretKeyFile: canary}\n",
             "is not an absolute path"},
        Case{"version", kNas + ", version: 2}\n", "version: \"2\" is not one of 3, 4"},
        Case{"slip", kNas + ", versoin: 3}\n", "did you mean version?"},
        Case{"key_of_another_type", kNas + ", bucket: b}\n", "unknown key bucket"},
        Case{"port", kMirrors + ", knownHostsFile: /h, port: 70000}\n", "is not a port"},
        Case{"no_hosts",
             "- {name: m, type: ssh, hosts: [], user: u, directory: /d, privateKeyFile: /k, "
             "knownHostsFile: /h}\n",
             "hosts is empty"},
        Case{"hosts_no_list",
             "- {name: m, type: ssh, hosts: h, user: u, directory: /d, privateKeyFile: /k, "
             "knownHostsFile: /h}\n",
             "hosts must be a list"},
        Case{"no_known_hosts", kMirrors + "}\n", "knownHostsFile is missing"},
        Case{"policy", kMirrors + ", hostKeyPolicy: no}\n", "is not one of strict, accept-new"},
        Case{"policy_slip", kMirrors + ", hostKeyPolicy: accept_new}\n",
             "did you mean accept-new?"},
        Case{"bucket",
             "- {name: s, type: s3, endpoint: \"https://s3\", bucket: A/b, accessKeyFile: /a, "
             "secretKeyFile: /b}\n",
             "is not a bucket name"},
        Case{"prefix", kBucket + ", prefix: a/../b}\n", "begins with a dot"},
        Case{"kms_key", kBucket + ", kmsKeyId: k}\n", "kmsKeyId without encryption: sse-kms"},
        Case{"bool", kNas + ", prune: no}\n", "is neither true nor false"},
        // F-C02
        Case{"one_name", kNas + "}\n- {name: nas, type: nfs, url: \"nfs://b/x\"}\n",
             "two destinations are named nas"},
        Case{"one_place", kNas + "}\n- {name: other, type: nfs, url: \"nfs://a/x/\"}\n",
             "destination other is the same place as nas"},
        Case{"one_mirror_twice",
             "- {name: m, type: ssh, hosts: [h, h], user: u, directory: /d, privateKeyFile: /k, "
             "knownHostsFile: /h}\n",
             "the same place as m"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace snap::config
