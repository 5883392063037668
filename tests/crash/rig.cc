#include "crash/rig.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <format>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>

#include "base/text.h"
#include "base/time.h"
#include "sets/name.h"

namespace snap::crash {
namespace {

namespace fs = std::filesystem;

const Seconds kStart = std::chrono::floor<std::chrono::days>(now_utc()) - std::chrono::days(1);

// The thread that was stopped by strace's signal=STOP, 0 as long as none is.
pid_t stopped_thread(const std::string& trace) {
  for (const auto& line : split(trace, '\n')) {
    if (line.contains("--- stopped by SIGSTOP ---"))
      return static_cast<pid_t>(std::strtol(line.c_str(), nullptr, 10));
  }
  return 0;
}

int count(const std::string& text, const std::string& word) {
  int n = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++n;
  return n;
}

}  // namespace

Paths::Paths(const std::string& sets_directory, const std::string& name)
    : sets(sets_directory), incoming(sets + "/.incoming-" + name) {
  auto start = snap::sets::SetName::parse(name).value().start;
  snapshot = incoming + "/" + snap::sets::snapshot_file_name(start);
  archive = incoming + "/" + snap::sets::static_resources_file_name(start);
  manifest = incoming + "/manifest.json";
}

std::shared_ptr<test::EtcdCluster> Rig::small_server() {
  auto server = std::make_shared<test::EtcdCluster>(test::EtcdCluster::start({}));
  server->ctl({"put", "/registry/pods/a", "b"});
  return server;
}

Rig::Rig(const std::string& retention) : Rig(small_server(), retention) {}

Rig::Rig(std::shared_ptr<test::EtcdCluster> server, const std::string& retention)
    : server_(std::move(server)), cluster(*server_) {
  auto setup = test::AgentSetup::of(cluster);
  setup.more = "retention: " + retention + "\n";
  agent.configure(setup);
}

std::string Rig::next_name() {
  return sets::SetName{"prod-east", kStart + std::chrono::seconds(made_++), "node-1"}.text();
}

std::string Rig::make_set(const Names& more) {
  auto name = next_name();
  Names args{"run", "--set", name};
  args.insert(args.end(), more.begin(), more.end());
  auto run = agent.run(args);
  EXPECT_EQ(run.exit_code, 0) << run.text();
  return name;
}

test::Command Rig::traced(const Fault& fault, const Names& args) const {
  auto command = agent.command(args);
  Names strace{"strace", "-f", "-qq", "-o", trace_file(), "-e", "trace=" + fault.calls};
  if (!fault.what.empty())
    strace.insert(strace.end(), {"-e", std::format("inject={}:{}", fault.calls, fault.what)});
  for (const auto& path : fault.only_paths) strace.insert(strace.end(), {"-P", path});
  command.argv.insert(command.argv.begin(), strace.begin(), strace.end());
  return command;
}

Faulted Rig::with_fault(const Fault& fault, const Names& args) const {
  fs::remove(trace_file());
  auto begun = std::chrono::steady_clock::now();
  Faulted result{.finished = agent.run(traced(fault, args)),
                 .trace = test::read_file(trace_file())};
  result.took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - begun);
  result.times = count(result.trace, "(INJECTED)") + count(result.trace, "(DELAYED)");
  if (result.finished.signal == 9) result.times = 1;
  return result;
}

Faulted Rig::interrupted(Fault where, int number, const Names& args) const {
  auto out = agent.path("trace.out"), err = agent.path("trace.err");
  fs::remove(trace_file());
  where.what = "signal=STOP:" + where.what;
  auto command = traced(where, args);
  Names shell{"sh", "-c", "exec \"$@\" 2>\"$0\"", err};
  command.argv.insert(command.argv.begin(), shell.begin(), shell.end());
  command.output_file = out;
  test::Process tracer(command);
  std::optional<test::Finished> ended;
  pid_t thread = 0;
  EXPECT_TRUE(test::wait_until(
      [&] {
        ended = tracer.wait(std::chrono::milliseconds(0));
        thread = stopped_thread(test::read_file(trace_file()));
        return ended || thread > 0;
      },
      std::chrono::seconds(30)));
  auto begun = std::chrono::steady_clock::now();
  if (thread > 0 && !ended) {
    ::kill(thread, number);
    ::kill(thread, SIGCONT);
  }
  if (!ended) ended = tracer.wait(std::chrono::seconds(30));
  Faulted result{.finished = ended.value_or(test::Finished{.timed_out = true}),
                 .times = thread > 0 ? 1 : 0,
                 .trace = test::read_file(trace_file())};
  result.took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - begun);
  result.finished.out = test::read_file(out);
  result.finished.err = test::read_file(err);
  agent.expect_no_secrets(result.finished.out + result.finished.err);
  fs::remove(out);
  fs::remove(err);
  return result;
}

