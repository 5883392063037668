// Terminals of all kinds, and none. F-C07
#include <regex>

#include "base/text.h"
#include "cli/scenes.h"

namespace snap::cli {
namespace {

using test::Agent;
using test::FakeGrpc;
using test::Finished;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Terminal : public testing::Test {
 protected:
  Terminal() { agent.configure({.endpoints = {fake.endpoint()}}); }

  static test::SnapshotScript slow_enough_to_draw() {
    test::SnapshotScript script{.body = test::snapshot_body(test::small_database(2000))};
    script.pause = std::chrono::milliseconds(20);
    return script;
  }

  // On a pseudo terminal; both streams come back as one. `shell`: RUN stands for the program.
  Finished on_terminal(std::string shell, const std::string& term) {
    auto command = agent.command({"run"});
    shell.replace(shell.find("RUN"), 3, agent.shell_word({"run"}));
    command.argv = {"script", "-qec", shell, "/dev/null"};
    command.env["TERM"] = term;
    return agent.run(command);
  }

  // What was drawn below the log.
  static std::vector<std::string> drawn(const Finished& finished) {
    std::vector<std::string> lines;
    static const std::regex kLine("\r\x1b\\[K([^\r\n]*)");
    for (std::sregex_iterator it(finished.out.begin(), finished.out.end(), kLine), end; it != end;
         ++it) {
      if (it->str(1).contains('%')) lines.push_back(it->str(1));
    }
    return lines;
  }

  FakeGrpc fake{slow_enough_to_draw()};
  Agent agent;
};

TEST_F(Terminal, ShowsABarWithARate) {
  auto run = on_terminal("stty cols 100; RUN", "xterm");
  ASSERT_EQ(run.exit_code, 0) << run.text();
  EXPECT_THAT(drawn(run),
              testing::Contains(AllOf(HasSubstr("taking the snapshot ["), HasSubstr("/s"))));
}

TEST_F(Terminal, OfTenColumnsIsNotOverflown) {
  auto run = on_terminal("stty cols 10; RUN", "xterm");
  ASSERT_EQ(run.exit_code, 0) << run.text();
  auto lines = drawn(run);
  EXPECT_THAT(lines, Not(testing::IsEmpty()));
  for (const auto& line : lines) EXPECT_LT(line.size(), 10U) << line;
}

TEST_F(Terminal, MayChangeItsSizeAtAnyTime) {
  auto run = on_terminal(
      "stty cols 100; RUN & p=$!; stty cols 10; kill -WINCH $p; stty cols 9; kill -WINCH $p; wait "
      "$p",
      "xterm");
  ASSERT_EQ(run.exit_code, 0) << run.text();
  auto lines = drawn(run);
  ASSERT_THAT(lines, Not(testing::IsEmpty()));
  EXPECT_LT(lines.back().size(), 9U);
}

TEST_F(Terminal, WithoutSkillsGetsPlainLines) {
  for (const auto* term : {"dumb", ""}) {
    auto run = on_terminal("RUN", term);
    ASSERT_EQ(run.exit_code, 0) << run.text();
    EXPECT_THAT(run.out, AllOf(Not(HasSubstr("\x1b")), HasSubstr(" info  published ")));
  }
  auto unset = on_terminal("unset TERM; RUN", "xterm");
  EXPECT_THAT(unset.out, AllOf(Not(HasSubstr("\x1b")), HasSubstr(" info  published ")));
}

TEST_F(Terminal, HasColoursUnlessTheyAreNotWanted) {
  auto warned = "RUN --endpoints http://127.0.0.1:9";
  EXPECT_THAT(on_terminal(warned, "xterm").out, HasSubstr("\x1b[31merror"));
  for (const auto* wish : {"NO_COLOR=1 ", "TERM=dumb "})
    EXPECT_THAT(on_terminal(wish + std::string(warned), "xterm").out, Not(HasSubstr("\x1b[3")))
        << wish;
  EXPECT_THAT(on_terminal("NO_COLOR= " + std::string(warned), "xterm").out, HasSubstr("\x1b[31m"));
}

TEST_F(Terminal, MayBeMissingAltogether) {
  auto command = agent.command({"run"});
  command.argv.insert(command.argv.begin(), {"setsid", "--wait"});
  auto run = agent.run(command);
  ASSERT_EQ(run.exit_code, 0) << run.text();
  EXPECT_THAT(run.err, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\r"))));
  EXPECT_EQ(outcome_of(run)["trigger"], "schedule");
}

}  // namespace
}  // namespace snap::cli
