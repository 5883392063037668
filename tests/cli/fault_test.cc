// Every exit status of the program but 5 and 9, and how it behaves when things go wrong around it.
#include <sys/file.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/part.h"
#include "cli/scenes.h"
#include "support/outcome.h"

namespace snap::cli {
namespace {

using namespace std::chrono_literals;
using test::Agent;
using test::Before;
using test::FakeGrpc;
using test::FakeMember;
using test::Process;
using test::SnapshotScript;
using test::wait_until;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using Clock = std::chrono::steady_clock;
using Ending = SnapshotScript::Ending;

struct Fault {
  std::string name;
  int exit_code;
  std::string stage;
  std::string message;
  SnapshotScript script = test::good_script();
  FakeMember member = {};
  std::string local = {};  // lines of the configuration
  std::vector<std::string> args = {};
};

void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

SnapshotScript stopping(size_t after, Ending ending) {
  auto script = test::good_script();
  script.stop_after = after;
  script.ending = ending;
  return script;
}

SnapshotScript with_body(std::string body) { return {.body = std::move(body)}; }

std::string wrong_trailer() {
  return test::snapshot_data(test::small_database(), 4096) +
         test::snapshot_message(0, std::string(32, 'x'), "3.6.0");
}

SnapshotScript with_status(int status, const std::string& text) {
  auto script = stopping(9000, Ending::trailers);
  script.grpc_status = status;
  script.grpc_message = text;
  return script;
}

class RunFails : public testing::TestWithParam<Fault> {};

TEST_P(RunFails, WithItsExitStatusAndLeavesOlderSetsAlone) {
  const auto& fault = GetParam();
  FakeGrpc good(test::good_script());
  Agent agent({.endpoints = {good.endpoint()}});
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  Before before(agent);

  FakeGrpc bad(fault.script, fault.member);
  agent.configure({.endpoints = {bad.endpoint()}, .local = fault.local});
  std::vector<std::string> args{"run", "--set", "etcd.stallTimeout=1s"};
  args.insert(args.end(), fault.args.begin(), fault.args.end());
  auto run = agent.run(args);
  EXPECT_LT(run.cpu_seconds, 1.5);
  EXPECT_THAT(test::read_file(agent.metrics_file()),
              HasSubstr(std::format("}} {}\n", fault.exit_code)));
  expect_outcome(agent, before, run,
                 test::fails(fault.exit_code).in(fault.stage).saying(fault.message).within(11s),
                 [&] {
                   agent.configure({.endpoints = {good.endpoint()}});
                   return agent.run({"run"});
                 });
}

INSTANTIATE_TEST_SUITE_P(
    Table, RunFails,
    testing::Values(
        Fault{"no_leader", 3, "preflight", "no leader", test::good_script(), {.leader = 0}},
        Fault{"learner",
              3,
              "preflight",
              "only a learner answered",
              test::good_script(),
              {.is_learner = true}},
        Fault{"alarm_corrupt", 3, "preflight", "CORRUPT", test::good_script(), {.alarm = 2}},
        Fault{"refused",
              3,
              "preflight",
              "connect",
              test::good_script(),
              {},
              {},
              {"--endpoints", "http://127.0.0.1:9"}},
        Fault{"cut", 3, "take", "127.0.0.1", stopping(9000, Ending::fin)},
        Fault{"reset", 3, "take", "127.0.0.1", stopping(9000, Ending::reset)},
        Fault{"goaway", 3, "take", "127.0.0.1", stopping(9000, Ending::goaway)},
        Fault{"no_status", 3, "take", "127.0.0.1", stopping(9000, Ending::end_stream)},
        Fault{"status_14", 3, "take", "too busy", with_status(14, "too busy")},
        Fault{"stall", 3, "take", "no progress for 1 s", stopping(9000, Ending::hang)},
        Fault{"empty_blobs",
              3,
              "take",
              "no progress for 1 s",
              {.body = test::snapshot_body(test::small_database(), 4096).substr(0, 0),
               .repeat = test::snapshot_message(12288, "")}},
        Fault{"no_trailer", 4, "take", "trailer",
              with_body(test::snapshot_data(test::small_database(), 4096))},
        Fault{"wrong_trailer", 4, "take", "does not match its own SHA-256",
              with_body(wrong_trailer())},
        Fault{"no_database", 4, "prove", "",
              with_body(test::snapshot_body(test::some_database(65536)))},
        Fault{"reserve",
              8,
              "preflight",
              "not enough space",
              test::good_script(),
              {},
              "  reserve: 900TiB\n"},
        Fault{"grown",
              8,
              "preflight",
              "not enough space",
              test::good_script(),
              {.db_size = 1ULL << 60}},
        Fault{"strange_set",
              2,
              "preflight",
              "set",
              test::good_script(),
              {},
              {},
              {"--set", "no-name-of-a-set"}},
        Fault{"set_of_another_cluster",
              2,
              "preflight",
              "not of cluster prod-east",
              test::good_script(),
              {},
              {},
              {"--set", "west_2026-11-21T013000Z_node-1"}},
        Fault{"no_such_password_file",
              2,
              "preflight",
              "/no/such/password",
              test::good_script(),
              {},
              {},
              {"--user", "root", "--password-file", "/no/such/password"}},
        Fault{"no_such_ca",
              2,
              "preflight",
              "/no/such/ca.crt",
              test::good_script(),
              {},
              {},
              {"--cacert", "/no/such/ca.crt"}}),
    [](const auto& test) { return test.param.name; });

// Published and listed, but never called proven, and it pushes nothing out.
TEST(IncompleteSet, IsKeptAndExitsWith4) {
  FakeGrpc fake(test::good_script());
  Agent agent({.endpoints = {fake.endpoint()}});
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  auto before = test::set_contents(agent);
  agent.configure({.endpoints = {fake.endpoint()},
                   .more = "retention: {keepLast: 1, keepWithin: 0}\n",
                   .include = ", /no/such/file"});
  auto run = agent.run({"run"});
  test::expect_failed_run(agent, run, 4, "collect", "/no/such/file");
  auto outcome = outcome_of(run);
  EXPECT_EQ(outcome["places"][0]["has_set"], true);
  EXPECT_EQ(outcome["places"][0]["proven"], false);
  EXPECT_THAT(outcome["places"][0]["pruned"], IsEmpty());
  ASSERT_THAT(agent.sets(), SizeIs(2));
  auto after = test::set_contents(agent);
  for (const auto& [path, content] : before) EXPECT_EQ(after[path], content) << path;
  EXPECT_EQ(agent.manifest_of(agent.sets()[1])["proof"]["resources"]["result"], "failed");
  EXPECT_EQ(agent.list()[0]["proven"], false);
  EXPECT_EQ(agent.list()[1]["proven"], true);
}

TEST(Lock, NamesItsHolderAtOnce) {
  FakeGrpc fake(test::slow_script());
  Agent agent({.endpoints = {fake.endpoint()}});
  auto first = agent.command({"run"});
  first.output_file = agent.path("first.log");
  Process held(first);
  ASSERT_TRUE(wait_until([&] { return fake.requests("Snapshot") == 1; }));
  char host[256] = {};
  ASSERT_EQ(::gethostname(host, sizeof host - 1), 0);
  auto holder = std::format("pid {} on {} since 20", held.pid(), host);
  auto metrics = test::read_file(agent.metrics_file());
  for (const std::vector<std::string>& args : {std::vector<std::string>{"run"},
                                               {"prune"},
                                               {"remove", "a"},
                                               {"pin", "a"},
                                               {"unpin", "a"}}) {
    auto begun = Clock::now();
    auto second = agent.run(args);
    EXPECT_LT(Clock::now() - begun, 10s) << args[0];  // the holder needs 15 s
    EXPECT_EQ(second.exit_code, 7) << args[0] << second.text();
    EXPECT_THAT(second.err, HasSubstr("another command is at work: " + holder)) << args[0];
    if (args[0] == "run") {
      EXPECT_EQ(outcome_of(second)["exit_name"], "locked");
      EXPECT_EQ(outcome_of(second)["error"]["stage"], "lock");
    }
  }
  EXPECT_EQ(test::read_file(agent.metrics_file()), metrics);
  EXPECT_EQ(agent.run({"list"}).exit_code, 0) << "looking takes no lock";
  EXPECT_EQ(
      agent.run({"run", "--set", "cluster=other", "--endpoints", "http://127.0.0.1:9"}).exit_code,
      3)
      << "another cluster has a lock of its own";
}

// F-L23. The first signal counts; nothing half done stays.
TEST(Signals, EndARunWithinSecondsAndCleanUp) {
  for (int number : {SIGTERM, SIGINT}) {
    FakeGrpc fake(test::slow_script());
    Agent agent({.endpoints = {fake.endpoint()}});
    auto command = agent.command({"run"});
    command.output_file = agent.path("run.log");
    Process run(command);
    ASSERT_TRUE(wait_until([&] {
      return std::filesystem::exists(agent.sets_directory()) && fake.requests("Snapshot") == 1;
    }));
    run.signal(number);
    auto ended = run.wait(5s);
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->exit_code, 1);
    auto said = test::read_file(command.output_file);
    agent.expect_no_secrets(said);
    EXPECT_THAT(said, HasSubstr("interrupted in stage take"));
    EXPECT_EQ(test::outcome_of({.out = said})["exit_name"], "unexpected");
    EXPECT_THAT(agent.sets(), IsEmpty());
    agent.expect_nothing_left();
  }
}

TEST(Signals, EndASaveAndLeaveTheOldFile) {
  FakeGrpc fake(test::slow_script());
  Agent agent({.endpoints = {fake.endpoint()}});
  test::write_file(agent.path("old.db"), "old");
  Process save(agent.command({"save", agent.path("old.db")}));
  ASSERT_TRUE(wait_until([&] { return fake.requests("Snapshot") == 1; }));
  save.signal(SIGTERM);
  auto ended = save.wait(5s);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->exit_code, 1);
  EXPECT_EQ(test::read_file(agent.path("old.db")), "old");
  agent.expect_nothing_left();
}

