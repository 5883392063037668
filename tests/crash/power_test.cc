// Power loss at every step of run, prune and remove (F-L15).
//
// The commands' calls are traced and replayed in a model of a file system that keeps on the disk
// only what was synced: at each step the power goes, and of what was not synced by then a drawn
// part is lost: bytes of files (cut, or zeros of the full size) and names in directories, each on
// its own. No state that can remain shows a manifest whose files are short or absent; what was
// durable before stays; and `list` and the next run cope with it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <format>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "crash/disk_model.h"
#include "crash/watched.h"

namespace snap::crash {
namespace {

namespace fs = std::filesystem;

constexpr int kDrawsPerStep = 6;

class PowerLoss : public testing::Test {
 protected:
  // Traces a command that succeeds. Returns its calls; the disk is as it was before them.
  std::vector<DiskCall> traced(const Names& args) {
    before_ = read_disk(rig.agent.sets_directory());
    Fault every{
        "openat,mkdir,mkdirat,write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,"
        "unlink,unlinkat,ftruncate,lseek",
        ""};
    auto command = rig.traced(every, args);
    command.argv.insert(command.argv.begin() + 1, {"-y", "-xx", "-s", "1000000"});
    auto finished = rig.agent.run(command);
    EXPECT_EQ(finished.exit_code, 0) << finished.text();
    return parse_calls(test::read_file(rig.agent.path("trace")), rig.agent.sets_directory());
  }

  // Puts a state on the real disk, in the place of the sets.
  void materialise(const DiskModel::State& state) {
    fs::remove_all(rig.agent.sets_directory());
    write_disk(state, rig.agent.sets_directory());
  }

  // What was durable before and which no step removes, and what `done` made durable.
  void expect_sound(const DiskModel::State& state, const std::set<std::string>& whole) {
    materialise(state);
    auto view = test::look_at(rig.agent.sets_directory());
    for (const auto& [name, set] : view.sets)
      EXPECT_TRUE(set.whole) << name << " shows a manifest, and " << set.problem;
    bool had_one = std::ranges::any_of(
        before_, [](const auto& file) { return file.first.ends_with("/manifest.json"); });
    EXPECT_TRUE(!had_one || !view.sets.empty()) << "the old set is gone before the new one is safe";
    for (const auto& name : whole)
      EXPECT_TRUE(view.sets.contains(name)) << name << " was durable, and is gone";
  }

  void expect_commands_cope() {
    auto listed = rig.agent.run({"list"});
    EXPECT_EQ(listed.exit_code, 0) << listed.text();
    auto next = rig.agent.run({"run", "--set", rig.next_name()});
    EXPECT_EQ(next.exit_code, 0) << next.text();
    rig.expect_listed_sets_sound();
    rig.expect_tidy();
  }

  // The power goes after each of the calls. `whole` stays at every step, `at_end` is there after
  // the last one, `gone` is not.
  void lose_power(const std::vector<DiskCall>& calls, const std::set<std::string>& whole,
                  const std::set<std::string>& at_end, const std::string& gone) {
    std::mt19937 random(20261121);
    std::set<DiskModel::State> seen;
    DiskModel disk(before_);
    size_t cope = 0;
    for (size_t step = 0; step <= calls.size() && !HasFailure(); ++step) {
      if (step > 0) disk.apply(calls[step - 1]);
      for (int i = 0; i < kDrawsPerStep && !HasFailure(); ++i) {
        // The first two: everything that may be lost is, and nothing is.
        auto state = i == 0 ? disk.nothing_more() : i == 1 ? disk.everything() : disk.draw(random);
        if (!seen.insert(state).second) continue;
        SCOPED_TRACE(std::format("after {} of {} calls ({}), draw {}", step, calls.size(),
                                 step == 0 ? "none" : calls[step - 1].text, i));
        expect_sound(state, whole);
        // Every state is listed and run upon once in a while: each takes real commands.
        if (cope++ % 4 == 0) expect_commands_cope();
      }
    }
    // It has ended with 0: what it said is durable, whatever of the rest is lost.
    for (int i = 0; i < 20 && !HasFailure(); ++i) {
      SCOPED_TRACE("after the end");
      auto state = i == 0 ? disk.nothing_more() : disk.draw(random);
      expect_sound(state, at_end);
      EXPECT_FALSE(test::look_at(rig.agent.sets_directory()).sets.contains(gone)) << gone;
    }
    std::cout << std::format("{} calls, {} states, commands on {}\n", calls.size(), seen.size(),
                             (cope + 3) / 4);
    EXPECT_GT(seen.size(), calls.size());
  }

