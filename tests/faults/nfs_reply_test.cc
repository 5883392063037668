// Calls that an NFS server did although nobody learnt it, listings that are cut, and clocks.
#include <atomic>
#include <filesystem>
#include <list>

#include "faults/placed.h"

namespace snap::faults {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using test::NfsServer;
using test::NfsWire;
using testing::HasSubstr;
using testing::IsEmpty;
using Fate = NfsWire::Fate;
using Message = NfsWire::Message;

// Loses the reply to the first call of this name that has `about` in it, and the connection with
// it.
NfsWire::Judge lose(const std::string& what, const std::string& about, std::atomic<int>& lost) {
  return [what, about, &lost, waits = false, over = false](Message& m) mutable {
    if (m.what != what || over) return Fate::pass;
    if (!m.reply) {
      waits = m.bytes.contains(about);
      return Fate::pass;
    }
    if (!waits) return Fate::pass;
    over = true;
    ++lost;
    return Fate::cut;
  };
}

// F-N08: mkdir, create and rename were done, and their replies are lost: when they are repeated,
// what is there is looked at.
TEST(LostReply, IsNoFailureAndOverwritesNothing) {
  struct Case {
    int version;
    std::string what, about;
  };
  const std::vector<Case> kCases = {{3, "MKDIR", ".state"},      {3, "MKDIR", ".incoming-"},
                                    {3, "CREATE", "node-1_"},    {3, "CREATE", "snapshot"},
                                    {3, "RENAME", ".incoming-"}, {4, "MKDIR", ".incoming-"},
                                    {4, "OPEN", "snapshot"},     {4, "RENAME", ".incoming-"}};
  NfsServer server;
  std::atomic<int> lost = 0;
  std::list<NfsWire> wires;
  Placed scene;
  for (const auto& c : kCases) {
    wires.emplace_back(server.port());
    auto name = std::format("n{}", wires.size());
    fs::create_directory(server.directory() + "/" + name);
    scene.nfs(name, server, c.version, wires.back().port(), ", directory: " + name);
    scene.stores.back().directory += "/" + name;
    wires.back().judge(lose(c.what, c.about, lost));
  }
  auto before = scene.before();
  auto run = scene.run();
  EXPECT_EQ(lost, static_cast<int>(kCases.size()));
  expect_outcome(scene.agent, before, run, test::succeeds());
}

// F-N08: the reply to a removal is lost while a place is pruned: that is said, and the next run
// finishes it. The manifest goes first, so what is left is no set.
TEST(LostReply, OfARemovalIsFinishedByTheNextRun) {
  NfsServer server;
  NfsWire wire(server.port());
  Placed scene;
  scene.settings = "retention: {keepLast: 1, keepWithin: 0s}\n";
  scene.nfs("nas", server, 3, wire.port());
  ASSERT_EQ(scene.run().exit_code, 0);
  auto old = scene.agent.sets()[0];
  std::atomic<int> lost = 0;
  wire.judge(lose("REMOVE", "manifest.json", lost));
  auto run = scene.run();
  EXPECT_EQ(run.exit_code, 6) << run.text();
  EXPECT_FALSE(fs::exists(server.directory() + "/" + old + "/manifest.json"));
  EXPECT_THAT(run.err, HasSubstr(" error nas: "));
  auto next = scene.run();
  EXPECT_EQ(next.exit_code, 0) << next.text();
  EXPECT_FALSE(fs::exists(server.directory() + "/" + old)) << next.text();
  EXPECT_EQ(scene.agent.run({"verify", "--at", "nas"}).exit_code, 0);
}

// F-N10: a listing that never ends whole is no listing: nothing is removed by it.
TEST(CutListing, RemovesNothing) {
  NfsServer server;
  NfsWire wire(server.port());
  Placed scene;
  scene.nfs("nas", server, 3, wire.port());
  ASSERT_EQ(scene.run().exit_code, 0);
  for (int i = 0; i < 500; ++i)
    fs::create_directory(std::format("{}/{:0200}", server.directory(), i));
  auto before = scene.before();
  // The second reply of a listing: the first has an end that is not the end.
  wire.judge([seen = 0](Message& m) mutable {
    return m.reply && m.what == "READDIRPLUS" && m.bytes.size() > 4'000 && ++seen % 2 == 0
               ? Fate::cut
               : Fate::pass;
  });
  auto run = scene.run({"--set", "retention.keepLast=1", "--set", "retention.keepWithin=0s"});
  wire.judge([](Message&) { return Fate::pass; });
  EXPECT_EQ(run.exit_code, 5) << run.text();
  EXPECT_THAT(run.err, HasSubstr("destination nas: list nfs://127.0.0.1/exp"));
  EXPECT_THAT(test::outcome_of(run)["places"][1]["pruned"], IsEmpty());
  EXPECT_EQ(test::contents(server.directory() + "/" + before.sets()[0]).size(), 3U);
  EXPECT_EQ(scene.run().exit_code, 0);
}

// F-N12: between two calls of one file lies more than the lease, and another client comes
// meanwhile, at which the server may take the file away from us. No byte is lost silently.
TEST(Lease, ThatRunsOutLosesNothing) {
  NfsServer server({.lease_seconds = 2});
  test::Proxy proxy(std::format("127.0.0.1:{}", server.port()));
  Placed scene(big_script()), other;
  scene.stall = "30s";
  scene.nfs("nas", server, 4, proxy.port());
  other.nfs("nas", server, 4);
  auto before = scene.before();
  proxy.play(test::ProxyScript{.to_server = {.stall_at = kMiddle}});
  auto process = scene.in_background();
  ASSERT_TRUE(test::wait_until([&] { return proxy.stalled() == 1; }));
  auto past = std::chrono::steady_clock::now() + 5s;
  EXPECT_EQ(other.agent.run({"list", "-o", "json"}).exit_code, 1) << "it has made no set yet";
  ASSERT_TRUE(test::wait_until([&] { return std::chrono::steady_clock::now() > past; }));
  proxy.play(test::ProxyScript());
  proxy.release();
  expect_outcome(scene.agent, before, scene.finished(process, 60s), test::succeeds());
}

// F-N12: the server's clock is a year off, either way.
TEST(ServersClock, IsNeverUsed) {
  for (const auto* clock : {"-365d", "+365d"}) {
    NfsServer server({.clock = clock});
    Placed scene;
    scene.nfs("nas", server, 4);
    for (int i = 0; i < 2; ++i) {
      auto before = scene.before();
      expect_outcome(scene.agent, before, scene.run(), test::succeeds());
    }
  }
}

}  // namespace
}  // namespace snap::faults
