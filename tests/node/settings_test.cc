#include "node/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/endpoints.h"

namespace snap::node {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(StaticPod, TakesFlagsInEveryFormAndLetsThemWinOverTheEnvironment) {
  auto settings = parse_static_pod(R"(
spec:
  containers:
  - name: etcd
    command: [etcd, --data-dir=/a, --name, member, -cert-file=/c.crt]
    args: [--client-cert-auth, --key-file, /c.key]
    env:
    - {name: ETCD_DATA_DIR, value: /from-environment}
    - {name: ETCD_LISTEN_CLIENT_URLS, value: "https://127.0.0.1:2379"}
    - {name: HOME, value: /root}
    - name: ETCD_FIELD
      valueFrom: {fieldRef: {fieldPath: status.podIP}}
)",
                                   "etcd")
                      .value();
  EXPECT_EQ(settings.get("data-dir"), "/a");
  EXPECT_EQ(settings.get("name"), "member");
  EXPECT_EQ(settings.get("cert-file"), "/c.crt");
  EXPECT_EQ(settings.get("client-cert-auth"), "true");
  EXPECT_EQ(settings.get("key-file"), "/c.key");
  EXPECT_EQ(settings.get("listen-client-urls"), "https://127.0.0.1:2379");
  EXPECT_EQ(settings.get("field"), "");
}

TEST(StaticPod, ReadsAShellScriptAndPutsTheEnvironmentIn) {
  auto settings = parse_static_pod(R"(
spec:
  containers:
  - name: etcd
    command: [/bin/sh, -c]
    args:
    - |
      set -euo pipefail
      exec nice etcd \
        --data-dir="/d" --advertise-client-urls=https://${NODE_m_IP}:2379 \
        --listen-client-urls=https://${UNKNOWN}:2379 --name $(ETCD_NAME) || mv a b
    env:
    - {name: NODE_m_IP, value: "[fd00::1]"}
    - {name: ETCD_NAME, value: m}
)",
                                   "etcd")
                      .value();
  EXPECT_EQ(settings.get("data-dir"), "/d");
  EXPECT_EQ(settings.get("advertise-client-urls"), "https://[fd00::1]:2379");
  EXPECT_EQ(settings.get("listen-client-urls"), "https://${UNKNOWN}:2379");
  EXPECT_EQ(settings.get("name"), "m");
}

TEST(StaticPod, LeavesArgumentsOfOtherProgramsWhole) {
  auto pod =
      "spec: {containers: [{name: a, command: [etcd, -c, '--p=1 --q=2'], env: [{name: X, value: "
      "v}],"
      " args: [--r=$(X, --s=$X]}]}";
  auto settings = parse_static_pod(pod, "a").value();
  EXPECT_EQ(settings.get("p"), "1 --q=2");
  EXPECT_EQ(settings.get("r"), "$(X");
  EXPECT_EQ(settings.get("s"), "$X");
}

TEST(OpenshiftConfig, GivesTheFirstValueOfEachArgument) {
  auto settings = parse_openshift_config(
      "{\"apiServerArguments\": {\"encryption-provider-config\": [\"/e\", \"/f\"], \"v\": \"2\", "
      "\"none\": []}}");
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->get("encryption-provider-config"), "/e");
  EXPECT_EQ(settings->get("v"), "2");
  EXPECT_EQ(settings->get("none"), "");
  EXPECT_TRUE(parse_openshift_config("kind: X")->values.empty());
  EXPECT_EQ(parse_openshift_config("[x]").error().code, Code::invalid);
}

TEST(StaticPod, FindsTheContainerByNameOrTakesTheOnlyOne) {
  auto two = "spec: {containers: [{name: a, command: [x, --p=1]}, {name: b, command: [x, --p=2]}]}";
  EXPECT_EQ(parse_static_pod(two, "b").value().get("p"), "2");
  EXPECT_EQ(parse_static_pod(two, "c").error().message, "the pod has no container named c");
  auto one = "spec: {containers: [{name: a, command: [x, --p=1]}]}";
  EXPECT_EQ(parse_static_pod(one, "c").value().get("p"), "1");
}

TEST(StaticPod, TranslatesPathsThroughTheLongestMount) {
  auto settings = parse_static_pod(R"(
spec:
  containers:
  - name: a
    command: [x, --f=/etc/k/enc/../enc/e.yaml, --relative=e.yaml]
    volumeMounts:
    - {mountPath: /etc/k, name: k}
    - {mountPath: /etc/k/enc/, name: enc}
    - {mountPath: /etc/secret, name: secret}
  volumes:
  - {name: k, hostPath: {path: /host/k}}
  - {name: enc, hostPath: {path: /srv/enc/}}
  - {name: secret, secret: {secretName: s}}
)",
                                   "a")
                      .value();
  EXPECT_EQ(settings.file("f"), "/srv/enc/e.yaml");
  EXPECT_EQ(settings.on_host("/etc/k/enc"), "/srv/enc");
  EXPECT_EQ(settings.on_host("/etc/k/encoder"), "/host/k/encoder");
  EXPECT_EQ(settings.on_host("/etc/kube"), "/etc/kube");
  EXPECT_EQ(settings.on_host("/etc/secret/x"), "/etc/secret/x");
  EXPECT_EQ(settings.file("relative"), "");
}

