// The check of outcomes sees what it is there to see.
#include "support/outcome.h"

#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "cli/scenes.h"

namespace snap::test {
namespace {

class Check : public testing::Test {
 protected:
  Check() : agent_({.endpoints = {fake_.endpoint()}}) {
    EXPECT_EQ(agent_.run({"run"}).exit_code, 0);
    before_.emplace(agent_);
  }
  // A run that fails, and what the test makes of it afterwards.
  Finished failed() {
    fake_.play({.body = "", .grpc_status = 14, .grpc_message = "too busy"});
    auto run = agent_.run({"run"});
    fake_.play(good_script());
    return run;
  }
  // What expect_outcome() says of a failed run.
  std::string said(const Finished& run, Expected expected = fails(3).in("take")) {
    testing::TestPartResultArray results;
    {
      testing::ScopedFakeTestPartResultReporter reporter(
          testing::ScopedFakeTestPartResultReporter::INTERCEPT_ALL_THREADS, &results);
      expect_outcome(agent_, *before_, run, expected, [&] { return agent_.run({"run"}); });
    }
    std::string text;
    for (int i = 0; i < results.size(); ++i)
      text += std::string(results.GetTestPartResult(i).message()) + "\n";
    return text;
  }
  std::string set() { return before_->sets()[0]; }

  FakeGrpc fake_{good_script()};
  Agent agent_;
  std::optional<Before> before_;
};

using testing::HasSubstr;

TEST_F(Check, IsContentWithAFailureThatLeftEverythingAlone) { EXPECT_EQ(said(failed()), ""); }

TEST_F(Check, SeesAnotherExitStatusStageOrCause) {
  auto run = failed();
  EXPECT_THAT(said(run, fails(4).in("take")), HasSubstr("finished_.exit_code"));
  EXPECT_THAT(said(run, fails(3).in("prove")), HasSubstr("stage"));
  EXPECT_THAT(said(run, fails(3).saying("quite another cause")), HasSubstr("another cause"));
  EXPECT_THAT(said(run, fails(3).within(std::chrono::milliseconds(0))), HasSubstr("wall"));
}

TEST_F(Check, SeesThatAnOlderSetWasChanged) {
  auto run = failed();
  write_file(agent_.set_path(set(), "manifest.json"), "{}");
  EXPECT_THAT(said(run), HasSubstr("manifest.json was changed"));
}

TEST_F(Check, SeesThatAnOlderSetIsGone) {
  auto run = failed();
  std::filesystem::remove_all(agent_.set_path(set()));
  EXPECT_THAT(said(run), HasSubstr("is gone"));
}

TEST_F(Check, SeesWhatWasLeftAndWhatWasPublished) {
  auto run = failed();
  auto left = agent_.sets_directory() + "/.incoming-x";
  std::filesystem::create_directory(left);
  EXPECT_THAT(said(run), HasSubstr("was left"));
  std::filesystem::rename(left, agent_.sets_directory() + "/prod-east_2026-01-01T000000Z_node-1");
  EXPECT_THAT(said(run), HasSubstr("new_.size()"));
}

TEST_F(Check, SeesASecondCauseLineAndASecret) {
  auto run = failed();
  run.err += "2026-11-21T01:30:00Z error and one more (hint)\n";
  EXPECT_THAT(said(run), HasSubstr("one cause line"));
  run.err += "canary";
  EXPECT_THAT(said(run), HasSubstr("a secret stands in"));
}

TEST_F(Check, SeesThatTheNextRunFails) {
  auto run = failed();
  testing::TestPartResultArray results;
  {
    testing::ScopedFakeTestPartResultReporter reporter(
        testing::ScopedFakeTestPartResultReporter::INTERCEPT_ALL_THREADS, &results);
    expect_outcome(agent_, *before_, run, fails(3), [&] { return failed(); });
  }
  EXPECT_GT(results.size(), 0);
}

TEST_F(Check, SeesAWarningThatNobodyExpectedAndOneThatIsMissing) {
  auto run = agent_.run({"run"});
  EXPECT_THAT(said(run, succeeds().warning("no leader")), HasSubstr("no leader"));
  before_.emplace(agent_);
  run = agent_.run({"run"});
  EXPECT_EQ(said(run, succeeds()), "");
}

}  // namespace
}  // namespace snap::test
