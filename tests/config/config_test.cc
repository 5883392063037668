// What a configuration gives, and what is said about one that is wrong.
#include "config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "support/temp_dir.h"

namespace snap::config {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kMinimal =
    "cluster: prod-east\n"
    "local:\n"
    "  directory: /var/lib/etcd-snapshot\n";

std::string wrong(std::string_view text, const Overrides& overrides = {}, Need need = Need::sets) {
  auto config = parse(text, "c.yaml", overrides, need);
  return config ? "accepted" : describe(config.error());
}

TEST(Parse, FillsInTheDefaults) {
  auto config = parse(kMinimal, "c.yaml", {}, Need::sets);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->cluster, "prod-east");
  EXPECT_EQ(config->local.directory, "/var/lib/etcd-snapshot");
  EXPECT_EQ(config->local.reserve_bytes, 0u);
  EXPECT_EQ(config->etcd.profile, "auto");
  EXPECT_TRUE(config->etcd.endpoints.empty());
  EXPECT_EQ(config->etcd.stall_timeout, 60s);
  EXPECT_EQ(config->verify.level, Level::mvcc);
  EXPECT_EQ(config->etcd.compare_members, Compare::warn);
  EXPECT_EQ(config->retention.keep_last, 5u);
  EXPECT_EQ(config->retention.keep_within, 120h);
  EXPECT_EQ(config->retention.keep_yearly, 0u);
  EXPECT_TRUE(config->warnings.empty());
}

TEST(Parse, ReadsEveryKey) {
  auto config = parse(R"(
cluster: a.b-1
etcd:
  profile: kubeadm
  endpoints: [https://10.0.0.1:2379, "HTTPS://[::1]:2379/"]
  cacert: /ca
  cert: /cert
  key: /key
  serverName: etcd.local
  username: root
  passwordFile: /pw
  stallTimeout: 1m30s
resources:
  include: [/etc/extra/]
  exclude:
    - "*.bak"
    - /etc/kubernetes/tmp
local: {directory: /b/, reserve: 1GiB}
verify: {level: digest}
retention:
  keepLast: 1
  keepWithin: 0
  keepHourly: 2
  keepDaily: 3
  keepWeekly: 4
  keepMonthly: 5
  keepYearly: 6
  maxSize: 10GiB
kubernetes: {kubeconfig: /k, events: true, namespace: backup}
report:
  metricsFile: /m.prom
)",
                      "c.yaml", {}, Need::sets);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_THAT(config->etcd.endpoints, ElementsAre("https://10.0.0.1:2379", "https://[::1]:2379"));
  EXPECT_EQ(config->etcd.cacert + config->etcd.cert + config->etcd.key, "/ca/cert/key");
  EXPECT_EQ(config->etcd.server_name, "etcd.local");
  EXPECT_EQ(config->etcd.username, "root");
  EXPECT_EQ(config->etcd.password_file, "/pw");
  EXPECT_EQ(config->etcd.stall_timeout, 90s);
  EXPECT_THAT(config->resources.include, ElementsAre("/etc/extra"));
  EXPECT_THAT(config->resources.exclude, ElementsAre("*.bak", "/etc/kubernetes/tmp"));
  EXPECT_EQ(config->local.directory, "/b");
  EXPECT_EQ(config->local.reserve_bytes, 1ULL << 30);
  EXPECT_EQ(config->verify.level, Level::digest);
  EXPECT_EQ(config->retention.keep_last, 1u);
  EXPECT_EQ(config->retention.keep_within, 0s);
  EXPECT_EQ(config->retention.keep_hourly, 2u);
  EXPECT_EQ(config->retention.keep_daily, 3u);
  EXPECT_EQ(config->retention.keep_weekly, 4u);
  EXPECT_EQ(config->retention.keep_monthly, 5u);
  EXPECT_EQ(config->retention.keep_yearly, 6u);
  EXPECT_EQ(config->retention.max_size_bytes, 10ULL << 30);
  EXPECT_EQ(config->kubernetes.kubeconfig, "/k");
  EXPECT_TRUE(config->kubernetes.events);
  EXPECT_EQ(config->kubernetes.name_space, "backup");
  EXPECT_EQ(config->report.metrics_file, "/m.prom");
}

TEST(Parse, ReadsJsonIndentedByTabs) {
  auto config = parse(
      "{\n\t\"cluster\": \"x\",\n\t\"local\": {\"directory\": \"/b\"},\n"
      "\t\"retention\": {\"keepLast\": 7}\n}\n",
      "c.json", {}, Need::sets);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->retention.keep_last, 7u);
}

TEST(Parse, TakesASectionWhoseKeysAreCommentedOut) {
  auto config = parse(std::string(kMinimal) + "retention:\n  # keepLast: 7\n", "c", {}, Need::sets);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->retention.keep_last, 5u);
}

