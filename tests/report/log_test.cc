#include "report/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <format>
#include <thread>

#include "base/file.h"
#include "base/text.h"
#include "support/temp_dir.h"

namespace snap::report {
namespace {

using testing::HasSubstr;

Seconds fixed_time() { return *from_rfc3339("2026-11-21T01:30:05Z"); }

// A log into a file.
class LogFile {
 public:
  LogFile() : fd_(open_file(dir_.path("log"), O_RDWR | O_CREAT, 0600).value()) {}
  LogOptions options() const {
    return {.least = Level::info,
            .fd = fd_.get(),
            .terminal = std::nullopt,
            .colour = std::nullopt,
            .clock = fixed_time};
  }
  std::string text() const { return read_small_file(dir_.path("log"), 10 << 20).value(); }

 private:
  test::TempDir dir_;
  Fd fd_;
};

TEST(Log, WritesALineWithTimeLevelAndText) {
  LogFile file;
  Log log(file.options());
  log.info("taking the snapshot from m1");
  log.warn("old");
  log.error(Error{Code::denied, "open /x: permission denied", "run it as root"});
  log.debug("not shown");
  EXPECT_EQ(file.text(),
            "2026-11-21T01:30:05Z info  taking the snapshot from m1\n"
            "2026-11-21T01:30:05Z warn  old\n"
            "2026-11-21T01:30:05Z error open /x: permission denied (run it as root)\n");
}

TEST(Log, ShowsLevelsAsAsked) {
  for (auto [least, lines] : {std::pair{Level::debug, 4u}, std::pair{Level::info, 3u},
                              std::pair{Level::warn, 2u}, std::pair{Level::error, 1u}}) {
    LogFile file;
    auto options = file.options();
    options.least = least;
    Log log(options);
    log.debug("debug");
    log.info("info");
    log.warn("warn");
    log.error("error");
    EXPECT_EQ(std::ranges::count(file.text(), '\n'), lines);
  }
}

TEST(Log, KeepsEveryMessageOnOneLineWithoutControlCharacters) {
  LogFile file;
  Log log(file.options());
  log.info("a\nb\r\x1b[31mc {} %v");
  EXPECT_EQ(file.text(), "2026-11-21T01:30:05Z info  a\\nb\\x0d\\x1b[31mc {} %v\n");
}

TEST(Log, DoesNotEscapeASecondTime) {
  LogFile file;
  Log log(file.options());
  log.info(R"(auth:\nno \\ \x1b)");
  log.info("\\\n\\");
  EXPECT_EQ(file.text(),
            "2026-11-21T01:30:05Z info  auth:\\nno \\\\ \\x1b\n"
            "2026-11-21T01:30:05Z info  \\\\n\\\n");
}

TEST(Log, ShortensMessagesThatNobodyReads) {
  LogFile file;
  Log log(file.options());
  log.info("start" + std::string(1'000'000, 'x') + "end");
  EXPECT_LT(file.text().size(), 4096u);
  EXPECT_THAT(file.text(), HasSubstr("start"));
  EXPECT_THAT(file.text(), HasSubstr("[...]"));
  EXPECT_THAT(file.text(), HasSubstr("end\n"));
}

TEST(Log, IsPlainWithoutATerminalAndColouredOnOne) {
  ::unsetenv("NO_COLOR");
  ::setenv("TERM", "xterm", 1);
  for (bool terminal : {false, true}) {
    LogFile file;
    auto options = file.options();
    options.terminal = terminal;
    Log(options).warn("x");
    EXPECT_EQ(file.text(), terminal ? "2026-11-21T01:30:05Z \x1b[33mwarn \x1b[0m x\n"
                                    : "2026-11-21T01:30:05Z warn  x\n");
  }
}

TEST(Log, HonoursNoColorAndADumbTerminal) {
  struct Case {
    const char* no_color;
    const char* term;
    bool coloured;
  };
  for (const auto& c : {Case{"1", "xterm", false}, Case{"", "xterm", true}, Case{"", "dumb", false},
                        Case{"", "", false}}) {
    ::setenv("NO_COLOR", c.no_color, 1);
    ::setenv("TERM", c.term, 1);
    LogFile file;
    auto options = file.options();
    options.terminal = true;
    Log(options).error("x");
    EXPECT_EQ(file.text().contains('\x1b'), c.coloured) << c.no_color << c.term;
  }
  ::unsetenv("NO_COLOR");
}

TEST(Log, KeepsTheStatusLineBelow) {
  LogFile file;
  auto options = file.options();
  options.terminal = true;
  options.colour = false;
  {
    Log log(options);
    log.set_status("50 %");
    log.info("x");
    log.set_status("");
    log.set_status("");
    log.info("y");
  }
  EXPECT_EQ(file.text(),
            "\r\x1b[K50 %"
            "\r\x1b[K2026-11-21T01:30:05Z info  x\n50 %"
            "\r\x1b[K"
            "2026-11-21T01:30:05Z info  y\n");
}

TEST(Log, HasNoStatusLineWithoutATerminal) {
  LogFile file;
  Log log(file.options());
  log.set_status("50 %");
  EXPECT_EQ(file.text(), "");
}

TEST(Log, KeepsLinesOfSeveralThreadsWhole) {
  LogFile file;
  Log log(file.options());
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int line = 0; line < 200; ++line) log.info("the whole line");
      });
    }
  }
  auto lines = split(trim(file.text()), '\n');
  EXPECT_EQ(lines.size(), 800u);
  for (const auto& line : lines) EXPECT_EQ(line, "2026-11-21T01:30:05Z info  the whole line");
}

