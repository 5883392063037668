// Two at once on one directory (F-L16, F-L17).
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <format>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/file.h"
#include "crash/rig.h"

namespace snap::crash {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;
using testing::HasSubstr;

TEST(TwoRuns, OneWorksAndTheOtherSaysWhoHoldsTheLock) {  // F-L16
  Rig rig;
  rig.make_set();
  auto fastest = Clock::duration::max();
  const int rounds = trials(15);
  for (int i = 0; i < rounds; ++i) {
    // Whoever gets the lock keeps it for a while.
    Fault slow{"fsync", "delay_enter=400000:when=1"};
    struct {
      std::string name;
      test::Finished finished;
      Clock::duration took{};
    } runs[2];
    {
      std::vector<std::jthread> threads;
      for (auto& run : runs) {
        run.name = rig.next_name();
        auto command = rig.traced(slow, {"run", "--set", run.name});
        command.argv[4] = rig.agent.path("trace-" + run.name);
        threads.emplace_back([&run, command] {
          auto begun = Clock::now();
          run.finished = test::run(command);
          run.took = Clock::now() - begun;
        });
      }
    }
    const auto& winner = runs[0].finished.exit_code == 0 ? runs[0] : runs[1];
    const auto& loser = runs[0].finished.exit_code == 0 ? runs[1] : runs[0];
    ASSERT_EQ(winner.finished.exit_code, 0) << winner.finished.text();
    ASSERT_EQ(loser.finished.exit_code, 7) << loser.finished.text();
    EXPECT_THAT(loser.finished.err, HasSubstr("another command is at work: pid "));
    EXPECT_THAT(loser.finished.err, testing::ContainsRegex("pid [0-9]+ on .+ since 20[0-9-]+T"));
    EXPECT_EQ(rig.agent.sets().back(), winner.name);
    EXPECT_FALSE(fs::exists(rig.agent.set_path(loser.name)));
    fastest = std::min(fastest, loser.took);
  }
  EXPECT_LT(fastest, 1s);
  rig.expect_listed_sets_sound();
  rig.expect_tidy();
}

TEST(TwoRuns, EveryVerbThatChangesSetsWaitsForNoLock) {  // F-L16
  Rig rig;
  auto set = rig.make_set();
  auto lock = open_file(rig.agent.sets_directory() + "/.lock-prod-east", O_RDWR).value();
  ASSERT_EQ(::flock(lock.get(), LOCK_EX | LOCK_NB), 0);
  for (const auto& args : std::vector<Names>{
           {"run"}, {"prune"}, {"remove", set, "--force"}, {"pin", set}, {"unpin", set}}) {
    auto finished = rig.agent.run(args);
    EXPECT_EQ(finished.exit_code, 7) << args[0] << finished.text();
  }
  for (const auto& args : std::vector<Names>{{"list"}, {"verify", set}}) {
    auto finished = rig.agent.run(args);
    EXPECT_EQ(finished.exit_code, 0) << args[0] << finished.text();
  }
}

TEST(TwoRuns, OfAKilledHolderTheNextOneKnowsNothing) {  // F-L16
  Rig rig;
  rig.make_set();
  auto name = rig.next_name();
  auto killed = rig.with_fault({"fsync", "signal=KILL:when=1"}, {"run", "--set", name});
  ASSERT_EQ(killed.finished.signal, 9);
  EXPECT_TRUE(fs::exists(rig.agent.sets_directory() + "/.lock-prod-east"));
  rig.make_set();
  rig.expect_tidy();
}

TEST(TwoRuns, LockTheFileThatIsThereNowAndNotOneThatWasReplaced) {  // F-L17
  Rig rig;
  rig.make_set();
  auto path = rig.agent.sets_directory() + "/.lock-prod-east";
  // The program has opened the file and is about to lock it. Meanwhile somebody makes a new one,
  // and locks that.
  auto command = rig.traced({"openat,flock", ""}, {"run", "--set", rig.next_name()});
  command.argv.insert(command.argv.begin() + 1, {"-e", "inject=flock:delay_enter=1500000:when=1"});
  command.output_file = rig.agent.path("output");
  test::Process run(command);
  ASSERT_TRUE(test::wait_until(
      [&] { return test::read_file(rig.agent.path("trace")).contains(".lock-prod-east"); }));
  fs::remove(path);
  auto lock = open_file(path, O_RDWR | O_CREAT | O_EXCL, 0600).value();
  ASSERT_EQ(::flock(lock.get(), LOCK_EX | LOCK_NB), 0);
  auto ended = run.wait(20s);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->exit_code, 7) << test::read_file(rig.agent.path("output"));
}

}  // namespace
}  // namespace snap::crash