TEST(Parse, WarnsAboutWhatIsProbablyNotMeant) {
  auto config = parse(std::string(kMinimal) +
                          "retention: {keepLast: 0, keepWithin: 0}\n"
                          "report: {metricsFile: /m.txt}\n",
                      "c", {}, Need::sets);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_THAT(config->warnings, ElementsAre(HasSubstr("only the newest"), HasSubstr(".prom")));
}

TEST(Parse, NamesAllThatIsWrongAtOnce) {
  auto text = wrong("cluster: UP\nlocal: {directory: rel}\nretention: {keepLast: x}\n");
  EXPECT_THAT(text, HasSubstr("c.yaml:1: cluster: \"UP\" is not a cluster name"));
  EXPECT_THAT(text, HasSubstr("c.yaml:2: local.directory: \"rel\" is not an absolute path"));
  EXPECT_THAT(text, HasSubstr("c.yaml:3: retention.keepLast"));
}

TEST(Parse, StopsCountingAtTenProblems) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "key" + std::to_string(i) + ": 1\n";
  auto config = parse(text, "c.yaml", {}, Need::sets);
  ASSERT_FALSE(config);
  EXPECT_LT(config.error().message.size(), 1000u);
  EXPECT_THAT(config.error().message, HasSubstr("c.yaml:10: "));
}

TEST(Parse, NeedsTheDirectoryOnlyForSets) {
  EXPECT_TRUE(parse("etcd: {profile: none}\n", "c", {}, Need::nothing));
  EXPECT_THAT(wrong("cluster: a\n"), HasSubstr("local.directory is missing"));
}

TEST(Parse, LetsTheClusterBeWithoutAName) {
  for (const auto* cluster : {"", "cluster: \"\"\n", "cluster: ''\n"}) {
    auto config = parse(std::string(cluster) + "local: {directory: /b}\n", "c", {}, Need::sets);
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->cluster, "");
  }
  EXPECT_THAT(wrong("cluster: ' '\nlocal: {directory: /b}\n"), HasSubstr("is not a cluster name"));
}

