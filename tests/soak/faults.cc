#include "soak/faults.h"

#include <signal.h>

#include <chrono>
#include <filesystem>
#include <format>
#include <thread>

#include "base/text.h"

namespace snap::soak {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using crash::Names;

void nothing(Sequence& s) { s.watched.succeeds({"run"}); }

void failing_call(Sequence& s) {
  auto call = s.one_of<std::string>({"write", "fsync", "openat", "renameat2", "rename", "mkdirat",
                                     "unlinkat", "pread64", "read", "close", "getdents64",
                                     "connect", "sendto", "recvfrom", "flock", "newfstatat"});
  auto error = s.one_of<std::string>({"EIO", "ENOSPC", "EDQUOT", "EROFS", "EACCES", "EMFILE"});
  // Calls of the dynamic loader come first: most draws are made past them.
  auto when =
      call == "openat" || call == "read" || call == "close" ? 60 + s.draw(90) : 1 + s.draw(16);
  auto what = std::format("error={}:when={}", error, when);
  s.story.back() += std::format(" {} {}", call, what);
  s.watched.faulted({call, what}, s.some_command());
}

void kill(Sequence& s) {
  auto call = s.one_of<std::string>({"openat", "write", "fsync", "renameat2", "rename", "mkdirat",
                                     "unlinkat", "sendto", "recvfrom", "pread64", "close"});
  auto when = call == "openat" || call == "close" ? 60 + s.draw(90) : 1 + s.draw(14);
  auto what = std::format("signal=KILL:when={}", when);
  s.story.back() += std::format(" {} {}", call, what);
  s.watched.faulted({call, what}, s.some_command());
}

void lost_write(Sequence& s) {
  auto name = s.watched.rig.next_name();
  crash::Paths paths(s.watched.rig.agent.sets_directory(), name);
  auto result = s.watched.faulted({"write", "retval=64:when=1", {paths.files()[s.draw(3)]}},
                                  {"run", "--set", name});
  s.watched.invariants.changed_by_hand();
  (void)result;
}

void terminated(Sequence& s) {
  auto number = s.draw(2) == 0 ? SIGTERM : SIGINT;
  auto call = s.one_of<std::string>({"fsync", "write", "sendto", "mkdirat", "unlinkat"});
  auto when = std::format("when={}", 1 + s.draw(12));
  s.story.back() += std::format(" {} {} {}", number, call, when);
  s.watched.interrupted({call, when}, number, s.some_command());
}

void no_etcd(Sequence& s) {
  auto finished = s.watched.clean({"run", "--endpoints", "http://127.0.0.1:9"});
  if (finished.exit_code != 3) s.story.back() += ": exit status is not 3";
}

void wrong_configuration(Sequence& s) {
  s.watched.clean({"run", "--set", s.draw(2) == 0 ? "retention.keeplast=1" : "local.reserve=-1"});
}

void no_room(Sequence& s) { s.watched.clean({"run", "--set", "local.reserve=9000000GiB"}); }

void limits(Sequence& s) {
  auto args = s.some_command();
  auto command = s.watched.rig.agent.command(args);
  auto limit = s.one_of<std::string>({"--nofile=24", "--nofile=12", "--fsize=4096", "--fsize=0",
                                      "--as=134217728", "--as=50331648"});
  s.story.back() += " " + limit;
  command.argv.insert(command.argv.begin(), {"prlimit", limit});
  s.does(args, command, {.clean = false});
}

void output_lost(Sequence& s) {
  auto args = s.some_command();
  auto to = s.one_of<std::string>({">&-", ">/dev/full", "2>&-", "2>/dev/full", "<&- >&- 2>&-"});
  s.story.back() += " " + to;
  auto command = s.watched.rig.agent.command(args);
  command.argv = {"sh", "-c", "exec " + s.watched.rig.agent.shell_word(args) + " " + to};
  s.does(args, command, {.heard = false});
}

void another_clock(Sequence& s) {
  // Whole hours and a few seconds: starts of two runs may be the same.
  auto hours = s.one_of<int>({-30, -1, 1, 5, 24 * 365, 24 * 365 * 70});
  auto now = std::chrono::floor<std::chrono::hours>(now_utc()) + std::chrono::hours(hours) +
             std::chrono::seconds(s.draw(3));
  auto at = Seconds(std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()));
  auto text = to_rfc3339(at);
  auto time = text.substr(0, 10) + " " + text.substr(11, 8);
  s.story.back() += " " + time;
  auto command = s.watched.rig.agent.command({"run"});
  command.env["TZ"] = "UTC";
  command.argv.insert(command.argv.begin(), {"faketime", "--exclude-monotonic", "-f", time});
  s.does({"run"}, command, {.now = at});
}