struct Bad {
  std::string name, yaml;
};
void PrintTo(const Bad& bad, std::ostream* out) { *out << bad.name; }
class NoStaticPod : public testing::TestWithParam<Bad> {};
TEST_P(NoStaticPod, IsAnErrorAndNeverAnException) {
  auto settings = parse_static_pod(GetParam().yaml, "etcd");
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().code, Code::invalid);
}
INSTANTIATE_TEST_SUITE_P(Yaml, NoStaticPod,
                         testing::Values(Bad{"empty", ""}, Bad{"half", "spec: {containers: [{name"},
                                         Bad{"text", "hello"}, Bad{"list", "- a\n- b\n"},
                                         Bad{"spec_is_text", "spec: x"},
                                         Bad{"no_containers", "spec: {}"},
                                         Bad{"containers_are_text", "spec: {containers: x}"},
                                         Bad{"containers_are_scalars", "spec: {containers: [x]}"},
                                         Bad{"tab", "spec:\n\tcontainers: []"},
                                         Bad{"bad_alias", "spec: *none"},
                                         Bad{"deep", std::string(5000, '[')},
                                         Bad{"binary", std::string("\x00\xff\x01", 3)}),
                         [](const auto& test) { return test.param.name; });

TEST(StaticPod, PassesOverPartsOfTheWrongKind) {
  auto settings = parse_static_pod(
      "spec: {volumes: [x], containers: [{name: etcd, command: x, args: [[y], {a: b}, --p=1], "
      "env: [x, {name: ETCD_Q}], volumeMounts: [x, {name: v}]}]}",
      "etcd");
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->get("p"), "1");
  EXPECT_TRUE(settings->mounts.empty());
}

TEST(Environment, ReadsWhatSystemdWouldRead) {
  auto settings = parse_environment(
      "# ETCD_NAME=comment\n"
      "ETCD_DATA_DIR=\"/var/lib/etcd/default\"  # the default\n"
      "  ETCD_NAME = spaced \r\n"
      "export ETCDCTL_CACERT='/ca #1.pem'\n"
      "ETCD_LISTEN_CLIENT_URLS=http://a:1,http://b:2 # two\n"
      "OTHER=x\nnonsense\nETCD_=x\nETCDCTL_=x\nETCD_OPEN=\"no end\n");
  EXPECT_EQ(settings.get("data-dir"), "/var/lib/etcd/default");
  EXPECT_EQ(settings.get("name"), "spaced");
  EXPECT_EQ(settings.get("etcdctl-cacert"), "/ca #1.pem");
  EXPECT_EQ(settings.get("listen-client-urls"), "http://a:1,http://b:2");
  EXPECT_EQ(settings.get("open"), "no end");
  EXPECT_EQ(settings.values.size(), 5U);
}

TEST(EtcdYaml, FlattensTheTransportSections) {
  auto settings = parse_etcd_yaml(
      "data-dir: /d\nclient-transport-security: {cert-file: /c, key-file: /k}\n"
      "peer-transport-security: {cert-file: /pc, ? [a] : b}\nother: {cert-file: /no}\n"
      "\"\": x\n? [a, b]\n: x\nclient-transport-security: {\"\": x}\n");
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->values.count(""), 0U);
  EXPECT_EQ(settings->values.count("peer-"), 0U);
  EXPECT_EQ(settings->get("data-dir"), "/d");
  EXPECT_EQ(settings->get("cert-file"), "/c");
  EXPECT_EQ(settings->get("peer-cert-file"), "/pc");
  EXPECT_EQ(parse_etcd_yaml("- a").error().code, Code::invalid);
  EXPECT_EQ(parse_etcd_yaml("a: [").error().code, Code::invalid);
}

TEST(Endpoints, PreferTheLoopbackAddress) {
  EXPECT_THAT(endpoints_of_listeners("https://10.0.0.1:2379,https://127.0.0.1:2379"),
              ElementsAre("https://127.0.0.1:2379"));
  EXPECT_THAT(endpoints_of_listeners("http://localhost:2379"),
              ElementsAre("http://localhost:2379"));
  EXPECT_THAT(endpoints_of_listeners("https://[::1]:2379,https://[fd00::1]:2379"),
              ElementsAre("https://[::1]:2379"));
}

TEST(Endpoints, TurnWildcardsIntoTheLoopbackAddress) {
  EXPECT_THAT(endpoints_of_listeners("https://0.0.0.0:2379"),
              ElementsAre("https://127.0.0.1:2379"));
  EXPECT_THAT(endpoints_of_listeners("https://[::]:2379"), ElementsAre("https://[::1]:2379"));
  EXPECT_THAT(endpoints_of_listeners("https://:2379"), ElementsAre("https://127.0.0.1:2379"));
}

TEST(Endpoints, KeepOtherAddressesWhenThereIsNoLoopback) {
  EXPECT_THAT(endpoints_of_listeners(" https://10.0.0.1:2379/ , https://10.0.1.1:2379"),
              ElementsAre("https://10.0.0.1:2379", "https://10.0.1.1:2379"));
  EXPECT_THAT(endpoints_of_listeners("https://127.example.com.evil:1"),
              ElementsAre("https://127.example.com.evil:1"));
}

TEST(Endpoints, PassOverWhatIsNoHttpUrl) {
  EXPECT_THAT(endpoints_of_listeners(""), IsEmpty());
  EXPECT_THAT(endpoint_list("https://${NODE_IP}:2379,https://a:1"), ElementsAre("https://a:1"));
  EXPECT_THAT(endpoints_of_listeners("unix:///run/etcd.sock,,10.0.0.1:2379"), IsEmpty());
}

}  // namespace
}  // namespace snap::node