struct Case {
  std::string name;
  std::string text;
  std::string message;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
class ParseTable : public testing::TestWithParam<Case> {};

TEST_P(ParseTable, Refuses) {
  auto config = parse(GetParam().text, "c.yaml", {}, Need::nothing);
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, Code::invalid);
  EXPECT_EQ(describe(config.error()), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Keys, ParseTable,
    testing::Values(
        Case{"slip", "cluster: a\nretention:\n  keeplast: 3\n",
             "c.yaml:3: unknown key retention.keeplast (did you mean keepLast?)"},
        Case{"slip_in_section", "retension: {}\n",
             "c.yaml:1: unknown key retension (did you mean retention?)"},
        Case{"not_built_yet_in_section", "report:\n  otlp: x\n",
             "c.yaml:2: unknown key report.otlp"},
        Case{
            "pushgateway", "report: {pushgateway: x}\n",
            "c.yaml:1: report.pushgateway: \"x\" does not begin with https:// or http:// (write it "
            "as http://pushgateway:9091)"},
        Case{"pushgateway_with_password", "report: {pushgateway: \"http://me:canary@x:9091\"}\n",
             "c.yaml:1: report.pushgateway: the value carries a user or a password (leave it out)"},
        Case{"known_in_another_section", "keepLast: 3\n", "c.yaml:1: unknown key keepLast"},
        Case{"dotted", "retention.keepLast: 3\n",
             "c.yaml:1: unknown key retention.keepLast (write keepLast below a line retention:)"},
        Case{"escape_codes", "\"a\\x1b[31m\": 3\n", "c.yaml:1: unknown key a\\x1b[31m"},
        Case{"merge_key", "<<: {cluster: a}\n", "c.yaml:1: unknown key <<"},
        Case{"twice", "cluster: a\nlocal: {}\ncluster: b\n",
             "c.yaml:3: key cluster is there twice, first in line 1 (remove one of the two)"},
        Case{"twice_in_json", "{\"local\": {\"reserve\": 1, \"reserve\": 2}}",
             "c.yaml:1: key reserve is there twice, first in line 1 (remove one of the two)"}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Types, ParseTable,
    testing::Values(
        Case{"list_for_text", "cluster: [a]\n", "c.yaml:1: cluster must be a single value"},
        Case{"map_for_text", "cluster: {a: b}\n", "c.yaml:1: cluster must be a single value"},
        Case{"text_for_list", "etcd:\n  endpoints: https://a:2379\n",
             "c.yaml:2: etcd.endpoints must be a list (write it in brackets, as in [first, "
             "second])"},
        Case{"map_in_list", "etcd:\n  endpoints:\n  - {a: b}\n",
             "c.yaml:3: etcd.endpoints must be a list of texts"},
        Case{"text_for_section", "retention: 5\n",
             "c.yaml:1: retention must be a section with keys below it"},
        Case{"list_for_section", "retention: [5]\n",
             "c.yaml:1: retention must be a section with keys below it"},
        Case{"no_value", "cluster:\n",
             "c.yaml:1: cluster has no value (write one, or remove the key)"},
        Case{"no_map", "prod-east\n",
             "c.yaml:1: the file must hold keys and values (write lines such as cluster: "
             "prod-east)"},
        Case{"level_of_later", "verify: {level: kubernetes}\n",
             "c.yaml:1: verify.level: \"kubernetes\" is not one of digest, structure, mvcc"},
        Case{"comparison_misspelt", "etcd: {compareMembers: always}\n",
             "c.yaml:1: etcd.compareMembers: \"always\" is not one of off, warn, require"},
        Case{"profile_of_later", "etcd: {profile: kubadm}\n",
             "c.yaml:1: etcd.profile: \"kubadm\" is not one of auto, openshift, kubeadm, rke2, "
             "k3s, plain, none (did "
             "you mean kubeadm?)"},
        Case{"relative_path", "local: {directory: backups}\n",
             "c.yaml:1: local.directory: \"backups\" is not an absolute path (write the whole "
             "path, beginning with a slash)"},
        Case{"nul", "{\"cluster\": \"a\\u0000\"}",
             "c.yaml:1: cluster: \"a\\x00\" holds control characters"},
        Case{"stall_zero", "etcd: {stallTimeout: 0s}\n",
             "c.yaml:1: etcd.stallTimeout: \"0s\" is not between 1s and 1d"}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Pairs, ParseTable,
    testing::Values(Case{"cert_alone", "etcd:\n  cert: /c\n",
                         "c.yaml:2: etcd.cert without etcd.key (give both or none)"},
                    Case{"key_alone", "etcd:\n  key: /c\n",
                         "c.yaml:2: etcd.key without etcd.cert (give both or none)"},
                    Case{"user_alone", "etcd:\n  username: root\n",
                         "c.yaml:2: etcd.username without etcd.passwordFile (give both or none)"},
                    Case{"password_in_clear",
                         "etcd:\n  username: root\n  passwordFile: /p\n"
                         "  endpoints: [http://127.0.0.1:1, http://10.0.0.1:2379]\n",
                         "c.yaml:4: the password of root would travel in clear to "
                         "http://10.0.0.1:2379 (use https://)"}),
    [](const auto& test) { return test.param.name; });

// F-C03
TEST(ClusterNames, AreThoseThatNamesOfSetsCanCarry) {
  for (const auto& name :
       {std::string("a"), std::string("prod-east.1"), std::string("7"), std::string(63, 'a')})
    EXPECT_TRUE(is_cluster_name(name)) << name;
  for (const auto& name :
       {std::string(64, 'a'), std::string(300, 'a'), std::string(), std::string("a/b"),
        std::string(".."), std::string("_20"), std::string("a_20"), std::string("-a"),
        std::string("a-"), std::string("a."), std::string("A"), std::string("ä"),
        std::string("a b"), std::string("a\0", 2)})
    EXPECT_FALSE(is_cluster_name(name)) << name;
}

TEST(Overrides, BeatTheEnvironmentWhichBeatsTheFile) {
  Overrides overrides = {
      {.key = "etcd.cacert", .value = "/flag", .origin = "--cacert"},
      {.key = "etcd.cacert", .value = "/env", .origin = "ETCDCTL_CACERT", .from_environment = true},
      {.key = "etcd.endpoints",
       .value = "https://a:1, https://b:2",
       .origin = "ETCDCTL_ENDPOINTS",
       .from_environment = true}};
  auto config = parse("etcd: {cacert: /file, endpoints: [https://c:3], stallTimeout: 9s}\n",
                      "c.yaml", overrides, Need::nothing);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->etcd.cacert, "/flag");
  EXPECT_THAT(config->etcd.endpoints, ElementsAre("https://a:1", "https://b:2"));
  EXPECT_EQ(config->etcd.stall_timeout, 9s);
}

TEST(Overrides, MayEmptyAValue) {
  Overrides overrides = {{.key = "report.metricsFile", .value = "", .origin = "--set"},
                         {.key = "etcd.endpoints", .value = "", .origin = "--endpoints"}};
  auto config = parse("report: {metricsFile: /m.prom}\netcd: {endpoints: [https://a:1]}\n", "c",
                      overrides, Need::nothing);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->report.metrics_file, "");
  EXPECT_TRUE(config->etcd.endpoints.empty());
}

TEST(Overrides, TakeEndpointsWithoutASchemeAsEtcdctlDoes) {
  Override plain = {.key = "etcd.endpoints", .value = "127.0.0.1:2379", .origin = "--endpoints"};
  auto config = parse("{}", "c", {plain}, Need::nothing);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_THAT(config->etcd.endpoints, ElementsAre("http://127.0.0.1:2379"));

  Override ca = {.key = "etcd.cacert", .value = "/ca", .origin = "--cacert"};
  config = parse("{}", "c", {plain, ca}, Need::nothing);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_THAT(config->etcd.endpoints, ElementsAre("https://127.0.0.1:2379"));
}

TEST(Overrides, AreRefusedByTheirOrigin) {
  Override unknown = {.key = "retention.keeplast", .value = "7", .origin = "--set"};
  EXPECT_EQ(wrong(kMinimal, {unknown}),
            "--set: unknown key retention.keeplast (did you mean keepLast?)");
  Override bad = {.key = "etcd.cert", .value = "rel", .origin = "ETCDCTL_CERT"};
  EXPECT_THAT(wrong(kMinimal, {bad}), testing::StartsWith("ETCDCTL_CERT: etcd.cert: "));
  Override once = {.key = "retention.keepLast", .value = "7", .origin = "--set"};
  EXPECT_EQ(wrong(kMinimal, {once, once}), "--set: retention.keepLast is given twice");
}

TEST(ParseSet, SplitsAtTheFirstEqualsSign) {
  auto set = parse_set("resources.exclude=a=b");
  ASSERT_TRUE(set);
  EXPECT_EQ(set->key, "resources.exclude");
  EXPECT_EQ(set->value, "a=b");
  EXPECT_FALSE(parse_set("hunter2"));
  EXPECT_FALSE(parse_set("=x"));
}

TEST(EtcdctlEnvironment, TakesTheFourVariablesThatAreSet) {
  auto found = etcdctl_environment([](const char* name) -> const char* {
    if (name == std::string_view("ETCDCTL_CERT")) return "/c";
    if (name == std::string_view("ETCDCTL_KEY")) return "";
    if (name == std::string_view("ETCDCTL_PASSWORD")) return "hunter2";
    return nullptr;
  });
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].key, "etcd.cert");
  EXPECT_TRUE(found[0].from_environment);
}

