#include "support/process.h"

#include <gtest/gtest.h>

namespace snap::test {
namespace {

using namespace std::chrono_literals;

TEST(Run, GivesOutputAndExitCode) {
  auto done = run({.argv = {"sh", "-c", "cat; echo $WORD >&2; exit 3"},
                   .env = {{"WORD", "out of the environment"}},
                   .input = std::string(300'000, 'x')});
  EXPECT_EQ(done.exit_code, 3);
  EXPECT_EQ(done.out, std::string(300'000, 'x'));
  EXPECT_EQ(done.err, "out of the environment\n");
}

TEST(Run, EndsWhatTakesTooLong) {
  auto done = run({.argv = {"sleep", "60"}, .timeout = 50ms});
  EXPECT_TRUE(done.timed_out);
  EXPECT_EQ(done.signal, 9);
}

TEST(Run, SaysThatACommandIsMissing) {
  EXPECT_EQ(run({.argv = {"/no/such/command"}}).exit_code, 127);
}

TEST(Process, EndsWithItsObject) {
  pid_t pid = -1;
  {
    Process process({.argv = {"sleep", "60"}});
    pid = process.pid();
    EXPECT_TRUE(process.running());
    process.pause();
  }
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST(FreePorts, AreDifferent) {
  auto ports = free_ports(3);
  EXPECT_TRUE(ports[0] != ports[1] && ports[1] != ports[2] && ports[0] != ports[2]);
}

}  // namespace
}  // namespace snap::test
