#include "crash/watched.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <format>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/text.h"
#include "support/parts.h"

namespace snap::crash {
namespace {

using Clock = std::chrono::steady_clock;

// What a client may not have sent, and what the cluster says of itself.
std::string state_of(const test::EtcdCluster& server) {
  auto metrics = test::run({.argv = {"curl", "-sf", server.endpoints().front() + "/metrics"}});
  std::string state = metrics.ok() ? "" : metrics.text();
  for (const auto& line : split(metrics.out, '\n')) {
    if (!line.starts_with("grpc_server_started_total")) continue;
    for (const auto* method :
         {"\"Put\"", "\"DeleteRange\"", "\"Txn\"", "\"Compact\"", "\"Defragment\"",
          "\"MoveLeader\"", "\"Downgrade\"", "\"MemberAdd\"", "\"MemberRemove\"",
          "\"MemberUpdate\"", "\"AuthEnable\"", "\"AuthDisable\""})
      if (line.contains(method)) state += line + "\n";
  }
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"member", "list"}, {"alarm", "list"}})
    state += server.ctl(args);
  auto revision = server.ctl({"get", "nothing", "-w", "json"});
  auto json = nlohmann::json::parse(revision, nullptr, false);
  return state + (json.is_object() ? json["header"]["revision"].dump() : revision);
}

// No fault met a write to standard output or standard error.
bool heard(const Faulted& faulted) {
  return std::ranges::none_of(split(faulted.trace, '\n'), [](const auto& line) {
    return line.contains("(INJECTED)") && (line.contains("(1, ") || line.contains("(2, "));
  });
}

test::InvariantSetup setup_of(const Rig& rig, unsigned keep_last) {
  const auto& agent = rig.agent;
  return {.places = {{"local", agent.sets_directory()}},
          .keep_last = keep_last,
          .root = agent.directory(),
          .changing = {agent.path("metrics"), agent.path("trace"), agent.path("clock")},
          .metrics_file = agent.metrics_file(),
          .etcdutl = {test::part("etcd-3.5/etcdutl", "etcd-3.5"),
                      test::part("etcd-3.6/etcdutl", "etcd-3.6")},
          .etcd_state = [&server = rig.cluster] { return state_of(server); }};
}

}  // namespace

Watched::Watched(std::shared_ptr<test::EtcdCluster> server, unsigned keep_last)
    : rig(std::move(server), std::format("{{keepLast: {}, keepWithin: 0s}}", keep_last)),
      invariants(setup_of(rig, keep_last)) {}

void Watched::did(const test::Deed& deed) {
  for (const auto& broken : invariants.after(deed))
    ADD_FAILURE() << "invariant " << broken << "\n" << deed.finished.text();
}

test::Finished Watched::clean(const Names& args) {
  auto begun = Clock::now();
  auto finished = rig.agent.run(args);
  did({.args = args,
       .finished = finished,
       .took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun)});
  return finished;
}

test::Finished Watched::succeeds(const Names& args) {
  auto finished = clean(args);
  EXPECT_EQ(finished.exit_code, 0) << "invariant 15: " << join(args, " ") << finished.text();
  return finished;
}

Faulted Watched::faulted(const Fault& fault, const Names& args) {
  auto result = rig.with_fault(fault, args);
  did({.args = args,
       .finished = result.finished,
       .took = result.took,
       .clean = result.times == 0,
       .heard = heard(result)});
  return result;
}

Faulted Watched::interrupted(const Fault& where, int number, const Names& args) {
  auto result = rig.interrupted(where, number, args);
  did({.args = args, .finished = result.finished, .took = result.took, .clean = result.times == 0});
  return result;
}

std::string Watched::makes_set(const Names& more) {
  auto name = rig.next_name();
  Names args{"run", "--set", name};
  args.insert(args.end(), more.begin(), more.end());
  succeeds(args);
  return name;
}

void Watched::expect_at_end() {
  auto verify = [&](const std::string& set) { return rig.agent.run({"verify", set}).exit_code; };
  for (const auto& broken : invariants.at_end(rig.agent.list(), verify))
    ADD_FAILURE() << "invariant " << broken;
}

void side_by_side(size_t count, const std::function<void(Watched&, size_t)>& work,
                  unsigned keep_last) {
  auto server = Rig::small_server();
  std::atomic<size_t> next = 0;
  auto at_work = std::clamp(std::thread::hardware_concurrency(), 2U, 8U);
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < at_work; ++i) {
    threads.emplace_back([&] {
      Watched watched(server, keep_last);
      for (auto at = next++; at < count && !testing::Test::HasFailure(); at = next++)
        work(watched, at);
    });
  }
}

}  // namespace snap::crash