  Rig rig;
  Disk before_;
};

TEST_F(PowerLoss, DuringARun) {
  auto old = rig.make_set();
  auto name = rig.next_name();
  auto calls = traced({"run", "--set", name, "--no-prune"});
  lose_power(calls, {old}, {old, name}, "");
}

TEST_F(PowerLoss, DuringTheFirstRun) {
  fs::create_directory(rig.agent.sets_directory());
  fs::permissions(rig.agent.sets_directory(), fs::perms(0700));
  auto name = rig.next_name();
  auto calls = traced({"run", "--set", name});
  lose_power(calls, {}, {name}, "");
}

TEST_F(PowerLoss, DuringARunThatPrunes) {
  auto old = rig.make_set();
  auto name = rig.next_name();
  auto calls = traced({"run", "--set", name});
  lose_power(calls, {}, {name}, old);
}

TEST_F(PowerLoss, DuringPrune) {
  auto old = rig.make_set();
  auto newest = rig.make_set({"--no-prune"});
  auto calls = traced({"prune"});
  lose_power(calls, {newest}, {newest}, old);
}

TEST_F(PowerLoss, DuringRemove) {
  auto old = rig.make_set();
  auto newest = rig.make_set({"--no-prune"});
  auto calls = traced({"remove", old, "--force"});
  lose_power(calls, {newest}, {newest}, old);
}

// The model itself: what was not synced can be lost, what was cannot.
TEST(DiskModel, LosesWhatWasNotSynced) {
  DiskModel disk({{"a", "old"}});
  disk.apply({.kind = DiskCall::create, .path = "b"});
  disk.apply({.kind = DiskCall::write, .path = "b", .data = "text"});
  EXPECT_FALSE(disk.nothing_more().contains("b"));
  EXPECT_EQ(disk.everything().at("b"), "text");
  disk.apply({.kind = DiskCall::sync, .path = "b"});
  EXPECT_FALSE(disk.nothing_more().contains("b")) << "its name is not durable";
  disk.apply({.kind = DiskCall::sync, .path = ""});
  EXPECT_EQ(disk.nothing_more().at("b"), "text");
  disk.apply({.kind = DiskCall::rename, .path = "b", .to = "c"});
  EXPECT_TRUE(disk.nothing_more().contains("b"));
  EXPECT_TRUE(disk.everything().contains("c"));
  disk.apply({.kind = DiskCall::remove, .path = "a"});
  EXPECT_EQ(disk.nothing_more().at("a"), "old");
  EXPECT_FALSE(disk.everything().contains("a"));
  disk.apply({.kind = DiskCall::sync, .path = ""});
  EXPECT_FALSE(disk.nothing_more().contains("a"));
  EXPECT_FALSE(disk.nothing_more().contains("b"));
}

TEST(DiskModel, CanShowANameWithoutItsBytes) {
  std::mt19937 random(1);
  DiskModel disk({});
  disk.apply({.kind = DiskCall::create, .path = "manifest.json"});
  disk.apply({.kind = DiskCall::write, .path = "manifest.json", .data = "text"});
  std::set<std::string> found;
  for (int i = 0; i < 200; ++i) {
    auto state = disk.draw(random);
    found.insert(state.contains("manifest.json") ? state.at("manifest.json") : "none");
  }
  EXPECT_THAT(found, testing::IsSupersetOf(Names{"none", "", "text", std::string(4, '\0')}));
}

}  // namespace
}  // namespace snap::crash