test::Finished Rig::in_namespace(const std::string& script, const Names& args) const {
  auto command = agent.command(args);
  // Below a chroot "/" is no mount point: who made that has made its mounts private already.
  auto whole = "mount --make-rprivate / 2>/dev/null || :\n" + script;
  Names shell{"unshare", "--mount", "--propagation", "unchanged", "sh", "-euc", whole, "sh"};
  command.argv.insert(command.argv.begin(), shell.begin(), shell.end());
  return agent.run(command);
}

std::map<std::string, int> Rig::count_calls(const Names& calls, const Names& args) const {
  auto clean = with_fault({.calls = join(calls, ","), .what = ""}, args);
  EXPECT_EQ(clean.finished.exit_code, 0) << clean.finished.text();
  std::map<std::string, int> most;
  std::map<std::string, int> by_thread;  // "4711 openat"
  for (const auto& line : split(clean.trace, '\n')) {
    auto open = line.find('(');
    auto blank = line.find_first_of(" ");
    if (open == std::string::npos || blank > open) continue;
    auto call = std::string(trim(std::string_view(line).substr(blank, open - blank)));
    auto n = ++by_thread[line.substr(0, blank) + " " + call];
    if (std::ranges::contains(calls, call)) most[call] = std::max(most[call], n);
  }
  return most;
}

Names Rig::expect_listed_sets_sound() const {
  Names sets;
  for (const auto& row : agent.list()) {
    auto name = row["set"].get<std::string>();
    if (row["state"] == "remains") continue;
    EXPECT_EQ(row["state"], "good") << row;
    EXPECT_EQ(row["proven"], true) << row;
    sets.push_back(name);
  }
  std::ranges::sort(sets);
  if (sets.empty()) return sets;
  Names args{"verify"};
  args.insert(args.end(), sets.begin(), sets.end());
  auto verified = agent.run(args);
  EXPECT_EQ(verified.exit_code, 0) << verified.text();
  return sets;
}

Names Rig::leftovers() const {
  Names names;
  for (const auto& entry : fs::directory_iterator(agent.sets_directory())) {
    auto name = entry.path().filename().string();
    if (name.starts_with(".incoming-")) names.push_back(name);
  }
  return names;
}

std::map<std::string, std::string> Rig::contents() const {
  std::map<std::string, std::string> files;
  for (const auto& set : agent.sets()) {
    for (const auto& entry : fs::directory_iterator(agent.set_path(set)))
      files[set + "/" + entry.path().filename().string()] = test::read_file(entry.path());
  }
  return files;
}

void Rig::expect_tidy() const {
  agent.expect_nothing_left();
  auto removing = agent.sets_directory() + "/.state/removing";
  EXPECT_TRUE(!fs::exists(removing) || fs::is_empty(removing)) << "a removal was not finished";
}

unsigned test_seed() {
  const auto* wanted = std::getenv("SNAP_TEST_SEED");
  auto seed =
      wanted ? static_cast<unsigned>(std::strtoul(wanted, nullptr, 10)) : std::random_device{}();
  std::cout << "SNAP_TEST_SEED=" << seed << "\n";
  return seed;
}

int trials(int usual) {
  const auto* wanted = std::getenv("SNAP_TEST_TRIALS");
  return wanted ? static_cast<int>(std::strtol(wanted, nullptr, 10)) : usual;
}

}  // namespace snap::crash
