#include "report/progress.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <format>

#include "base/file.h"
#include "base/text.h"
#include "report/log.h"
#include "support/temp_dir.h"

namespace snap::report {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr uint64_t kMB = 1'000'000;

TEST(ProgressBar, ShowsRateAndRemainingTime) {
  EXPECT_EQ(progress_bar("taking the snapshot", 500 * kMB, 1000 * kMB, 5s, 100),
            "taking the snapshot [==========>         ] 50 % 500 MB 100 MB/s 5s");
  EXPECT_EQ(progress_bar("x", 1000 * kMB, 1000 * kMB, 5s, 100),
            "x [====================] 100 % 1.0 GB 200 MB/s");
}

TEST(ProgressBar, GuessesNothingInTheFirstMoment) {
  EXPECT_EQ(progress_bar("x", 1 * kMB, 100 * kMB, 10ms, 100),
            "x [>                   ] 1 % 1.0 MB");
}

TEST(ProgressBar, ShowsWhatIsKnownWithoutATotal) {
  EXPECT_EQ(progress_bar("x", 500 * kMB, 0, 5s, 100), "x 500 MB 100 MB/s");
}

TEST(ProgressBar, StaysAtAHundredWhenTheTotalWasTooLow) {
  EXPECT_THAT(progress_bar("x", 500 * kMB, 100 * kMB, 5s, 100), HasSubstr("100 %"));
  EXPECT_THAT(progress_bar("x", UINT64_MAX, 1, 1ms, 100), HasSubstr("100 %"));
  EXPECT_NO_THROW(progress_bar("x", 1, UINT64_MAX, 1000h, 100));
}

TEST(ProgressBar, FitsAnyWidth) {
  for (int columns = -1; columns <= 120; ++columns) {
    auto bar = progress_bar("taking the snapshot", 500 * kMB, 1000 * kMB, 5s, columns);
    EXPECT_LE(static_cast<int>(bar.size()), std::max(columns, 0));
  }
  EXPECT_EQ(progress_bar("taking the snapshot", 500 * kMB, 1000 * kMB, 5s, 9), "50 % 5s");
}

// A log into a file, a clock that is moved by hand.
class ProgressTest : public testing::Test {
 protected:
  std::unique_ptr<Progress> start(bool terminal, Level least = Level::info) {
    log_ = std::make_unique<Log>(LogOptions{
        .least = least, .fd = fd_.get(), .terminal = terminal, .colour = false, .clock = [] {
          return *from_rfc3339("2026-11-21T01:30:05Z");
        }});
    return make_progress(*log_, {.clock =
                                     [this] {
                                       ++clock_reads_;
                                       return now_;
                                     },
                                 .columns = [this] { return columns_; }});
  }
  std::string text() const { return read_small_file(dir_.path("log"), 1 << 20).value(); }

  test::TempDir dir_;
  Fd fd_ = open_file(dir_.path("log"), O_RDWR | O_CREAT, 0600).value();
  std::unique_ptr<Log> log_;
  std::chrono::steady_clock::time_point now_{1h};
  int columns_ = 80;
  int clock_reads_ = 0;
};

TEST_F(ProgressTest, WritesALineEveryFiveSecondsWithoutATerminal) {
  auto progress = start(false);
  progress->begin("taking the snapshot", 1000 * kMB);
  for (uint64_t second = 0; second <= 11; ++second) {
    progress->update(second * 50 * kMB);
    now_ += 1s;
  }
  progress->end();
  EXPECT_EQ(text(),
            "2026-11-21T01:30:05Z info  taking the snapshot: 250 MB of 1.0 GB (25 %), 50 MB/s, "
            "15s left\n"
            "2026-11-21T01:30:05Z info  taking the snapshot: 500 MB of 1.0 GB (50 %), 50 MB/s, "
            "10s left\n");
}

TEST_F(ProgressTest, LeavesOutWhatItCannotKnowWithoutATotal) {
  auto progress = start(false);
  progress->begin("taking", 0);
  now_ += 5s;
  progress->update(500 * kMB);
  EXPECT_THAT(text(), HasSubstr("taking: 500 MB, 100 MB/s\n"));
}

TEST_F(ProgressTest, DrawsOnATerminalAndCleansUp) {
  auto progress = start(true);
  progress->begin("x", 1000 * kMB);
  progress->update(1 * kMB);
  EXPECT_EQ(text(), "");
  now_ += 1s;
  progress->update(500 * kMB);
  progress->update(501 * kMB);
  progress->end();
  EXPECT_EQ(text(), "\r\x1b[Kx [==========>         ] 50 % 500 MB 500 MB/s 1s\r\x1b[K");
}

TEST_F(ProgressTest, FollowsATerminalThatShrinks) {
  auto progress = start(true);
  progress->begin("taking the snapshot", 1000 * kMB);
  columns_ = 10;
  now_ += 1s;
  progress->update(500 * kMB);
  columns_ = 0;
  now_ += 1s;
  progress->update(500 * kMB);
  EXPECT_THAT(text(), testing::StartsWith("\r\x1b[K50 % 1s\r\x1b[K"));
}

TEST_F(ProgressTest, CleansUpWhenItIsForgotten) {
  auto progress = start(true);
  progress->begin("x", 10);
  now_ += 1s;
  progress->update(5);
  progress.reset();
  EXPECT_TRUE(text().ends_with("\r\x1b[K"));
}

TEST_F(ProgressTest, IsSilentWithQuiet) {
  for (bool terminal : {false, true}) {
    auto progress = start(terminal, Level::warn);
    progress->begin("x", 10);
    now_ += 10s;
    progress->update(5);
    progress->end();
  }
  EXPECT_EQ(text(), "");
  EXPECT_EQ(clock_reads_, 2);
}

TEST_F(ProgressTest, DoesNothingBeforeItBegins) {
  auto progress = start(true);
  progress->update(5);
  progress->end();
  EXPECT_EQ(text(), "");
}

TEST(StepOf, BeginsOnceAndAgainWhereTheBytesStartOver) {
  class Recorder : public Progress {
   public:
    void begin(std::string what, uint64_t total_bytes) override {
      said += std::format("begin {} {};", what, total_bytes);
    }
    void update(uint64_t done_bytes) override { said += std::format("{};", done_bytes); }
    void end() override { said += "end;"; }
    std::string said;
  };
  Recorder recorder;
  auto step = step_of(recorder, "taking");
  step(1, 9);
  step(5, 9);
  step(2, 8);  // another member, from the first byte
  step(8, 8);
  EXPECT_EQ(recorder.said, "begin taking 9;1;5;begin taking 8;2;8;");
}

}  // namespace
}  // namespace snap::report
