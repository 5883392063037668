// Snapshots that stand still, or nearly.
#include <regex>
#include <set>

#include "faults/proxied.h"

namespace snap::faults {
namespace {

using namespace std::chrono_literals;
using test::Agent;
using test::Before;
using test::FakeGrpc;
using test::SnapshotScript;
using test::wait_until;
using testing::HasSubstr;

// F-E07: the clock of the stall runs from the last progress, and ends within a second of its limit.
TEST(Stall, EndsAtItsLimitAndSaysWhere) {
  Proxied scene({}, 5);
  ASSERT_EQ(scene.run().exit_code, 0);
  Before before(scene.agent);
  scene.play({.to_client = {.stall_at = kInTheMiddle}});
  auto run = scene.run("2s");
  for (const auto& stage : test::outcome_of(run)["stages"]) {
    if (stage["name"] != "take") continue;
    EXPECT_GE(stage["seconds"], 2.0);
    EXPECT_LT(stage["seconds"], 3.5);  // half a second for what came before it
  }
  expect_outcome(scene.agent, before, run,
                 test::fails(3).in("take").saying("no progress for 2 s at ").saying(" MB"), [&] {
                   scene.play({});
                   return scene.run();
                 });
}

// F-E07 and F-E26: a member that stands still, in the middle and from the beginning.
TEST(Stall, OfOneMemberIsAnothersTurn) {
  Proxied scene({.members = 3}, kMoreThanBuffersHold);
  ASSERT_EQ(scene.run().exit_code, 0);
  Before before(scene.agent);
  scene.play({.to_client = {.stall_at = kInTheMiddle}});
  auto run = scene.in_background("2s");
  auto serving = scene.serving();
  ASSERT_GE(serving, 0);
  scene.play({});
  scene.cluster.pause(serving);
  expect_outcome(scene.agent, before, scene.finished(run),
                 test::succeeds().warning("no progress for 2 s at ").and_others());
  // A defragmentation blocks a member for a long time: it answers nothing.
  scene.agent.configure({.endpoints = scene.cluster.endpoints(), .more = kKeepOne});
  Before again(scene.agent);
  auto blocked = scene.run();
  scene.cluster.resume(serving);
  expect_outcome(
      scene.agent, again, blocked,
      test::succeeds()
          .warning("endpoint skipped: " + scene.cluster.endpoints()[static_cast<size_t>(serving)] +
                   ": no answer within 10 s")
          .and_others());
}

// F-E26: the only member is waited for within the limit.
TEST(Stall, ThatEndsInTimeIsNoFailure) {
  Proxied scene({}, kMoreThanBuffersHold);
  Before before(scene.agent);
  scene.play({.to_client = {.stall_at = kInTheMiddle}});
  auto run = scene.in_background("10s");
  ASSERT_EQ(scene.serving(), 0);
  scene.cluster.pause(0);
  scene.proxies[0]->release();
  auto blocked_until = std::chrono::steady_clock::now() + 3s;
  ASSERT_TRUE(wait_until([&] { return std::chrono::steady_clock::now() > blocked_until; }));
  EXPECT_TRUE(run.running());
  scene.cluster.resume(0);
  expect_outcome(scene.agent, before, scene.finished(run), test::succeeds());
}

// About `kib` KiB behind a line of 64 KiB/s.
struct Slow : Proxied {
  explicit Slow(int kib) : Proxied({}, 0) {
    for (int i = 0; i < kib / 60; ++i)
      cluster.ctl({"put", "/registry/slow/" + std::to_string(i)}, std::string(60 << 10, 'x'));
    play({.to_client = {.bytes_per_second = 64 << 10}});
  }
};

// F-E07: 64 KiB/s for more than three times the stall limit. Who waits is told how long.
TEST(SlowStream, IsNoStall) {
  Slow scene(300);
  Before before(scene.agent);
  auto run = scene.run("1s");
  EXPECT_GT(run.wall_seconds, 5);
  EXPECT_THAT(run.err, testing::ContainsRegex(
                           "taking the snapshot: [0-9]+ kB of [^\n]*%\\), [0-9]+ kB/s, .* left\n"));
  expect_outcome(scene.agent, before, run, test::succeeds().within(25s));
}

// Judged by its bytes, not by a clock: 100 kB are a second and a half.
TEST(SlowStream, ShowsItsFirstSecondsOnATerminal) {
  Slow scene(180);
  auto command = scene.agent.command({"run"});
  command.argv = {"script", "-qec", "stty cols 100; " + scene.agent.shell_word({"run"}),
                  "/dev/null"};
  command.env["TERM"] = "xterm";
  auto run = scene.agent.run(command);
  ASSERT_EQ(run.exit_code, 0) << run.text();
  static const std::regex kBar("taking the snapshot \\[[=> ]*\\] [0-9]+ % ([0-9]+) kB");
  std::set<int> drawn;
  for (std::sregex_iterator it(run.out.begin(), run.out.end(), kBar), end; it != end; ++it)
    drawn.insert(std::stoi(it->str(1)));
  ASSERT_GE(drawn.size(), 5U) << run.text();
  EXPECT_LT(*drawn.begin(), 100);
  EXPECT_THAT(run.out, HasSubstr(" kB/s "));
}

// F-E08: messages that bring nothing, at the beginning and in the middle.
TEST(EmptyMessages, AreAStallAndCostNoProcessor) {
  FakeGrpc fake(test::good_script());
  Agent agent({.endpoints = {fake.endpoint()}});
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  const SnapshotScript kEndless[] = {
      {.body = "", .repeat = test::snapshot_message(12288, "")},
      {.body = test::snapshot_message(1 << 20, std::string(4096, 'a')),
       .repeat = test::snapshot_message(1 << 20, "")}};
  for (const auto& script : kEndless) {
    Before before(agent);
    fake.play(script);
    auto run = agent.run({"run", "--set", "etcd.stallTimeout=3s"});
    EXPECT_LT(run.cpu_seconds, 1);
    expect_outcome(agent, before, run,
                   test::fails(3).in("take").saying("no progress for 3 s").within(5s), [&] {
                     fake.play(test::good_script());
                     return agent.run({"run"});
                   });
  }
}

}  // namespace
}  // namespace snap::faults