void two_at_once(Sequence& s) {
  auto first = s.some_command(), second = s.some_command();
  auto begun = Clock::now();
  test::Finished ended;
  {
    std::jthread other([&] { ended = s.watched.rig.agent.run(first); });
    auto finished = s.watched.rig.agent.run(second);
    other.join();
    // Both have ended when the first look is taken.
    auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun);
    s.watched.did({.args = first, .finished = ended, .took = took, .beside = second[0]});
    s.watched.did({.args = second, .finished = finished, .took = took, .beside = first[0]});
  }
}

void pin(Sequence& s) {
  auto sets = s.watched.rig.agent.sets();
  if (!sets.empty()) s.watched.clean({s.draw(3) == 0 ? "unpin" : "pin", s.one_of(sets)});
}

void damage(Sequence& s) {
  auto sets = s.watched.rig.agent.sets();
  // The newest set stays whole: somebody needs a good one.
  if (sets.size() < 2) return;
  auto set = sets[s.draw(static_cast<unsigned>(sets.size()) - 1)];
  auto& agent = s.watched.rig.agent;
  if (!fs::exists(agent.set_path(set, "manifest.json"))) return;
  auto file = agent.snapshot_of(set);
  if (!fs::exists(file)) return;  // damaged before
  switch (s.draw(4)) {
    case 0: fs::remove(file); break;
    case 1: fs::resize_file(file, fs::file_size(file) / 2); break;
    case 2: fs::resize_file(file, fs::file_size(file) + 1); break;
    default: {
      auto content = test::read_file(file);
      content[content.size() / 2] ^= 1;
      test::write_file(file, content);
    }
  }
  s.story.back() += " " + file;
  s.watched.invariants.changed_by_hand({set});
}

void foreign(Sequence& s) {
  if (!fs::exists(s.watched.rig.agent.sets_directory())) return;
  auto path = s.watched.rig.agent.sets_directory() + std::format("/notes {}.txt", s.draw(1000));
  test::write_file(path, "mine");
  s.watched.invariants.changed_by_hand();
}

void lock_deleted(Sequence& s) {
  fs::remove(s.watched.rig.agent.sets_directory() + "/.lock-prod-east");
  s.watched.invariants.names_forgotten();
  s.watched.succeeds({"run"});
}

void metrics_refused(Sequence& s) {
  auto finished = s.watched.clean({"run", "--set", "report.metricsFile=/no/such/place/m.prom"});
  if (finished.exit_code != 0) s.story.back() += ": exit status is not 0";
}

void host_file_missing(Sequence& s) {
  s.watched.clean({"run", "--set", "resources.include=[/no/such/file]"});
}

}  // namespace

Names Sequence::some_command() {
  auto kind = draw(8);
  auto sets = watched.rig.agent.sets();
  if (kind == 0) return {"prune"};
  if (kind == 1 && !sets.empty()) {
    Names args{"remove", one_of(sets)};
    if (draw(2) == 0) args.emplace_back("--force");
    return args;
  }
  return {"run"};
}

test::Finished Sequence::does(const Names& args, const test::Command& command, test::Deed as) {
  auto begun = Clock::now();
  as.finished = watched.rig.agent.run(command);
  as.took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun);
  as.args = args;
  watched.did(as);
  return as.finished;
}

const std::vector<Fault>& all_faults() {
  static const std::vector<Fault> faults{{"no fault", nothing},
                                         {"failing call (F-L03, F-L04, F-L05)", failing_call},
                                         {"SIGKILL (F-L14)", kill},
                                         {"lost write (F-L06)", lost_write},
                                         {"SIGTERM (F-L23)", terminated},
                                         {"no etcd (F-E01)", no_etcd},
                                         {"wrong configuration (F-C01)", wrong_configuration},
                                         {"no room (F-L01)", no_room},
                                         {"limits (F-L22)", limits},
                                         {"output lost (F-L24)", output_lost},
                                         {"another clock (F-L12)", another_clock},
                                         {"two at once (F-L16)", two_at_once},
                                         {"pin", pin},
                                         {"damage (F-L19)", damage},
                                         {"foreign file (F-L10)", foreign},
                                         {"lock file deleted (F-L17)", lock_deleted},
                                         {"metrics refused (F-L24)", metrics_refused},
                                         {"host file missing (F-R01)", host_file_missing}};
  return faults;
}

}  // namespace snap::soak
