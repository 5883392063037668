// SIGKILL and EIO at EVERY system call that changes or reads something, one after the other, of
// run, prune and remove (F-L14, F-L04, F-P07): N = 1, 2, 3 ... until a command ends without having
// met the fault. Each time: the invariants, and the next command cleans, reports and succeeds.
//
// The calls of the dynamic loader, before the program begins, are walked for run only: they are the
// same for each verb. Beyond the first twelve, every seventh N is taken, from a drawn start; all of
// them with SNAP_WALK_STRIDE=1.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <format>
#include <iostream>
#include <mutex>

#include "crash/watched.h"

namespace snap::crash {
namespace {

// A system call, on every file or on one of them: strace counts the calls of each thread for
// itself, so those of the thread that writes the snapshot are walked by the file's path.
struct Step {
  std::string call;
  std::string (*path)(const Paths&) = nullptr;
};

const Names kCalls{"openat",     "read",      "pread64",    "write",    "pwrite64",  "writev",
                   "fsync",      "fdatasync", "close",      "rename",   "renameat",  "renameat2",
                   "mkdir",      "mkdirat",   "unlink",     "unlinkat", "ftruncate", "flock",
                   "getdents64", "fchmod",    "connect",    "sendto",   "sendmsg",   "recvfrom",
                   "recvmsg",    "socket",    "newfstatat", "fstatfs",  "clone3"};
std::string snapshot(const Paths& paths) { return paths.snapshot; }
std::string manifest(const Paths& paths) { return paths.manifest; }

struct Walk {
  std::string name, verb, what;
};
void PrintTo(const Walk& walk, std::ostream* out) { *out << walk.name; }

class EverySystemCall : public testing::TestWithParam<Walk> {
 protected:
  static std::vector<Step> steps() {
    std::vector<Step> all;
    for (const auto& call : kCalls) all.push_back({call});
    for (const auto* call : {"openat", "write", "fsync", "close", "pread64", "read"}) {
      all.push_back({call, snapshot});
      all.push_back({call, manifest});
    }
    return all;
  }
  static int stride() {
    const auto* wanted = std::getenv("SNAP_WALK_STRIDE");
    return wanted ? std::max(1, std::atoi(wanted)) : 7;
  }

  // The command with the fault at the Nth call. False when that was not made.
  static bool meets(Watched& watched, const Step& step, int n) {
    const auto& walk = GetParam();
    Names args{"prune"};
    auto name = walk.verb == "run" ? watched.rig.next_name() : std::string();
    if (walk.verb == "run") {
      args = {"run", "--set", name};
    } else {
      auto old = watched.rig.agent.sets().front();
      name = watched.makes_set({"--no-prune"});
      if (walk.verb == "remove") args = {"remove", old, "--force"};
    }
    Fault fault{step.call, std::format("{}:when={}", walk.what, n)};
    if (step.path != nullptr)
      fault.only_paths = {step.path(Paths(watched.rig.agent.sets_directory(), name))};
    SCOPED_TRACE(std::format("{} {} of {}{}", step.call, fault.what, walk.verb,
                             step.path == nullptr ? "" : " on " + fault.only_paths.front()));
    auto faulted = watched.faulted(fault, args);
    EXPECT_TRUE(faulted.times > 0 || faulted.finished.exit_code == 0) << faulted.finished.text();
    // The next one takes away what is left, and its invariants say whether it told.
    if (walk.verb == "run")
      watched.makes_set();
    else
      watched.succeeds({"prune"});
    // A set without some host file is kept beside the proven one.
    auto proven = std::ranges::count_if(watched.invariants.local().sets,
                                        [](const auto& set) { return set.second.proven; });
    EXPECT_EQ(proven, 1) << faulted.finished.text();
    watched.rig.expect_tidy();
    return faulted.times > 0;
  }
};

TEST_P(EverySystemCall, LeavesTheOldStateOrTheNewOne) {
  auto all = steps();
  auto seed = test_seed();
  std::mutex mutex;
  std::map<std::string, int> met;
  side_by_side(all.size(), [&](Watched& watched, size_t at) {
    if (watched.rig.agent.sets().empty()) watched.makes_set();
    int n = 1;
    if (GetParam().verb != "run" && all[at].path == nullptr)
      n = std::max(1, watched.rig.count_calls({all[at].call}, {"--version"})[all[at].call] - 3);
    int every = 1;
    while (!testing::Test::HasFailure() && meets(watched, all[at], n)) {
      const std::lock_guard lock(mutex);
      ++met[all[at].call];
      if (every == 1 && n >= 12) {
        every = stride();
        n += static_cast<int>((seed + at) % static_cast<unsigned>(every));
      }
      n += every;
    }
    watched.expect_at_end();
  });
  int total = 0;
  for (const auto& [call, times] : met) {
    std::cout << std::format("{} {} ", call, times);
    total += times;
  }
  std::cout << std::format(": {} faults\n", total);
  for (const auto* call : {"openat", "write", "fsync", "unlinkat", "close"})
    EXPECT_GT(met[call], 0) << call << " was never met";
}
INSTANTIATE_TEST_SUITE_P(Of, EverySystemCall,
                         testing::Values(Walk{"run_killed", "run", "signal=KILL"},
                                         Walk{"run_EIO", "run", "error=EIO"},
                                         Walk{"prune_killed", "prune", "signal=KILL"},
                                         Walk{"prune_EIO", "prune", "error=EIO"},
                                         Walk{"remove_killed", "remove", "signal=KILL"},
                                         Walk{"remove_EIO", "remove", "error=EIO"}),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace snap::crash