TEST(Log, LosesLinesWhenItsFileIsClosedOrFullAndGoesOn) {
  auto full = open_file("/dev/full", O_WRONLY).value();
  for (int fd : {-1, 1'000'000, full.get()}) {
    Log log({.least = Level::info, .fd = fd, .terminal = true, .colour = false, .clock = {}});
    log.info("x");
    log.set_status("50 %");
    log.error("y");
    EXPECT_EQ(log.columns(), 80);
  }
}

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    read = Fd(ends[0]);
    write = Fd(ends[1]);
  }
  Fd read, write;
};

TEST(Log, SurvivesAReaderThatIsGone) {
  ::signal(SIGPIPE, SIG_IGN);  // as main does
  Pipe pipe;
  ASSERT_TRUE(std::move(pipe.read).close("read end"));
  Log log(
      {.least = Level::info, .fd = pipe.write.get(), .terminal = {}, .colour = {}, .clock = {}});
  log.info("x");
  log.info("y");
  EXPECT_FALSE(log.terminal());
}

// F-L24: the reader of the pipe is alive and does not read.
TEST(Log, DropsLinesThatNobodyReadsAndSaysSoLater) {
  Pipe pipe;
  ::fcntl(pipe.write.get(), F_SETPIPE_SZ, 4096);
  Log log({.least = Level::info,
           .fd = pipe.write.get(),
           .terminal = {},
           .colour = {},
           .clock = fixed_time});
  auto start = std::chrono::steady_clock::now();
  log.info(std::string(3000, 'x'));
  for (int i = 0; i < 100; ++i) log.info(std::string(3000, 'y'));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));

  std::string read(3500, ' ');
  auto n = ::read(pipe.read.get(), read.data(), read.size());
  ASSERT_GT(n, 3000);
  log.info("again");
  n = ::read(pipe.read.get(), read.data(), read.size());
  ASSERT_GT(n, 0);
  read.resize(static_cast<size_t>(n));
  EXPECT_EQ(read,
            "(100 lines of this log were lost)\n"
            "2026-11-21T01:30:05Z info  again\n");
}

}  // namespace
}  // namespace snap::report
