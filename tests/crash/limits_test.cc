// Hardly any resources, memory that runs out at any moment, signals in every stage, outputs that
// nobody reads (F-L22, F-L23, F-L24).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <format>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "crash/watched.h"

namespace snap::crash {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

test::Deed deed_of(const Names& args, const test::Finished& finished, bool clean, bool heard) {
  return {.args = args, .finished = finished, .clean = clean, .heard = heard};
}

struct Limit {
  std::string name, flag;
  std::vector<int> exits;
  std::string says;  // when it fails
};
void PrintTo(const Limit& limit, std::ostream* out) { *out << limit.name; }
class Limits : public testing::TestWithParam<Limit> {};
TEST_P(Limits, AreEnoughOrNamed) {  // F-L22
  Watched watched(Rig::small_server());
  watched.makes_set();
  auto name = watched.rig.next_name();
  auto command = watched.rig.agent.command({"run", "--set", name});
  command.argv.insert(command.argv.begin(), {"prlimit", GetParam().flag});
  auto run = watched.rig.agent.run(command);
  watched.did(deed_of({"run"}, run, false, true));
  EXPECT_THAT(GetParam().exits, testing::Contains(run.exit_code)) << run.text();
  if (run.exit_code != 0) {
    EXPECT_THAT(run.err, HasSubstr(GetParam().says)) << run.text();
  }
  watched.makes_set();
  watched.rig.expect_tidy();
  watched.expect_at_end();
}
INSTANTIATE_TEST_SUITE_P(
    Of, Limits,
    testing::Values(Limit{"descriptors_24", "--nofile=24", {0}, ""},
                    Limit{"descriptors_10",
                          "--nofile=10",
                          {1},
                          "too many open files (this process may not open more: raise its limit"},
                    Limit{"address_space", "--as=134217728", {0, 1}, "memory"},
                    Limit{"file_size", "--fsize=8192", {8}, "a file size limit applies"},
                    Limit{"no_file_at_all", "--fsize=0", {8}, "a file size limit applies"}),
    [](const auto& test) { return test.param.name; });

// One allocation fails, wherever it is: the run ends with a clear error or does without, never by
// a signal.
TEST(Memory, ThatIsNotThereOnceEndsARunCleanly) {  // F-L22
  // The first calls are the loader's and the libraries' own.
  constexpr int kPoints = 60;
  std::atomic<int> failed = 0;
  side_by_side(kPoints, [&](Watched& watched, size_t at) {
    if (watched.rig.agent.sets().empty()) watched.makes_set();
    auto count = 200 + at * at * 6;
    SCOPED_TRACE(std::format("allocation {} fails", count));
    auto name = watched.rig.next_name();
    auto command = watched.rig.agent.command({"run", "--set", name});
    command.env["LD_PRELOAD"] = SNAP_FAILING_MALLOC;
    command.env["SNAP_FAIL_MALLOC_AT"] = std::to_string(count);
    auto run = watched.rig.agent.run(command);
    EXPECT_EQ(run.signal, 0) << run.text();
    if (run.exit_code != 0) {
      ++failed;
      EXPECT_THAT(run.err, HasSubstr("memory"));
    }
    watched.did(deed_of({"run"}, run, false, true));
    watched.makes_set();
    watched.rig.expect_tidy();
  });
  EXPECT_GT(failed, 0) << "no allocation failed: the library was not preloaded";
}

struct Stage {
  std::string name, call;
  std::string (*path)(const Paths&);  // null: any file
  std::vector<std::string> stages;    // where it may say that it was interrupted; empty: nowhere
  bool published;
};
void PrintTo(const Stage& stage, std::ostream* out) { *out << stage.name; }
std::string snapshot(const Paths& paths) { return paths.snapshot; }
std::string archive(const Paths& paths) { return paths.archive; }
std::string manifest(const Paths& paths) { return paths.manifest; }

// The run is stopped at a call of the stage, gets the signal there, and goes on.
class Interrupted : public testing::TestWithParam<Stage> {};
TEST_P(Interrupted, EndsSoonAndCleansUp) {  // F-L23
  const auto& stage = GetParam();
  Watched watched(Rig::small_server());
  watched.makes_set();
  for (int number : {SIGTERM, SIGINT}) {
    auto name = watched.rig.next_name();
    Fault at{stage.call, "when=1"};
    if (stage.path != nullptr)
      at.only_paths = {stage.path(Paths(watched.rig.agent.sets_directory(), name))};
    auto interrupted = watched.interrupted(at, number, {"run", "--set", name});
    ASSERT_EQ(interrupted.times, 1) << "it never came to " << stage.call;
    EXPECT_LT(interrupted.took, 5s);
    const auto& run = interrupted.finished;
    auto outcome = outcome_of(run);
    ASSERT_TRUE(outcome.is_object()) << run.text();
    if (stage.stages.empty()) {
      EXPECT_EQ(run.exit_code, 0) << run.text();
    } else {
      EXPECT_EQ(run.exit_code, 1) << run.text();
      std::vector<std::string> texts;
      for (const auto& where : stage.stages) texts.push_back("interrupted in stage " + where);
      EXPECT_THAT(texts, testing::Contains(outcome["error"]["message"])) << run.text();
    }
    EXPECT_EQ(outcome["places"][0]["has_set"], stage.published) << run.text();
    watched.rig.expect_tidy();
    watched.makes_set();
  }
  watched.expect_at_end();
}
INSTANTIATE_TEST_SUITE_P(
    In, Interrupted,
    testing::Values(Stage{"lock", "flock", nullptr, {"lock", "preflight"}, false},
                    Stage{"preflight", "connect", nullptr, {"preflight"}, false},
                    Stage{"take", "write", snapshot, {"take", "prove"}, false},
                    Stage{"prove", "fadvise64", snapshot, {"prove", "collect"}, false},
                    Stage{"collect", "write", archive, {"collect", "publish"}, false},
                    Stage{"publish", "write", manifest, {"publish", "ship", "prune"}, true},
                    Stage{"prune", "unlinkat", nullptr, {}, true}),
    [](const auto& test) { return test.param.name; });

struct Output {
  std::string name, shell;  // $RUN is the program
  bool heard;               // standard output is complete
};
void PrintTo(const Output& output, std::ostream* out) { *out << output.name; }
class Outputs : public testing::TestWithParam<Output> {};
TEST_P(Outputs, NobodyReadsKeepNoBackupFromBeingMade) {  // F-L24
  Watched watched(Rig::small_server());
  watched.makes_set();
  auto name = watched.rig.next_name();
  auto command = watched.rig.agent.command({"run", "--set", name});
  auto script = GetParam().shell;
  auto at = script.find("$RUN");
  script.replace(at, 4, watched.rig.agent.shell_word({"run", "--set", name}));
  command.argv = {"bash", "-c", script};
  auto run = watched.rig.agent.run(command);
  EXPECT_EQ(run.exit_code, 0) << run.text();
  watched.did(deed_of({"run"}, run, true, GetParam().heard));
  EXPECT_EQ(watched.rig.agent.sets(), Names{name});
  watched.expect_at_end();
}
INSTANTIATE_TEST_SUITE_P(
    Of, Outputs,
    testing::Values(
        Output{"stdout_closed", "$RUN >&-", false}, Output{"stderr_closed", "$RUN 2>&-", false},
        Output{"all_closed", "$RUN <&- >&- 2>&-", false},
        Output{"stdin_and_stdout_closed", "$RUN <&- >&-", false},
        Output{"stdout_full", "$RUN >/dev/full", false},
        Output{"stderr_full", "$RUN 2>/dev/full", false},
        Output{"reader_gone", "set -o pipefail; $RUN 2>&1 | true", false},
        Output{"reader_slow", "set -o pipefail; $RUN 2> >(read -r -t 1 -u 1; cat >/dev/null) | cat",
               false},
        Output{"umask_000", "umask 000; $RUN", true}, Output{"umask_777", "umask 777; $RUN", true},
        Output{"metrics_refused", "$RUN --set report.metricsFile=/no/such/place/m.prom", true}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace snap::crash
