// Threads that cannot be started.
#include <filesystem>

#include "faults/placed.h"

namespace snap::faults {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// F-L22: each place has a thread of its own; those that get none have failed, and nobody waits for
// them. strace counts the calls of each thread by itself: this is the main one.
TEST(NoMoreThreads, FailThePlacesThatGetNoneAndNoOther) {
  test::NfsServer nas;
  Placed scene;
  for (int i = 0; i < 3; ++i)
    scene.nfs(std::format("n{}", i), nas, 4, 0, std::format(", directory: n{}", i));
  ASSERT_EQ(scene.run().exit_code, 0) << "a place that misses nothing needs no thread but its own";
  bool some = false;
  for (int first = 1; first <= 6; ++first) {
    auto command = scene.agent.command({"sync", "-o", "json"});
    command.argv.insert(command.argv.begin(),
                        {"strace", "-f", "-o", "/dev/null", "-e", "trace=clone3,clone", "-e",
                         std::format("inject=clone3,clone:error=EAGAIN:when={}+", first)});
    command.timeout = 30s;
    auto sync = scene.agent.run(command);
    EXPECT_FALSE(sync.timed_out) << first << sync.text();
    EXPECT_EQ(sync.signal, 0) << first << sync.text();
    auto rows = nlohmann::json::parse(sync.out, nullptr, false);
    if (!rows.contains("destinations")) continue;  // it did not get that far
    auto verdict = [&](size_t i) { return rows["destinations"][i]["verdict"]; };
    if (verdict(0) != "ok" || verdict(2) != "failed") continue;
    some = true;
    EXPECT_EQ(sync.exit_code, 1) << sync.text();
    EXPECT_THAT(sync.err, HasSubstr("n2: no thread could be started"));
  }
  EXPECT_TRUE(some) << "no call was the right one";
  auto sync = scene.agent.run({"sync"});
  EXPECT_EQ(sync.exit_code, 0) << sync.text();
}

}  // namespace
}  // namespace snap::faults
