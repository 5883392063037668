// What each cause is told with: the thing, the cause, the next step, and the exit status. Names of
// cases carry the fault's id.
#include <cctype>

#include "cli/causes.h"
#include "support/names.h"

namespace snap::cli {
namespace {

using test::Agent;
using test::FakeGrpc;
using testing::HasSubstr;

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
  return text;
}

class ErrorTable : public testing::TestWithParam<Cause> {};

TEST_P(ErrorTable, NamesThingCauseAndNextStep) {
  const auto& cause = GetParam();
  if (cause.message.starts_with("cannot resolve")) test::know_only_hosts();
  FakeGrpc good(test::good_script());
  Agent agent({.endpoints = {good.endpoint()}});
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  auto set = agent.sets().at(0);
  test::write_file(agent.path("member.db"), test::small_database());
  const auto& wrong = cause.wrong;
  FakeGrpc fake(wrong.script, wrong.member);
  auto filled = [&](std::string text) {
    return replaced(replaced(std::move(text), "SET", set), "DIR", agent.directory());
  };
  agent.configure({.endpoints = {fake.endpoint()},
                   .more = filled(wrong.more),
                   .local = wrong.local,
                   .include = wrong.include});
  std::vector<std::string> args;
  for (const auto& arg : cause.args) args.push_back(filled(arg));
  auto said = agent.run(args);
  EXPECT_EQ(said.exit_code, cause.exit_code) << said.text();
  auto line = test::error_line(said);
  EXPECT_THAT(line, HasSubstr(filled(cause.message))) << said.text();
  auto hint_at = line.rfind(" (" + cause.hint);
  ASSERT_NE(hint_at, std::string::npos) << said.text();
  EXPECT_TRUE(line.ends_with(")")) << "nothing follows the hint: " << line;
  EXPECT_FALSE(line.ends_with(".)")) << "a hint is a fragment: " << line;
  EXPECT_FALSE(std::isupper(static_cast<unsigned char>(line[hint_at + 2])) != 0 &&
               !line.substr(hint_at + 2).starts_with("YAML"))
      << "a hint begins in lower case: " << line;
}

INSTANTIATE_TEST_SUITE_P(Causes, ErrorTable, testing::ValuesIn(causes()),
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