// F-L14
TEST(Save, RemovesWhatAKilledOneLeftAndNothingOfALivingOne) {
  FakeGrpc slow(test::slow_script());
  FakeGrpc good(test::good_script());
  Agent agent({.endpoints = {slow.endpoint()}});
  auto file = agent.path("etcd.db");
  auto parts = [&] { return parts_of(file).size(); };
  auto save_to = [&](FakeGrpc& member) {
    return agent.command({"save", "--endpoints", member.endpoint(), file});
  };
  Process killed(save_to(slow));
  Process living(save_to(slow));
  ASSERT_TRUE(wait_until([&] { return parts() == 2; }));
  killed.signal(SIGKILL);
  ASSERT_TRUE(killed.wait(5s));
  auto saved = agent.run(save_to(good));
  EXPECT_EQ(saved.exit_code, 0) << saved.text();
  EXPECT_THAT(saved.err, HasSubstr("left by a save that did not end"));
  EXPECT_EQ(parts(), 1U) << "the one that is still being written";
  living.signal(SIGTERM);
  ASSERT_TRUE(living.wait(5s));
  EXPECT_EQ(parts(), 0U);
  EXPECT_EQ(agent.run({"verify", file}).exit_code, 0);
}

// F-E06, F-E07: from the first byte on another member, once.
TEST(Take, GoesOnWithAnotherMember) {
  FakeGrpc stalls(stopping(9000, Ending::hang), {.member_id = 0xa1, .leader = 0xa2});
  FakeGrpc good(test::good_script(), {.member_id = 0xa2, .leader = 0xa2});
  Agent agent({.endpoints = {stalls.endpoint(), good.endpoint()}});
  auto run = agent.run({"run", "--set", "etcd.stallTimeout=1s"});
  ASSERT_EQ(run.exit_code, 0) << run.text();
  EXPECT_EQ(stalls.requests("Snapshot"), 1) << run.text();
  EXPECT_EQ(outcome_of(run)["snapshot"]["endpoint"], good.endpoint());
  EXPECT_THAT(outcome_of(run)["warnings"].dump(), HasSubstr("no progress for 1 s"));
  EXPECT_EQ(agent.run({"verify", agent.sets()[0]}).exit_code, 0);
  agent.expect_nothing_left();
}

