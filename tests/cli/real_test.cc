// The program against real etcd servers of the three lines: what it takes, the stock tools agree
// with and restore.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <format>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "support/agent.h"

namespace snap::cli {
namespace {

using namespace std::chrono_literals;
using test::Agent;
using test::AgentSetup;
using test::EtcdCluster;
using test::EtcdOptions;
using test::Finished;
using test::Process;
using test::wait_until;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using Json = nlohmann::json;

// Keys as Kubernetes has them, some changed and some deleted.
void fill(const EtcdCluster& cluster, int keys = 60) {
  std::string txn = "\n";
  for (int i = 0; i < keys; ++i) txn += std::format("put /registry/pods/p{} value-{}\n", i, i);
  cluster.ctl({"txn"}, txn + "\n\n");
  cluster.ctl({"put", "/registry/pods/p1", "changed"});
  cluster.ctl({"del", "/registry/pods/p2"});
}

Json parsed(const std::string& text) {
  auto json = Json::parse(text, nullptr, false);
  EXPECT_FALSE(json.is_discarded()) << text;
  return json;
}

// What the stock tool of this line says about a snapshot.
Json stock_status(const EtcdCluster& cluster, const std::string& version, const std::string& file) {
  auto tool = version == "3.4" ? "etcdctl" : "etcdutl";
  auto shown = test::run({.argv = {cluster.binary(tool), "snapshot", "status", file, "-w", "json"},
                          .env = {{"ETCDCTL_API", "3"}}});
  EXPECT_EQ(shown.exit_code, 0) << shown.text();
  return parsed(shown.out);
}

// Restores with the stock tool, boots a server on it, and returns all its keys.
std::string restored_keys(const EtcdCluster& cluster, const std::string& version,
                          const std::string& file, const std::string& directory) {
  auto ports = test::free_ports(2);
  auto client = std::format("http://127.0.0.1:{}", ports[0]);
  auto peer = std::format("http://127.0.0.1:{}", ports[1]);
  auto tool = version == "3.4" ? "etcdctl" : "etcdutl";
  auto restored = test::run({.argv = {cluster.binary(tool), "snapshot", "restore", file,
                                      "--data-dir", directory, "--name", "r", "--initial-cluster",
                                      "r=" + peer, "--initial-advertise-peer-urls", peer},
                             .env = {{"ETCDCTL_API", "3"}}});
  EXPECT_EQ(restored.exit_code, 0) << restored.text();
  Process server({.argv = {cluster.binary("etcd"), "--name", "r", "--data-dir", directory,
                           "--listen-client-urls", client, "--advertise-client-urls", client,
                           "--listen-peer-urls", peer, "--logger", "zap", "--log-level", "warn"},
                  .output_file = directory + ".log"});
  Finished keys;
  auto answers = [&] {
    keys = test::run(
        {.argv = {cluster.binary("etcdctl"), "--endpoints", client, "get", "/", "--prefix"},
         .env = {{"ETCDCTL_API", "3"}}});
    return keys.ok();
  };
  EXPECT_TRUE(wait_until(answers, 20s)) << keys.text() << test::read_file(directory + ".log");
  return keys.out;
}

struct Kind {
  std::string name;
  EtcdOptions options;
};
void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

class Matrix : public testing::TestWithParam<Kind> {};

// One cluster of each kind goes through all verbs, so that it is started once.
TEST_P(Matrix, RunSaveStatusVerifyListAndRestore) {
  const auto& options = GetParam().options;
  auto cluster = EtcdCluster::start(options);
  fill(cluster);
  auto setup = AgentSetup::of(cluster);
  if (options.auth) {
    cluster.ctl({"user", "add", "backup:canary-password"});
    cluster.ctl({"user", "grant-role", "backup", "root"});
    setup.username = "backup";
    setup.password_file = cluster.directory().path("backup-password");
    test::write_file(setup.password_file, "canary-password\n");
    std::filesystem::permissions(setup.password_file, std::filesystem::perms(0600));
  }
  Agent agent(setup);

  auto run = agent.run({"run", "--verbose"});
  ASSERT_EQ(run.exit_code, 0) << run.text();
  auto outcome = outcome_of(run);
  EXPECT_EQ(outcome["exit_name"], "done");
  EXPECT_EQ(outcome["snapshot"]["from_leader"], options.members == 1) << "a follower is spared";
  EXPECT_TRUE(outcome["snapshot"]["etcd_version"].get<std::string>().starts_with(options.version));
  // Nothing but the certificates of the tests, which are good for 30 days.
  for (const auto& warning : outcome["warnings"])
    EXPECT_THAT(warning.get<std::string>(), HasSubstr(" expires on "));
  EXPECT_EQ(outcome["warnings"].empty(), !options.tls);
  ASSERT_THAT(agent.sets(), SizeIs(1));
  auto set = agent.sets()[0];
  auto file = agent.snapshot_of(set);

  auto status = agent.run({"status", file, "-o", "json"});
  ASSERT_EQ(status.exit_code, 0) << status.text();
  auto ours = parsed(status.out);
  auto stock = stock_status(cluster, options.version, file);
  EXPECT_EQ(ours["hash"], stock["hash"]);
  EXPECT_EQ(ours["revision"], stock["revision"]);
  EXPECT_EQ(ours[options.version == "3.6" ? "liveKeys" : "totalPairs"], stock["totalKey"]);
  EXPECT_EQ(outcome["snapshot"]["hash"], stock["hash"]);
  EXPECT_EQ(agent.manifest_of(set)["snapshot"]["hash"], stock["hash"]);

  EXPECT_EQ(agent.run({"verify", set, file}).exit_code, 0);
  auto listed = agent.list();
  ASSERT_THAT(listed, SizeIs(1));
  EXPECT_EQ(listed[0]["revision"], stock["revision"]);
  EXPECT_EQ(listed[0]["proven"], true);

  auto saved = agent.run({"save", agent.path("saved.db")});
  EXPECT_EQ(saved.exit_code, 0) << saved.text();
  EXPECT_EQ(stock_status(cluster, options.version, agent.path("saved.db"))["revision"],
            stock["revision"]);
  agent.expect_nothing_left();

  auto keys = cluster.ctl({"get", "/", "--prefix"});
  EXPECT_THAT(keys, AllOf(HasSubstr("changed"), Not(HasSubstr("/p2\n"))));
  // With auth a restored server asks for its users again.
  if (options.auth) return;
  EXPECT_EQ(restored_keys(cluster, options.version, file, agent.path("restored")), keys);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, Matrix,
    testing::Values(Kind{"v34", {.version = "3.4"}},
                    Kind{"v34_tls_three", {.version = "3.4", .members = 3, .tls = true}},
                    Kind{"v34_auth", {.version = "3.4", .auth = true}},
                    Kind{"v35", {.version = "3.5"}},
                    Kind{"v35_tls_auth", {.version = "3.5", .tls = true, .auth = true}},
                    Kind{"v35_auth", {.version = "3.5", .auth = true}},
                    Kind{"v36_tls", {.version = "3.6", .tls = true}},
                    Kind{"v36_tls_three", {.version = "3.6", .members = 3, .tls = true}},
                    Kind{"v36_auth", {.version = "3.6", .auth = true}},
                    Kind{"v36_ipv6", {.version = "3.6", .tls = true, .host = "::1"}}),
    [](const auto& test) { return test.param.name; });

// With TLS: what the server refuses, what counts where no file says anything, and pipes.
TEST(Tls, RefusesAndAcceptsAsEtcdctlDoes) {
  auto cluster = EtcdCluster::start({.version = "3.6", .tls = true});
  fill(cluster);
  auto setup = AgentSetup::of(cluster);
  Agent agent(setup);

  // Standard output holds the snapshot and nothing else.
  auto piped = agent.run({"save", "-"});
  EXPECT_EQ(piped.exit_code, 0) << piped.err;
  EXPECT_THAT(piped.err, HasSubstr("saved to standard output"));
  test::write_file(agent.path("piped.db"), piped.out);
  EXPECT_EQ(agent.run({"verify", agent.path("piped.db")}).exit_code, 0);

  // etcdctl's environment, without a file; flags win.
  auto bare = agent.command({"save", agent.path("env.db")});
  bare.argv = {bare.argv[0], "save", agent.path("env.db"), "--set", "etcd.profile=none"};
  bare.env["ETCDCTL_ENDPOINTS"] = cluster.endpoints()[0];
  bare.env["ETCDCTL_CACERT"] = setup.cacert;
  bare.env["ETCDCTL_CERT"] = setup.cert;
  bare.env["ETCDCTL_KEY"] = setup.key;
  auto by_environment = agent.run(bare);
  EXPECT_EQ(by_environment.exit_code, 0) << by_environment.text();
  bare.env["ETCDCTL_ENDPOINTS"] = "https://127.0.0.1:9";
  EXPECT_EQ(agent.run(bare).exit_code, 3);
  bare.argv.insert(bare.argv.end(), {"--endpoints", cluster.endpoints()[0]});
  EXPECT_EQ(agent.run(bare).exit_code, 0);

  // Nobody, a stranger, and a server that is a stranger to us.
  setup.cert = setup.key = "";
  agent.configure(setup);
  auto nobody = agent.run({"run"});
  EXPECT_EQ(nobody.exit_code, 3) << nobody.text();
  EXPECT_THAT(nobody.err, HasSubstr("certificate"));
  EXPECT_THAT(outcome_of(nobody)["error"]["hint"].dump(), Not(AnyOf("null", "\"\"")));
  auto other = test::Pki::make(agent.path("other-pki"));
  setup.cert = other.client_cert;
  setup.key = other.client_key;
  agent.configure(setup);
  auto stranger = agent.run({"run"});
  EXPECT_EQ(stranger.exit_code, 3) << stranger.text();
  EXPECT_THAT(stranger.err, HasSubstr("certificate"));
  setup = AgentSetup::of(cluster);
  setup.cacert = other.ca;
  agent.configure(setup);
  auto untrusted = agent.run({"run"});
  EXPECT_EQ(untrusted.exit_code, 3) << untrusted.text();
  setup = AgentSetup::of(cluster);
  setup.key = other.client_key;
  agent.configure(setup);
  auto mismatch = agent.run({"run"});
  EXPECT_EQ(mismatch.exit_code, 2) << mismatch.text();
  EXPECT_THAT(agent.sets(), IsEmpty());
  agent.expect_nothing_left();
}

// F-E23
TEST(Auth, RefusesWithoutTheRightUser) {
  auto cluster = EtcdCluster::start({.version = "3.5", .auth = true});
  fill(cluster);
  auto setup = AgentSetup::of(cluster);
  Agent agent(setup);
  auto nobody = agent.run({"run"});
  EXPECT_EQ(nobody.exit_code, 3) << nobody.text();
  EXPECT_THAT(nobody.err, HasSubstr("user"));
  setup.username = "root";
  setup.password_file = agent.path("wrong");
  test::write_file(setup.password_file, "canary-wrong-password\n");
  agent.configure(setup);
  auto wrong = agent.run({"run"});
  EXPECT_EQ(wrong.exit_code, 3) << wrong.text();
  EXPECT_THAT(wrong.err, HasSubstr("password"));
  EXPECT_EQ(agent.run({"check"}).exit_code, 3);
  EXPECT_THAT(agent.sets(), IsEmpty());
  agent.expect_nothing_left();
}

// F-E04 and F-E06 in one cluster: members are lost one after the other.
TEST(ThreeMembers, AreLostOneByOne) {
  auto cluster = EtcdCluster::start({.version = "3.6", .members = 3, .tls = true});
  cluster.fill(64);
  Agent agent(AgentSetup::of(cluster));

  // The member that serves the snapshot is killed in the middle of it.
  auto command = agent.command({"run", "--verbose"});
  command.output_file = agent.path("run.log");
  Process run(command);
  auto said = [&] { return test::read_file(command.output_file); };
  auto snapshot_bytes = [&] {
    uintmax_t bytes = 0;
    if (!std::filesystem::exists(agent.sets_directory())) return bytes;
    std::error_code gone;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(
             agent.sets_directory(), std::filesystem::directory_options::none, gone)) {
      if (entry.path().extension() == ".db") bytes = std::max(bytes, entry.file_size(gone));
    }
    return bytes;
  };
  ASSERT_TRUE(wait_until([&] { return snapshot_bytes() > (4U << 20); }, 20s)) << said();
  run.pause();  // so that it does not finish before the member is gone
  auto serving = -1;
  for (int i = 0; i < 3; ++i) {
    auto begin = said().find("taking the snapshot from");
    auto line = said().substr(begin, said().find('\n', begin) - begin);
    if (line.contains(cluster.endpoints()[static_cast<size_t>(i)])) serving = i;
  }
  ASSERT_GE(serving, 0) << said();
  cluster.kill(serving);
  run.resume();
  auto ended = run.wait(60s);
  ASSERT_TRUE(ended);
  agent.expect_no_secrets(said());
  EXPECT_EQ(ended->exit_code, 0) << said();
  EXPECT_THAT(said(), HasSubstr("starting again on"));
  auto set = agent.sets().at(0);
  auto manifest = agent.manifest_of(set);
  EXPECT_NE(manifest["etcd"]["endpoint"], cluster.endpoints()[static_cast<size_t>(serving)]);
  EXPECT_THAT(manifest["warnings"], Not(IsEmpty()));
  EXPECT_EQ(agent.run({"verify", set}).exit_code, 0);
  EXPECT_EQ(stock_status(cluster, "3.6", agent.snapshot_of(set))["revision"],
            manifest["etcd"]["revision"]);
  agent.expect_nothing_left();

