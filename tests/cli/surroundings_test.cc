// What surrounds the program: hostile environments, the doctor beside a run, certificates that have
// ended, directories that cannot be listed.
#include <sys/file.h>

#include "base/file.h"
#include "base/time.h"
#include "cli/scenes.h"
#include "support/outcome.h"

namespace snap::cli {
namespace {

namespace fs = std::filesystem;
using test::Agent;
using test::FakeGrpc;
using testing::Contains;
using testing::HasSubstr;
using testing::SizeIs;

// F-C05: neither trust nor the way to etcd comes from the environment, and times stay UTC.
TEST(Environment, ChangesNothingAboutTrustTimesOrNumbers) {
  auto cluster = test::EtcdCluster::start({.version = "3.6", .tls = true});
  auto setup = test::AgentSetup::of(cluster);
  Agent agent(setup);
  auto hostile = [&](const std::vector<std::string>& args) {
    auto command = agent.command(args);
    test::write_file(agent.path("openssl.cnf"), "openssl_conf = x\n[x]\nproviders = y\n[y]\n");
    for (const auto* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"})
      command.env[name] = "http://127.0.0.1:9";
    command.env["SSLKEYLOGFILE"] = agent.path("tls-secrets");
    command.env["OPENSSL_CONF"] = agent.path("openssl.cnf");
    command.env["OPENSSL_MODULES"] = agent.path("none");
    command.env["SSL_CERT_FILE"] = cluster.pki().ca;
    command.env["HOME"] = "/no/such/home";
    command.env["TZ"] = "Pacific/Kiritimati";  // 14 hours ahead
    command.env["LC_ALL"] = command.env["LANG"] = "de_DE.UTF-8";
    return agent.run(command);
  };
  auto before = now_utc();
  auto run = hostile({"run"});
  ASSERT_EQ(run.exit_code, 0) << run.text();
  ASSERT_THAT(agent.sets(), SizeIs(1));
  auto started = from_rfc3339(agent.manifest_of(agent.sets()[0])["started"].get<std::string>());
  ASSERT_TRUE(started);
  EXPECT_GE(*started, before - std::chrono::seconds(1));
  EXPECT_LE(*started, now_utc());
  EXPECT_FALSE(fs::exists(agent.path("tls-secrets"))) << "the secrets of the TLS session";
  for (const auto& args : std::vector<std::vector<std::string>>{
           {"list"}, {"check"}, {"verify", agent.sets()[0]}, {"prune"}}) {
    auto shown = hostile(args);
    EXPECT_EQ(shown.exit_code, 0) << args[0] << shown.text();
  }
  // The authority that only the environment names is not trusted.
  setup.cacert.clear();
  agent.configure(setup);
  auto refused = hostile({"run"});
  EXPECT_EQ(refused.exit_code, 3) << refused.text();
  EXPECT_THAT(refused.err, HasSubstr("certificate"));
  EXPECT_THAT(agent.sets(), SizeIs(1));
}

// F-C08
TEST(Check, LooksWhileARunHoldsTheLockAndLeavesNothing) {
  FakeGrpc fake(test::good_script());
  Agent agent({.endpoints = {fake.endpoint()}});
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  auto lock = open_file(agent.sets_directory() + "/.lock-prod-east", O_RDWR).value();
  ASSERT_EQ(::flock(lock.get(), LOCK_EX | LOCK_NB), 0);
  auto before = test::contents(agent.directory());
  auto check = agent.run({"check"});
  EXPECT_EQ(check.exit_code, 0) << check.text();
  EXPECT_EQ(test::contents(agent.directory()), before);
  EXPECT_EQ(agent.run({"run"}).exit_code, 7) << "and the lock is where it was";
}

struct Ill {
  std::string name;
  test::FakeMember member = {};
  test::SnapshotScript script = test::good_script();
  int exit = 3;
};
void PrintTo(const Ill& c, std::ostream* out) { *out << c.name; }
class CheckOfAnIllMember : public testing::TestWithParam<Ill> {};
TEST_P(CheckOfAnIllMember, NamesTheCauseThatARunWouldName) {  // F-C08
  FakeGrpc fake(GetParam().script, GetParam().member);
  Agent agent({.endpoints = {fake.endpoint()}});
  auto before = test::contents(agent.directory());
  auto check = agent.run({"check", "-o", "json"});
  EXPECT_EQ(check.exit_code, GetParam().exit) << check.text();
  EXPECT_EQ(test::contents(agent.directory()), before);
  std::vector<std::string> findings;
  auto shown = test::parsed(check.out);
  for (const auto& row : shown["checks"])
    if (row["verdict"] == "failed") findings.push_back(row["finding"]);
  auto run = agent.run({"run"});
  EXPECT_EQ(run.exit_code, GetParam().exit) << run.text();
  EXPECT_THAT(findings, Contains(outcome_of(run)["error"]["message"].get<std::string>()));
}
INSTANTIATE_TEST_SUITE_P(
    Members, CheckOfAnIllMember,
    testing::Values(Ill{"without_leader", {.leader = 0}}, Ill{"corrupt", {.alarm = 2}},
                    Ill{"learner", {.is_learner = true}},
                    Ill{"refuses", {}, {.grpc_status = 7, .grpc_message = "permission denied"}},
                    Ill{"knows_no_snapshot", {}, {.grpc_status = 12, .grpc_message = "unknown"}},
                    Ill{"behind_a_proxy", {}, {.http_status = 502}}),
    [](const auto& test) { return test.param.name; });

// F-R07
TEST(Certificates, ThatHaveEndedAreWarnedOfAndTheArchiveIsTheSameTwice) {
  FakeGrpc fake(test::good_script());
  Agent agent;
  auto directory = agent.path("certificates");
  fs::create_directory(directory);
  auto pki = test::Pki::make(directory);
  auto old =
      pki.issue({.name = "old", .not_before = "20200101000000Z", .not_after = "20210101000000Z"});
  agent.configure({.endpoints = {fake.endpoint()}, .include = ", " + old.cert});
  std::vector<std::string> archives;
  for (const auto* start : {"2026-01-01T000000Z", "2026-01-02T000000Z"}) {
    auto set = std::string("prod-east_") + start + "_node-1";
    auto run = agent.run({"run", "--no-prune", "--set", set});
    ASSERT_EQ(run.exit_code, 0) << run.text();
    EXPECT_THAT(outcome_of(run)["warnings"].dump(), HasSubstr("old.crt"));
    EXPECT_THAT(outcome_of(run)["warnings"].dump(), HasSubstr("2021-01-01"));
    auto manifest = agent.manifest_of(set);
    EXPECT_EQ(manifest["resources"]["certificates"][0]["notAfter"], "2021-01-01T00:00:00Z");
    EXPECT_EQ(manifest.dump().find("PRIVATE KEY"), std::string::npos);
    archives.push_back(test::read_file(agent.set_path(set, manifest["files"][1]["name"])));
  }
  EXPECT_TRUE(archives[0] == archives[1]);
}

// F-P03: who cannot list a place, or not to its end, removes nothing there.
TEST(Listing, ThatFailsRemovesNothing) {
  FakeGrpc fake(test::good_script());
  Agent agent(
      {.endpoints = {fake.endpoint()}, .more = "retention: {keepLast: 1, keepWithin: 0}\n"});
  for (int i = 1; i <= 3; ++i) {
    auto set = std::format("prod-east_2026-01-0{}T000000Z_node-1", i);
    ASSERT_EQ(agent.run({"run", "--no-prune", "--set", set}).exit_code, 0);
  }
  test::Before before(agent);
  for (const auto* when : {"1", "2"}) {
    auto command = agent.command({"prune"});
    command.argv.insert(
        command.argv.begin(),
        {"strace", "-f", "-qq", "-o", agent.path("trace"), "-P", agent.sets_directory(), "-e",
         "trace=getdents64", "-e", std::string("inject=getdents64:error=EIO:when=") + when});
    auto prune = agent.run(command);
    ASSERT_THAT(test::read_file(agent.path("trace")), HasSubstr("(INJECTED)")) << prune.text();
    test::expect_outcome(agent, before, prune, test::fails(6).of("prune").saying("/sets"),
                         [&] { return agent.run({"list"}); });
  }
  EXPECT_THAT(agent.sets(), SizeIs(3));
  EXPECT_EQ(agent.run({"prune"}).exit_code, 0);
  EXPECT_THAT(agent.sets(), SizeIs(1));
}

// F-P03: as an unmounted mount point looks. What was shipped elsewhere is no matter of this place.
TEST(Listing, OfAnEmptiedDirectoryIsNoReasonToRemoveOrToFail) {
  FakeGrpc fake(test::good_script());
  Agent agent(
      {.endpoints = {fake.endpoint()}, .more = "retention: {keepLast: 1, keepWithin: 0}\n"});
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  fs::rename(agent.sets_directory(), agent.path("elsewhere"));
  fs::create_directory(agent.sets_directory());
  fs::permissions(agent.sets_directory(), fs::perms::owner_all);
  auto kept = test::contents(agent.path("elsewhere"));
  auto prune = agent.run({"prune"});
  EXPECT_EQ(prune.exit_code, 0) << prune.text();
  auto run = agent.run({"run"});
  EXPECT_EQ(run.exit_code, 0) << run.text();
  EXPECT_EQ(test::contents(agent.path("elsewhere")), kept);
  EXPECT_THAT(agent.sets(), SizeIs(1));
}

}  // namespace
}  // namespace snap::cli
