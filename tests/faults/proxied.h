// A real cluster behind proxies, to break what passes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/scenes.h"
#include "support/outcome.h"
#include "support/proxy.h"

namespace snap::faults {

inline constexpr auto kKeepOne = "retention: {keepLast: 1, keepWithin: 0s}\n";
inline constexpr uint64_t kInTheMiddle = 2'000'000;  // of what one connection brings
inline constexpr int kMoreThanBuffersHold = 24;      // MiB: the sockets between member and proxy

// A real cluster, each member behind a proxy; the agent knows the proxies only.
struct Proxied {
  explicit Proxied(const test::EtcdOptions& options, int mib)
      : cluster(test::EtcdCluster::start(options)) {
    cluster.ctl({"put", "/registry/pods/a", "b"});
    cluster.fill(mib);
    setup.more = kKeepOne;
    for (const auto& endpoint : cluster.endpoints()) {
      proxies.push_back(std::make_unique<test::Proxy>(endpoint));
      setup.endpoints.push_back(proxies.back()->url());
    }
    agent.configure(setup);
  }
  test::Finished run(const std::string& stall = "2s") {
    return agent.run({"run", "--set", "etcd.stallTimeout=" + stall});
  }
  void play(const test::ProxyScript& script) {
    for (auto& proxy : proxies) proxy->play(script);
  }
  // The member whose stream stands at its stall; waits for one.
  int serving() {
    int found = -1;
    test::wait_until([&] {
      for (size_t i = 0; i < proxies.size(); ++i)
        if (proxies[i]->stalled() > 0) found = static_cast<int>(i);
      return found >= 0;
    });
    return found;
  }
  test::Process in_background(const std::string& stall = "20s") {
    auto command = agent.command({"run", "--set", "etcd.stallTimeout=" + stall});
    command.output_file = log();
    return test::Process(command);
  }
  std::string log() const { return agent.path("run.log"); }
  // What ended in the background, as expect_outcome() wants it.
  test::Finished finished(test::Process& process) {
    auto ended = process.wait(std::chrono::seconds(60));
    EXPECT_TRUE(ended);
    auto result = ended.value_or(test::Finished());
    auto said = test::read_file(log());
    auto line = said.rfind("\n{") == said.npos ? 0 : said.rfind("\n{") + 1;
    result.out = said.substr(line);
    result.err = said.substr(0, line);
    return result;
  }

  test::EtcdCluster cluster;
  std::vector<std::unique_ptr<test::Proxy>> proxies;
  test::AgentSetup setup;
  test::Agent agent;
};

}  // namespace snap::faults
