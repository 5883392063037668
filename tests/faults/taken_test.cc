// Names that are taken at a place: nothing there is ever replaced or mixed with ours.
#include <atomic>
#include <filesystem>
#include <fstream>

#include "base/time.h"
#include "faults/placed.h"

namespace snap::faults {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using test::NfsServer;
using test::NfsWire;

std::string name_of_now() { return std::format("prod-east_{:%Y-%m-%dT%H%M%SZ}_node-1", now_utc()); }

// F-N09, F-H09: the name of the set is a file, an empty directory, a directory with something in
// it, or another set of that name; at an export over both versions, and at a mirror with and
// without posix-rename.
TEST(TakenName, IsNeverReplaced) {
  NfsServer nas;
  test::SshServer mirror, plain_rename({.sftp_flags = "-P posix-rename"});
  Placed scene;
  auto name = name_of_now();
  std::vector<std::string> names;
  auto file = [&](const std::string& at) { test::write_file(at, "somebody's"); };
  auto empty = [&](const std::string& at) { fs::create_directory(at); };
  auto full = [&](const std::string& at) {
    fs::create_directory(at);
    test::write_file(at + "/data", "somebody's");
  };
  auto other = [&](const std::string& at) {
    fs::create_directory(at);
    test::write_file(at + "/manifest.json", "{\"schema\": 2}");
  };
  const std::vector<std::pair<std::string, std::function<void(const std::string&)>>> kTaken = {
      {"file", file}, {"empty", empty}, {"full", full}, {"other", other}};
  for (const auto& [what, take] : kTaken) {
    for (const auto& kind : {"n3", "n4", "h", "hp"}) {
      auto place = std::format("{}-{}", kind, what);
      auto& server = std::string(kind) == "h" ? mirror : plain_rename;
      auto top = kind[0] == 'n' ? nas.directory() : server.directory();
      fs::create_directories(top + "/" + place);
      take(top + "/" + place + "/" + name);
      if (kind[0] == 'n') {
        scene.nfs(place, nas, kind[1] - '0', 0, ", directory: " + place);
        scene.stores.back().directory = top + "/" + place;
        names.push_back(place);
      } else {
        scene.ssh(place, server, 0, place);
        names.push_back(scene.stores.back().name);
      }
    }
  }
  scene.ssh("free", mirror, 0, "free");
  auto before = scene.before();
  auto run = scene.run({"--set", name});
  EXPECT_EQ(std::ranges::count(test::outcome_of(run)["places"], "failed",
                               [](const auto& place) { return place["verdict"]; }),
            static_cast<long>(names.size()));
  expect_outcome(scene.agent, before, run, test::ships_not_to(names).saying(name), [&] {
    for (const auto& store : scene.stores)
      if (!store.name.starts_with("free")) fs::remove_all(store.directory + "/" + name);
    nas.restart();  // it remembers what was there
    return scene.run();
  });
}

// F-N09: another node publishes the same name. One is in the middle of it when the other comes.
TEST(TakenName, OfAnotherNodeInTheMiddleOfItIsLeftAlone) {
  NfsServer nas;
  NfsWire wire(nas.port());
  Placed first(big_script()), second;
  first.stall = "30s";
  first.nfs("nas", nas, 3, wire.port());
  second.nfs("nas", nas, 4);
  auto name = name_of_now();
  auto before_first = first.before(), before_second = second.before();
  std::atomic<bool> writing = false, go_on = false;
  wire.judge([&](NfsWire::Message& m) {
    if (!m.reply && m.what == "WRITE" && m.number == 3) {
      writing = true;
      test::wait_until([&] { return go_on.load(); }, 20s);
    }
    return NfsWire::Fate::pass;
  });
  auto command = first.agent.command({"run", "--set", name});
  command.output_file = first.agent.path("run.log");
  test::Process process(command);
  ASSERT_TRUE(test::wait_until([&] { return writing.load(); }));
  auto late = second.agent.command({"run", "--set", name});
  late.env["NODE_NAME"] = "node-2";
  auto run = second.agent.run(late);
  expect_outcome(second.agent, before_second, run, test::ships_not_to({"nas"}).saying("exists"));
  go_on = true;
  expect_outcome(first.agent, before_first, first.finished(process, 30s), test::succeeds());
}

// F-N09: both at once, as often as it takes to meet in different places.
TEST(TakenName, IsWonByExactlyOne) {
  NfsServer nas;
  for (int round = 0; round < 3; ++round) {
    Placed nodes[2];
    auto name = name_of_now();
    std::vector<test::Process> running;
    for (int i = 0; i < 2; ++i) {
      nodes[i].nfs("nas", nas, 3 + i, 0, std::format(", directory: round-{}", round));
      auto command = nodes[i].agent.command({"run", "--set", name});
      // Node 1 would take the other's beginning for its own of an earlier run, and remove it.
      command.env["NODE_NAME"] = std::format("node-{}", i + 2);
      command.output_file = nodes[i].agent.path("run.log");
      running.emplace_back(command);
    }
    int winner = -1;
    for (int i = 0; i < 2; ++i) {
      auto finished = nodes[i].finished(running[static_cast<size_t>(i)], 30s);
      EXPECT_TRUE(finished.exit_code == 0 || finished.exit_code == 5) << finished.text();
      if (finished.exit_code == 0) {
        EXPECT_EQ(winner, -1) << finished.text();
        winner = i;
      }
    }
    ASSERT_NE(winner, -1) << test::read_file(nodes[0].agent.path("run.log"))
                          << test::read_file(nodes[1].agent.path("run.log"));
    auto at_nas = test::contents(std::format("{}/round-{}/{}", nas.directory(), round, name));
    auto here = test::contents(nodes[winner].agent.set_path(name));
    ASSERT_EQ(at_nas.size(), here.size());
    for (auto a = at_nas.begin(), b = here.begin(); a != at_nas.end(); ++a, ++b)
      EXPECT_TRUE(a->second == b->second) << a->first;
  }
}

}  // namespace
}  // namespace snap::faults
