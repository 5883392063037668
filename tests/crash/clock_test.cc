// Clocks that step (F-L11, F-L12, F-P05): names stay unique, and retention is not fooled. By
// libfaketime; the monotonic clock stays real.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/scenes.h"
#include "crash/rig.h"

namespace snap::crash {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class SteppedClock : public testing::Test {
 protected:
  // A run at a moment that stands still.
  test::Finished run_at(const std::string& time, const Names& args = {"run"}) {
    auto command = rig.agent.command(args);
    Names faketime{"faketime", "--exclude-monotonic", "-f", time};
    command.argv.insert(command.argv.begin(), faketime.begin(), faketime.end());
    command.env["TZ"] = "UTC";
    auto finished = rig.agent.run(command);
    EXPECT_EQ(finished.exit_code, 0) << finished.text();
    return finished;
  }
  static std::string set_of(const test::Finished& run) { return outcome_of(run)["set"]; }
  static std::string warnings_of(const test::Finished& run) {
    return outcome_of(run)["warnings"].dump();
  }

  Rig rig{"{keepLast: 2, keepWithin: 0s}"};
};

TEST_F(SteppedClock, TwoStartsInOneSecondHaveTwoNames) {  // F-L11, F-L12
  auto first = run_at("2026-03-01 12:00:00");
  EXPECT_EQ(set_of(first), "prod-east_2026-03-01T120000Z_node-1");
  auto before = rig.contents();
  auto second = run_at("2026-03-01 12:00:00");
  EXPECT_EQ(set_of(second), "prod-east_2026-03-01T120001Z_node-1");
  EXPECT_THAT(warnings_of(second), HasSubstr("a set with this start exists already"));
  EXPECT_THAT(rig.agent.sets(), ElementsAre(set_of(first), set_of(second)));
  for (const auto& [file, content] : before) EXPECT_EQ(rig.contents()[file], content) << file;
  rig.expect_listed_sets_sound();
}

TEST_F(SteppedClock, BackByAnHourTakesNothingAway) {  // F-L12
  auto first = run_at("2026-03-01 12:00:00");
  auto second = run_at("2026-03-01 11:00:00");
  EXPECT_EQ(set_of(second), "prod-east_2026-03-01T110000Z_node-1");
  EXPECT_THAT(rig.agent.sets(), ElementsAre(set_of(second), set_of(first)));
  EXPECT_THAT(warnings_of(second), HasSubstr("dated in the future"));
  rig.expect_listed_sets_sound();
}

TEST_F(SteppedClock, OfAnotherCenturyPushesNoSetOut) {  // F-L12, F-P05
  auto first = run_at("2026-03-01 12:00:00");
  auto second = run_at("2026-03-01 13:00:00");
  auto future = run_at("2099-01-01 00:00:00");
  EXPECT_EQ(set_of(future), "prod-east_2099-01-01T000000Z_node-1");
  // Right again: the set of the future counts for nothing, the two newest stay.
  auto third = run_at("2026-03-01 14:00:00");
  EXPECT_THAT(warnings_of(third), HasSubstr(set_of(future)));
  EXPECT_THAT(rig.agent.sets(), ElementsAre(set_of(second), set_of(third), set_of(future)));
  auto fourth = run_at("2026-03-01 15:00:00");
  EXPECT_THAT(rig.agent.sets(), ElementsAre(set_of(third), set_of(fourth), set_of(future)));
  EXPECT_THAT(rig.agent.sets(), Not(testing::Contains(set_of(first))));
  rig.expect_listed_sets_sound();
  // It goes when it is told to.
  auto removed = rig.agent.run({"remove", set_of(future)});
  EXPECT_EQ(removed.exit_code, 0) << removed.text();
}

// A set that is gone leaves its name to no other one: not within its second, and not when the clock
// was set back to it.
TEST_F(SteppedClock, GivesNoNameTwiceThoughTheSetIsGone) {  // F-L12
  auto first = set_of(run_at("2026-03-01 12:00:00"));
  auto second = set_of(run_at("2026-03-01 12:00:00"));
  EXPECT_EQ(second, "prod-east_2026-03-01T120001Z_node-1");
  auto third = set_of(run_at("2026-03-01 12:00:02"));
  EXPECT_THAT(rig.agent.sets(), ElementsAre(second, third)) << first << " is pruned";
  EXPECT_EQ(set_of(run_at("2026-03-01 12:00:00")), "prod-east_2026-03-01T120003Z_node-1");
  // Also a name that was given comes from nobody else again; the one who gave it may.
  rig.agent.run({"remove", second, "--force"});
  EXPECT_EQ(set_of(run_at("2026-03-01 12:00:01")), "prod-east_2026-03-01T120004Z_node-1");
  EXPECT_EQ(set_of(run_at("2026-03-01 12:10:00", {"run", "--set", first})), first);
}

// The clock is set while the snapshot flows: nothing that waits is in a hurry or waits longer, and
// the set does not end before it began.
class SetWhileItWorks : public testing::TestWithParam<std::string> {};
TEST_P(SetWhileItWorks, IsNoStallAndNoEndBeforeTheStart) {  // F-L13
  auto script = test::good_script();
  script.chunk_bytes = script.body.size() / 20;
  script.pause = std::chrono::milliseconds(100);
  test::FakeGrpc fake(script);
  test::Agent agent({.endpoints = {fake.endpoint()}});
  fs::path library;
  for (const auto& entry : fs::recursive_directory_iterator("/usr/lib")) {
    if (entry.path().filename() == "libfaketimeMT.so.1") library = entry.path();
  }
  ASSERT_FALSE(library.empty()) << "install the package faketime";
  auto clock = agent.path("clock");
  test::write_file(clock, "+0");
  auto command = agent.command({"run", "--set", "etcd.stallTimeout=2s"});
  command.env.insert({{"LD_PRELOAD", library},
                      {"FAKETIME_TIMESTAMP_FILE", clock},
                      {"FAKETIME_NO_CACHE", "1"},
                      {"FAKETIME_DONT_FAKE_MONOTONIC", "1"}});
  command.output_file = agent.path("output");
  test::Process run(command);
  ASSERT_TRUE(test::wait_until([&] { return fake.requests("Snapshot") == 1; }));
  test::write_file(clock, GetParam());
  auto ended = run.wait(std::chrono::seconds(20));
  ASSERT_TRUE(ended);
  auto said = test::read_file(command.output_file);
  EXPECT_EQ(ended->exit_code, 0) << said;
  ASSERT_EQ(agent.sets().size(), 1U);
  auto manifest = agent.manifest_of(agent.sets()[0]);
  EXPECT_GE(manifest["finished"], manifest["started"]);
  auto outcome = test::outcome_of({.out = said});
  EXPECT_GE(outcome["finished"], outcome["started"]);
  for (const auto& stage : outcome["stages"]) EXPECT_LT(stage["seconds"], 20) << stage;
  // The log tells the time as it is: so the clock was set, and in the middle of the run.
  Names days;
  for (const auto& line : split(said, '\n'))
    if (line.starts_with("20")) days.push_back(line.substr(0, 10));
  ASSERT_THAT(days, testing::SizeIs(testing::Gt(1))) << said;
  EXPECT_NE(days.front(), days.back()) << said;
  EXPECT_EQ(days.front() < days.back(), GetParam().starts_with('+')) << said;
  agent.expect_nothing_left();
}
INSTANTIATE_TEST_SUITE_P(By, SetWhileItWorks, testing::Values("-90000", "+90000"),
                         [](const auto& test) {
                           return std::string(test.param[0] == '+' ? "a_day_ahead" : "a_day_back");
                         });

struct Taken {
  std::string name;
  void (*take)(const std::string& path);
};
void PrintTo(const Taken& c, std::ostream* out) { *out << c.name; }
class TakenName : public SteppedClock, public testing::WithParamInterface<Taken> {};
TEST_P(TakenName, IsNotOurs) {  // F-L11
  fs::create_directory(rig.agent.sets_directory());
  fs::permissions(rig.agent.sets_directory(), fs::perms(0700));
  auto path = rig.agent.set_path("prod-east_2026-03-01T120000Z_node-1");
  GetParam().take(path);
  auto command = rig.agent.command({"run"});
  Names faketime{"faketime", "--exclude-monotonic", "-f", "2026-03-01 12:00:00"};
  command.argv.insert(command.argv.begin(), faketime.begin(), faketime.end());
  command.env["TZ"] = "UTC";
  auto run = rig.agent.run(command);
  EXPECT_EQ(run.exit_code, 1) << run.text();
  EXPECT_THAT(run.err, HasSubstr("exists"));
  EXPECT_THAT(rig.agent.sets(), ElementsAre("prod-east_2026-03-01T120000Z_node-1"));
  rig.expect_tidy();
}
INSTANTIATE_TEST_SUITE_P(
    By, TakenName,
    testing::Values(Taken{"empty_directory", [](const std::string& p) { fs::create_directory(p); }},
                    Taken{"file", [](const std::string& p) { test::write_file(p, "mine"); }},
                    Taken{"symlink",
                          [](const std::string& p) { fs::create_directory_symlink("/", p); }}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace snap::crash