  // One member down: its endpoint is named, the backup is good.
  auto without_one = agent.run({"run"});
  EXPECT_EQ(without_one.exit_code, 0) << without_one.text();
  EXPECT_THAT(without_one.err, HasSubstr(cluster.endpoints()[static_cast<size_t>(serving)]));

  // Who demands the comparison of all hears of it from `check`, in the words of the run.
  auto demand = std::string("etcd.compareMembers=require");
  auto demanded = agent.run({"run", "--set", demand});
  EXPECT_EQ(demanded.exit_code, 3) << demanded.text();
  auto check = agent.run({"check", "--set", demand});
  EXPECT_EQ(check.exit_code, 3) << check.text();
  auto message = outcome_of(demanded)["error"]["message"].get<std::string>();
  EXPECT_THAT(message, HasSubstr("the members could not be compared"));
  EXPECT_THAT(check.out, HasSubstr(message));

  // Two down: no leader any more.
  cluster.kill((serving + 1) % 3);
  const auto& last = cluster.endpoints()[static_cast<size_t>((serving + 2) % 3)];
  auto no_leader = [&] {
    auto save = agent.run({"save", agent.path("last.db"), "--endpoints", last});
    return save.ok() && save.err.contains("no leader, may be behind");
  };
  EXPECT_TRUE(wait_until(no_leader, 20s));
  EXPECT_EQ(agent.run({"verify", agent.path("last.db")}).exit_code, 0);
  auto before = agent.sets();
  auto refused = agent.run({"run"});
  EXPECT_EQ(refused.exit_code, 3) << refused.text();
  EXPECT_THAT(refused.err, HasSubstr("no leader"));
  EXPECT_EQ(agent.sets(), before);
  agent.expect_nothing_left();
}

}  // namespace
}  // namespace snap::cli
