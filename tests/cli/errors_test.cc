// What each cause is told with: the thing, the cause, the next step, and the exit status. Names of
// cases carry the fault's id.
#include <cctype>

#include "cli/scenes.h"

namespace snap::cli {
namespace {

using test::Agent;
using test::FakeGrpc;
using test::FakeMember;
using test::SnapshotScript;
using testing::HasSubstr;
using Ending = SnapshotScript::Ending;

struct Cause {
  std::string name;
  std::vector<std::string> args;  // SET: the newest set; DIR: a directory of the test's own
  int exit_code;
  std::string message;
  std::string hint;
  SnapshotScript script = test::good_script();
  FakeMember member = {};
  std::string more = {};   // lines of the configuration
  std::string local = {};  // the same, below local:
};

void PrintTo(const Cause& c, std::ostream* out) { *out << c.name; }

SnapshotScript ending(Ending how) {
  auto script = test::good_script();
  script.stop_after = 9000;
  script.ending = how;
  return script;
}

SnapshotScript refusing(int status, const std::string& text) {
  SnapshotScript script{.stop_after = 0};
  script.grpc_status = status;
  script.grpc_message = text;
  return script;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  if (auto at = text.find(what); at != std::string::npos) text.replace(at, what.size(), by);
  return text;
}

class ErrorTable : public testing::TestWithParam<Cause> {};

TEST_P(ErrorTable, NamesThingCauseAndNextStep) {
  const auto& cause = GetParam();
  FakeGrpc good(test::good_script());
  Agent agent({.endpoints = {good.endpoint()}});
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  auto set = agent.sets().at(0);
  test::write_file(agent.path("member.db"), test::small_database());
  FakeGrpc fake(cause.script, cause.member);
  agent.configure({.endpoints = {fake.endpoint()}, .more = cause.more, .local = cause.local});
  std::vector<std::string> args;
  for (const auto& arg : cause.args)
    args.push_back(replaced(replaced(arg, "SET", set), "DIR", agent.directory()));
  auto said = agent.run(args);
  EXPECT_EQ(said.exit_code, cause.exit_code) << said.text();
  auto line = test::error_line(said);
  EXPECT_THAT(line, HasSubstr(cause.message)) << said.text();
  auto hint_at = line.rfind(" (" + cause.hint);
  ASSERT_NE(hint_at, std::string::npos) << said.text();
  EXPECT_TRUE(line.ends_with(")")) << "nothing follows the hint: " << line;
  EXPECT_FALSE(line.ends_with(".)")) << "a hint is a fragment: " << line;
  EXPECT_FALSE(std::isupper(static_cast<unsigned char>(line[hint_at + 2])) != 0 &&
               !line.substr(hint_at + 2).starts_with("YAML"))
      << "a hint begins in lower case: " << line;
}

INSTANTIATE_TEST_SUITE_P(
    Causes, ErrorTable,
    testing::Values(Cause{"E01_refused",
                          {"run", "--endpoints", "http://127.0.0.1:9"},
                          3,
                          "http://127.0.0.1:9: connection refused",
                          "is etcd running"},
                    Cause{"E03_unknown_name",
                          {"run", "--endpoints", "http://no-such-host.invalid:2379"},
                          3,
                          "cannot resolve no-such-host.invalid",
                          "check the name, or use an address"},
                    Cause{"E03_no_brackets",
                          {"run", "--endpoints", "https://::1:2379"},
                          2,
                          "etcd.endpoints",
                          "write"},
                    Cause{"E04_no_leader",
                          {"run"},
                          3,
                          "no leader",
                          "most members are down",
                          test::good_script(),
                          {.leader = 0}},
                    Cause{"E10_no_status",
                          {"run"},
                          3,
                          "the answer ended without a status",
                          "",
                          ending(Ending::end_stream)},
                    Cause{"E12_authentication",
                          {"run"},
                          3,
                          "user name is empty",
                          "authentication is on",
                          refusing(3, "etcdserver: user name is empty")},
                    Cause{"E12_permission",
                          {"run"},
                          3,
                          "permission denied",
                          "a snapshot needs an etcd user with the role root",
                          refusing(7, "etcdserver: permission denied")},
                    Cause{"E16_corrupt",
                          {"run"},
                          3,
                          "CORRUPT",
                          "replace the damaged member",
                          test::good_script(),
                          {.alarm = 2}},
                    Cause{"E17_learner",
                          {"run"},
                          3,
                          "only a learner answered",
                          "a learner's data may be far",
                          test::good_script(),
                          {.is_learner = true}},
                    Cause{"E22_no_maintenance",
                          {"run"},
                          3,
                          "unknown service",
                          "this is no etcd, or a proxy",
                          refusing(12, "unknown service etcdserverpb.Maintenance")},
                    Cause{"L01_no_room",
                          {"run"},
                          8,
                          "not enough space",
                          "",
                          test::good_script(),
                          {},
                          "",
                          "  reserve: 900TiB\n"},
                    Cause{"L09_parent_missing",
                          {"run", "--set", "local.directory=/no/such/place"},
                          2,
                          "/no/such",
                          ""},
                    Cause{"P11_newest_proven",
                          {"remove", "SET"},
                          2,
                          "it is the newest proven",
                          "it always stays"},
                    Cause{"P11_no_such_set",
                          {"remove", "prod-east_2020-01-01T000000Z_node-1"},
                          2,
                          "prod-east_2020-01-01T000000Z_node-1",
                          ""},
                    Cause{"P11_other_cluster",
                          {"remove", "prod-west_2020-01-01T000000Z_node-1"},
                          2,
                          "is a set of cluster prod-west",
                          "name the configuration of that cluster"},
                    Cause{"C01_unknown_key",
                          {"list"},
                          2,
                          "unknown key retention.keepLats",
                          "did you mean keepLast?",
                          test::good_script(),
                          {},
                          "retention:\n  keepLats: 5\n"},
                    Cause{"C01_not_closed",
                          {"list"},
                          2,
                          "a list in [ ] is not closed",
                          "add the ]",
                          test::good_script(),
                          {},
                          "verify: [a\n"},
                    Cause{"C01_tab",
                          {"list"},
                          2,
                          "indented by a tab",
                          "YAML wants spaces",
                          test::good_script(),
                          {},
                          "verify:\n\tlevel: digest\n"},
                    Cause{"C01_indentation",
                          {"list"},
                          2,
                          "config.yaml:",
                          "",
                          test::good_script(),
                          {},
                          "verify:\n    level: digest\n  other: x\n"},
                    Cause{"C03_cluster_name",
                          {"list", "--set", "cluster=Prod_20"},
                          2,
                          "cluster: \"Prod_20\"",
                          "use 1 to 63"},
                    Cause{"C04_password_in_a_flag",
                          {"save", "--user", "root:x", "DIR/x.db"},
                          2,
                          "a password must not stand on the command line",
                          "write it into a file"},
                    Cause{"C04_password_in_the_file",
                          {"run"},
                          2,
                          "unknown key",
                          "",
                          test::good_script(),
                          {},
                          "password: x\n"},
                    Cause{"C06_no_such_config",
                          {"list", "--config", "/no/such/config"},
                          2,
                          "/no/such/config",
                          "name another one with --config"}),
    [](const auto& test) { return test.param.name; });

// Not a failure of ours, so no hint: the findings are the answer.
TEST(RawDatabase, IsToldFromASnapshot) {
  Agent agent;
  test::write_file(agent.path("member.db"), test::small_database());
  auto said = agent.run({"verify", agent.path("member.db")});
  EXPECT_EQ(said.exit_code, 4);
  EXPECT_THAT(said.out, HasSubstr("no trailer: copied from a data directory?"));
  EXPECT_THAT(said.out, HasSubstr("--skip-hash-check"));
}

TEST(Prune, SaysWhenTheClusterIsNotTheOneOfTheSets) {
  FakeGrpc fake(test::good_script());
  Agent agent({.endpoints = {fake.endpoint()}});
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  const std::string kText = "no set of cluster prod-eats is here; there are sets of prod-east";
  auto prune = agent.run({"prune", "--dry-run", "--set", "cluster=prod-eats"});
  EXPECT_EQ(prune.exit_code, 0) << prune.text();
  EXPECT_THAT(prune.err, HasSubstr(kText));
  EXPECT_THAT(agent.run({"check", "--set", "cluster=prod-eats"}).out, HasSubstr(kText));
  EXPECT_THAT(agent.run({"prune", "--dry-run"}).err, testing::Not(HasSubstr("no set of")));
}

TEST(Prune, LooksWithoutTheLockAndNamesARunUnderWay) {
  FakeGrpc fake(test::good_script());
  Agent agent({.endpoints = {fake.endpoint()}});
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  EXPECT_THAT(agent.run({"prune", "--dry-run"}).err, testing::Not(HasSubstr("at work")));
  fake.play(test::slow_script());
  test::Process slow(agent.command({"run"}));
  ASSERT_TRUE(test::wait_until([&] { return fake.requests("Snapshot") == 2; }));
  auto look = agent.run({"prune", "--dry-run"});
  EXPECT_EQ(look.exit_code, 0) << look.text();
  EXPECT_THAT(look.err, HasSubstr("another command is at work and may change this: pid " +
                                  std::to_string(slow.pid())));
  EXPECT_THAT(look.out, HasSubstr("keep"));
  EXPECT_EQ(agent.run({"prune"}).exit_code, 7);
}

}  // namespace
}  // namespace snap::cli