TEST(Describe, TellsEveryValueAndWhereItIsFrom) {
  Override flag = {.key = "retention.keepLast", .value = "7", .origin = "--set"};
  auto config = parse(kMinimal, "/etc/c.yaml", {flag}, Need::sets);
  ASSERT_TRUE(config) << config.error().message;
  std::map<std::string, std::pair<std::string, std::string>> found;
  for (const auto& setting : describe(*config))
    found[setting.key] = {setting.value, setting.origin};
  EXPECT_EQ(found.size(), 30u);
  EXPECT_EQ(found["cluster"], std::pair("prod-east", "/etc/c.yaml:1"));
  EXPECT_EQ(found["local.directory"], std::pair("/var/lib/etcd-snapshot", "/etc/c.yaml:3"));
  EXPECT_EQ(found["retention.keepLast"], std::pair("7", "--set"));
  EXPECT_EQ(found["kubernetes.events"], std::pair("false", "default"));
  EXPECT_EQ(found["retention.keepWithin"], std::pair("5d", "default"));
  EXPECT_EQ(found["etcd.endpoints"], std::pair("[]", "default"));
}

TEST(Load, ReadsTheNamedFile) {
  test::TempDir dir;
  std::ofstream(dir.path("c.yaml")) << kMinimal;
  auto config = load(dir.path("c.yaml"), {}, Need::sets);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->cluster, "prod-east");
  EXPECT_TRUE(config->warnings.empty());
}

TEST(Load, WarnsWhenEverybodyMayChangeTheFile) {
  test::TempDir dir;
  std::ofstream(dir.path("c.yaml")) << kMinimal;
  std::filesystem::permissions(dir.path("c.yaml"), std::filesystem::perms(0666));
  auto config = load(dir.path("c.yaml"), {}, Need::sets);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_THAT(config->warnings, ElementsAre(HasSubstr("chmod o-w")));
}

TEST(Load, SaysWhichFileIsMissing) {
  test::TempDir dir;
  auto config = load(dir.path("none.yaml"), {}, Need::nothing);
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, Code::not_found);
  EXPECT_THAT(config.error().message, HasSubstr("none.yaml"));
}

TEST(Load, RefusesADirectory) {
  test::TempDir dir;
  auto config = load(dir.path(), {}, Need::nothing);
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, Code::invalid);
}

}  // namespace
}  // namespace snap::config
