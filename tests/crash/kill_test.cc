// SIGKILL at system calls drawn by chance (F-L14, F-P07): afterwards there is the old state or the
// new one, and the next command repairs the rest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <format>
#include <nlohmann/json.hpp>
#include <random>

#include "crash/rig.h"

namespace snap::crash {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

const Names kCalls{"openat",  "write",   "pwrite64", "fsync",     "close", "renameat2", "renameat",
                   "rename",  "mkdirat", "unlinkat", "ftruncate", "flock", "sendto",    "sendmsg",
                   "connect", "pread64", "read",     "fcntl",     "clone3"};

// Draws a call that a command makes, and one of its occurrences.
class Draw {
 public:
  Draw(const Rig& rig, const Names& args) : random_(test_seed()) {
    for (const auto& [call, times] : rig.count_calls(kCalls, args))
      calls_.emplace_back(call, times);
  }
  Fault kill() {
    const auto& [call, times] = calls_[random_() % calls_.size()];
    return {
        .calls = call,
        .what = std::format("signal=KILL:when={}", 1 + random_() % static_cast<unsigned>(times))};
  }

 private:
  std::mt19937 random_;
  std::vector<std::pair<std::string, int>> calls_;
};

// Sets that were there before and are there now have not changed.
void expect_unchanged(const std::map<std::string, std::string>& before,
                      const std::map<std::string, std::string>& after) {
  for (const auto& [file, content] : after) {
    auto old = before.find(file);
    EXPECT_TRUE(old == before.end() || content == old->second) << file << " has changed";
  }
}

TEST(Kill, OfARunLeavesTheOldStateOrTheNewOne) {
  Rig rig;
  rig.make_set();
  auto newest = rig.next_name();
  Draw draw(rig, {"run", "--set", newest});
  int killed = 0;
  const int count = trials(50);
  for (int i = 0; i < count && !testing::Test::HasFailure(); ++i) {
    auto fault = draw.kill();
    auto name = rig.next_name();
    SCOPED_TRACE(std::format("trial {}: {} {}", i, fault.calls, fault.what));
    auto before = rig.contents();
    auto run = rig.with_fault(fault, {"run", "--set", name});
    if (run.finished.signal == 9) {
      ++killed;
    } else {
      EXPECT_EQ(run.finished.exit_code, 0) << run.finished.text();
    }
    auto listed = rig.expect_listed_sets_sound();
    ASSERT_FALSE(listed.empty());
    EXPECT_GE(listed.back(), newest) << "the newest proven set is gone, and no newer one is there";
    expect_unchanged(before, rig.contents());

    auto left = rig.leftovers();
    newest = rig.next_name();
    auto next = rig.agent.run({"run", "--set", newest});
    EXPECT_EQ(next.exit_code, 0) << next.text();
    EXPECT_THAT(outcome_of(next)["places"][0]["leftovers_removed"], SizeIs(left.size()))
        << next.text();
    EXPECT_THAT(rig.agent.sets(), ElementsAre(newest)) << "what was pruned in part is gone";
    EXPECT_THAT(rig.expect_listed_sets_sound(), ElementsAre(newest));
    rig.expect_tidy();
  }
  EXPECT_GT(killed, count / 2) << "too few of the drawn calls were made";
}

class KillOf : public testing::TestWithParam<std::string> {};
TEST_P(KillOf, LeavesWholeSetsAndIsRepairedByPrune) {
  Rig rig;
  auto args = [&](const std::string& set) {
    return GetParam() == "remove" ? Names{"remove", set, "--force"} : Names{"prune"};
  };
  auto old = rig.make_set();
  auto newest = rig.make_set({"--no-prune"});
  Draw draw(rig, args(old));
  int killed = 0;
  const int count = trials(12);
  for (int i = 0; i < count && !testing::Test::HasFailure(); ++i) {
    old = newest;
    newest = rig.make_set({"--no-prune"});
    auto before = rig.contents();
    auto fault = draw.kill();
    SCOPED_TRACE(std::format("trial {}: {} {}", i, fault.calls, fault.what));
    auto faulted = rig.with_fault(fault, args(old));
    if (faulted.finished.signal == 9) ++killed;
    auto listed = rig.expect_listed_sets_sound();
    ASSERT_FALSE(listed.empty());
    EXPECT_EQ(listed.back(), newest);
    expect_unchanged(before, rig.contents());

    auto pruned = rig.agent.run({"prune"});
    EXPECT_EQ(pruned.exit_code, 0) << pruned.text();
    EXPECT_THAT(rig.agent.sets(), ElementsAre(newest));
    rig.expect_tidy();
  }
  EXPECT_GT(killed, count / 3);
}
INSTANTIATE_TEST_SUITE_P(Verb, KillOf, testing::Values("remove", "prune"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace snap::crash