// Slower than the stall limit as a whole, but never without progress.
TEST(Take, IsNotCutShortWhileItMoves) {
  auto script = test::good_script();
  script.chunk_bytes = script.body.size() / 25;
  script.pause = 100ms;
  FakeGrpc fake(script);
  Agent agent({.endpoints = {fake.endpoint()}});
  auto run = agent.run({"run", "--set", "etcd.stallTimeout=1s"});
  EXPECT_EQ(run.exit_code, 0) << run.text();
}

struct SaveFault {
  std::string name;
  int exit_code;
  SnapshotScript script;
};

TEST(Save, ReplacesAFileOnlyByAProvenOne) {
  FakeGrpc fake(test::good_script());
  Agent agent({.endpoints = {fake.endpoint()}});
  auto file = agent.path("etcd.db");
  test::write_file(file, "what was here before");
  const SaveFault kFaults[] = {
      {"cut", 3, stopping(9000, Ending::fin)},
      {"stall", 3, stopping(9000, Ending::hang)},
      {"no trailer", 4, with_body(test::snapshot_data(test::small_database(), 4096))},
      {"wrong trailer", 4, with_body(wrong_trailer())}};
  for (const auto& fault : kFaults) {
    fake.play(fault.script);
    auto saved = agent.run({"save", file, "--set", "etcd.stallTimeout=1s"});
    EXPECT_EQ(saved.exit_code, fault.exit_code) << fault.name << saved.text();
    EXPECT_THAT(test::error_line(saved), Not(IsEmpty())) << fault.name;
    EXPECT_EQ(test::read_file(file), "what was here before") << fault.name;
    agent.expect_nothing_left();
  }
  fake.play(test::good_script());
  auto saved = agent.run({"save", file});
  ASSERT_EQ(saved.exit_code, 0) << saved.text();
  EXPECT_EQ(agent.run({"verify", file}).exit_code, 0);
  struct stat info{};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST(Save, WithoutALeaderTakesTheDataAndSaysSo) {
  FakeGrpc fake(test::good_script(), {.leader = 0});
  Agent agent({.endpoints = {fake.endpoint()}});
  auto saved = agent.run({"save", agent.path("etcd.db")});
  EXPECT_EQ(saved.exit_code, 0) << saved.text();
  EXPECT_THAT(saved.err, HasSubstr("no leader, may be behind"));
}

TEST(Save, TakesOneValueAfterEachSetAndTheFileBehindThem) {
  FakeGrpc fake(test::good_script());
  Agent agent({.endpoints = {fake.endpoint()}});
  auto file = agent.path("behind.db");
  auto saved =
      agent.run({"save", "--set", "etcd.stallTimeout=5s", "--set", "verify.level=digest", file});
  EXPECT_EQ(saved.exit_code, 0) << saved.text();
  EXPECT_TRUE(std::filesystem::exists(file));
}

TEST(Prune, RefusesASetWithoutAValue) {
  FakeGrpc fake(test::good_script());
  Agent agent({.endpoints = {fake.endpoint()}});
  auto refused = agent.run({"prune", "--set", "retention.keepLast:20"});
  EXPECT_EQ(refused.exit_code, 2) << refused.text();
  EXPECT_THAT(refused.err, HasSubstr("--set KEY=VALUE"));
}

TEST(Save, RefusesTargetsThatAreNoFiles) {
  FakeGrpc fake(test::good_script());
  Agent agent({.endpoints = {fake.endpoint()}});
  EXPECT_EQ(agent.run({"save", agent.directory()}).exit_code, 2);
  EXPECT_EQ(agent.run({"save", "/dev/null"}).exit_code, 2);
  auto nowhere = agent.run({"save", agent.path("no/such/dir/etcd.db")});
  EXPECT_EQ(nowhere.exit_code, 2) << nowhere.text();
  EXPECT_THAT(nowhere.err, HasSubstr("no/such/dir"));
  EXPECT_THAT(test::read_file("/dev/null"), IsEmpty());
}

// A closed, full or unread standard output costs what is printed there, never the backup.
TEST(StandardOutput, MayBeFullOrClosedWhileTheBackupGoesOn) {
  FakeGrpc fake(test::good_script());
  Agent agent({.endpoints = {fake.endpoint()}});
  // Tests ignore SIGPIPE and children inherit that: the program has to do it itself.
  const auto kRun = "set -o pipefail; env --default-signal=PIPE " + agent.shell_word({"run"}) + " ";
  auto through_shell = [&](const std::string& to) {
    auto command = agent.command({"run"});
    command.argv = {"bash", "-c", kRun + to};
    return agent.run(command);
  };
  size_t made = 0;
  for (const auto* to : {">/dev/full", ">&-", "2>/dev/full >/dev/full", "<&- >&- 2>&-", "| true"}) {
    auto run = through_shell(to);
    EXPECT_EQ(run.exit_code, 0) << to << run.text();
    EXPECT_THAT(agent.sets(), SizeIs(++made)) << to;
  }
  EXPECT_THAT(through_shell(">/dev/full").err, HasSubstr("standard output could not be written"));
  auto save = agent.command({"save", "-"});
  save.argv = {"bash", "-c", agent.shell_word({"save", "-"}) + " >/dev/full"};
  auto full = agent.run(save);
  EXPECT_EQ(full.exit_code, 8) << full.text();
  for (const auto& set : agent.sets()) EXPECT_EQ(agent.run({"verify", set}).exit_code, 0) << set;
}

TEST(Umask, OfTheCallerOpensNothing) {
  FakeGrpc fake(test::good_script());
  Agent agent({.endpoints = {fake.endpoint()}});
  auto command = agent.command({"run"});
  command.argv = {"bash", "-c", "umask 000; exec " + agent.shell_word({"run"})};
  auto run = agent.run(command);
  ASSERT_EQ(run.exit_code, 0) << run.text();
  for (const auto& entry : std::filesystem::recursive_directory_iterator(agent.sets_directory())) {
    auto others = std::filesystem::perms::group_all | std::filesystem::perms::others_all;
    EXPECT_EQ(entry.status().permissions() & others, std::filesystem::perms::none) << entry.path();
  }
}

struct Usage {
  std::string name;
  std::vector<std::string> args;
  std::string message;
};
void PrintTo(const Usage& usage, std::ostream* out) { *out << usage.name; }

class UsageTable : public testing::TestWithParam<Usage> {};

TEST_P(UsageTable, ExitsWith2AndNamesWhatIsMeant) {
  Agent agent({.endpoints = {"http://127.0.0.1:9"}});
  auto run = agent.run(GetParam().args);
  EXPECT_EQ(run.exit_code, 2) << run.text();
  EXPECT_THAT(run.err, HasSubstr(GetParam().message));
  EXPECT_FALSE(std::filesystem::exists(agent.sets_directory()));
}

INSTANTIATE_TEST_SUITE_P(
    Table, UsageTable,
    testing::Values(Usage{"unknown_verb", {"rum"}, "unknown verb 'rum'; did you mean run?"},
                    Usage{"no_verb", {"--quiet"}, "--help"},
                    Usage{"unknown_flag", {"run", "--frobnicate"}, "frobnicate"},
                    Usage{"no_file", {"status"}, "FILE"},
                    Usage{"bad_format", {"list", "-o", "xml"}, "xml"},
                    Usage{"two_sets", {"run", "--set", "a", "--set", "b"}, "--set"},
                    Usage{"password_in_user", {"save", "--user", "root:x"}, "password"},
                    Usage{"bad_duration",
                          {"run", "--set", "retention.keepWithin=5 days"},
                          "retention.keepWithin"},
                    Usage{"bad_endpoint", {"run", "--endpoints", "ftp://127.0.0.1"}, "ftp://"},
                    Usage{"no_config", {"run", "--config", "/no/such/config"}, "/no/such/config"}),
    [](const auto& test) { return test.param.name; });

TEST(Config, NamesTheUnknownKeyItsLineAndTheNearestKnown) {
  Agent agent;
  agent.configure({.more = "retention:\n  keepLats: 5\n"});
  auto run = agent.run({"run"});
  EXPECT_EQ(run.exit_code, 2);
  auto lines = std::ranges::count(test::read_file(agent.config_file()), '\n');
  EXPECT_THAT(run.err, AllOf(HasSubstr(std::format("{}:{}", agent.config_file(), lines)),
                             HasSubstr("keepLats"), HasSubstr("keepLast")));
  EXPECT_EQ(outcome_of(run)["exit_name"], "usage") << run.text();
}

TEST(Config, RefusesANameOfAClusterThatNoSetCanCarry) {
  Agent agent;
  agent.configure({.cluster = "Prod_East", .endpoints = {"http://127.0.0.1:9"}});
  auto run = agent.run({"run"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, AllOf(HasSubstr("Prod_East"), HasSubstr("config.yaml:1"),
                             HasSubstr("1 to 63 of a-z")));
}

// What `check` would say of this host stands in the log of the job that failed.
TEST(Config, ShowsWhatWasLookedForInVainWhenEtcdIsOutOfReach) {
  FakeGrpc fake(test::good_script());
  Agent agent({.endpoints = {"https://127.0.0.1:9"}});
  const auto kMissing = HasSubstr("no CA certificate to check etcd with; looked for ");
  auto run = agent.run({"run", "--set", "etcd.profile=kubeadm"});
  EXPECT_EQ(run.exit_code, 3) << run.text();
  EXPECT_THAT(run.err, kMissing);
  EXPECT_THAT(outcome_of(run)["warnings"].dump(), kMissing);
  auto good = agent.run({"run", "--set", "etcd.profile=kubeadm", "--endpoints", fake.endpoint()});
  EXPECT_THAT(good.err, testing::Not(kMissing)) << "nobody missed it";
}

// A chart renders JSON.
TEST(Config, MayBeJson) {
  FakeGrpc fake(test::good_script());
  Agent agent;
  nlohmann::json config{{"cluster", "prod-east"},
                        {"etcd", {{"profile", "none"}, {"endpoints", {fake.endpoint()}}}},
                        {"resources", {{"include", {agent.host_tree()}}}},
                        {"local", {{"directory", agent.sets_directory()}, {"reserve", "1KiB"}}},
                        {"retention", {{"keepLast", 3}, {"keepWithin", "2d"}}}};
  test::write_file(agent.config_file(), config.dump(2));
  auto run = agent.run({"run"});
  EXPECT_EQ(run.exit_code, 0) << run.text();
  EXPECT_THAT(agent.sets(), SizeIs(1));
}

}  // namespace
}  // namespace snap::cli
