// Faults of NFS servers and of the way to them, each with the whole outcome of `run`.
#include <atomic>
#include <filesystem>
#include <fstream>

#include "faults/placed.h"

namespace snap::faults {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using test::NfsServer;
using test::NfsWire;
using testing::HasSubstr;
using Fate = NfsWire::Fate;
using Message = NfsWire::Message;

bool is_call(const Message& m, const std::string& what, int number) {
  return !m.reply && m.what == what && m.number == number;
}

// The unfinished snapshot at a server.
std::string half_written(const NfsServer& server) {
  for (const auto& entry : fs::recursive_directory_iterator(server.directory()))
    if (entry.path().extension() == ".db" && entry.path().string().contains("/.incoming-"))
      return entry.path();
  return "";
}

// The first COMMIT is of the mark that a run leaves for others, the second of the snapshot.

// F-N02: the server stands still in mid-write, when the file is to be closed, when the set is to be
// published. Side by side, so that all of it takes one stall limit and one attempt to come back.
TEST(NfsStandsStill, EndsAfterTheStallLimitAndDelaysNobodyElse) {
  struct Stop {
    std::string name, at;
    int number, version;
    NfsServer server = NfsServer();
    NfsWire wire = NfsWire(server.port());
  };
  std::array<Stop, 4> stops = {{{"write", "WRITE", 3, 3},
                                {"close", "COMMIT", 2, 3},
                                {"rename", "RENAME", 1, 3},
                                {"rename-4", "RENAME", 1, 4}}};
  test::SshServer mirror;
  Placed scene(big_script());
  scene.ssh("mirror", mirror);
  std::vector<std::string> names;
  for (auto& stop : stops) {
    names.push_back(stop.name);
    scene.nfs(stop.name, stop.server, stop.version, stop.wire.port());
  }
  ASSERT_EQ(scene.run().exit_code, 0);
  auto before = scene.before();
  for (auto& stop : stops) {
    stop.wire.judge([&stop, number = 0](Message& m) mutable {
      if (m.reply || m.what != stop.at || ++number != stop.number) return Fate::pass;
      stop.server.pause();
      return Fate::drop;
    });
  }
  auto run = scene.run();
  auto shipped = run.err.find("mirror/127.0.0.1: shipped");
  for (const auto& name : names) EXPECT_LT(shipped, run.err.find("destination " + name)) << run.err;
  EXPECT_LT(run.cpu_seconds, 4);
  expect_outcome(scene.agent, before, run, test::ships_not_to(names).saying("no answer"), [&] {
    for (auto& stop : stops) {
      stop.wire.judge([](Message&) { return Fate::pass; });
      stop.server.resume();
    }
    return scene.run();
  });
}

// A run whose NFS server dies at this call, and comes back when `while_dead` has changed its disk.
test::Finished run_over_a_death(const Placed& scene, NfsServer& server, NfsWire& wire,
                                const std::string& call, int number,
                                const std::function<void()>& while_dead) {
  std::atomic<bool> dead = false;
  wire.judge([&](Message& m) {
    if (dead || !is_call(m, call, number)) return Fate::pass;
    server.kill();
    dead = true;
    return Fate::cut;
  });
  auto process = scene.in_background();
  EXPECT_TRUE(test::wait_until([&] { return dead.load(); }));
  while_dead();
  server.restart();
  auto run = scene.finished(process, 30s);
  wire.judge([](Message&) { return Fate::pass; });
  return run;
}

// F-N03: the server dies in mid-file and loses what it had not written to the disk yet; it comes
// back, with the tail of the file gone or full of zeros.
class NfsDies : public testing::TestWithParam<int> {};

TEST_P(NfsDies, AndTheWholeObjectGoesAgain) {
  for (bool zeros : {false, true}) {
    NfsServer server;
    NfsWire wire(server.port());
    Placed scene(big_script());
    scene.stall = "5s";
    scene.nfs("nas", server, GetParam(), wire.port());
    auto before = scene.before();
    auto lose_the_tail = [&] {
      auto file = half_written(server);
      auto size = fs::file_size(file);
      fs::resize_file(file, size / 2);
      if (zeros) fs::resize_file(file, size);
    };
    auto run = run_over_a_death(scene, server, wire, zeros ? "COMMIT" : "WRITE", zeros ? 2 : 4,
                                lose_the_tail);
    EXPECT_THAT(run.err, HasSubstr("trying again"));
    expect_outcome(scene.agent, before, run, test::succeeds());
  }
}

INSTANTIATE_TEST_SUITE_P(Version, NfsDies, testing::Values(3, 4));

// F-N03: a link that breaks twice, at different bytes, then holds.
TEST(NfsLink, ThatFlapsIsOutlived) {
  NfsServer server;
  test::Proxy proxy(std::format("127.0.0.1:{}", server.port()));
  Placed scene(big_script());
  scene.nfs("nas", server, 4, proxy.port());
  auto before = scene.before();
  // The first connection of an opening only looks who listens.
  proxy.play([](int connection) -> test::ProxyScript {
    if (connection == 1) return {.to_server = {.reset_at = kMiddle}};
    if (connection == 3) return {.to_server = {.fin_at = kMiddle / 3}};
    return {};
  });
  auto run = scene.run();
  EXPECT_EQ(proxy.cuts(), 2);
  expect_outcome(scene.agent, before, run, test::succeeds());
}

struct Link {
  std::string name;
  test::ProxyScript script;  // of every connection
  std::string says;
};
void PrintTo(const Link& link, std::ostream* out) { *out << link.name; }
class NfsLinkAlways : public testing::TestWithParam<Link> {};
TEST_P(NfsLinkAlways, BadIsAFailure) {  // F-N03, F-N07
  NfsServer server;
  test::Proxy proxy(std::format("127.0.0.1:{}", server.port()));
  Placed scene(big_script());
  scene.nfs("nas", server, 3, proxy.port());
  ASSERT_EQ(scene.run().exit_code, 0);
  auto before = scene.before();
  proxy.play(GetParam().script);
  expect_outcome(scene.agent, before, scene.run(),
                 test::ships_not_to({"nas"}).saying(GetParam().says), [&] {
                   proxy.play(test::ProxyScript());
                   return scene.run();
                 });
}
INSTANTIATE_TEST_SUITE_P(
    By, NfsLinkAlways,
    testing::Values(Link{"breaking", {.to_server = {.reset_at = kMiddle}}, "is lost"},
                    Link{"flipping_a_bit",
                         {.to_server = {.flip_at = kMiddle}},
                         "does not give back what it was sent"}),
    [](const auto& test) { return test.param.name; });

// F-N04: full before the first byte, full in mid-write, over a quota, out of inodes.
struct Full {
  std::string name;
  test::NfsOptions options;
  int version;
  bool meanwhile;  // the room is taken after the run has looked
  std::string says;
};
void PrintTo(const Full& c, std::ostream* out) { *out << c.name; }
class NfsFull : public testing::TestWithParam<Full> {};

// Takes all the room that is left but `spare` bytes. Over a quota a file cannot be cut.
void fill(const std::string& file, size_t spare) {
  std::ofstream out(file, std::ios::binary);
  std::string block(64 << 10, 'f');
  while (out.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
  }
  out.close();
  if (spare > 0) fs::resize_file(file, fs::file_size(file) - spare);
}

TEST_P(NfsFull, SaysSoAndNeverHangs) {
  NfsServer server(GetParam().options);
  NfsWire wire(server.port());
  test::SshServer mirror;
  Placed scene(big_script());
  scene.nfs("nas", server, GetParam().version, wire.port());
  scene.ssh("mirror", mirror);
  auto before = scene.before();
  // Below a directory of somebody else's: ganesha goes on listing a file that was removed behind
  // its back, and calls it stale.
  auto others = server.directory() + "/others";
  fs::create_directory(others);
  auto filler = others + "/filler";
  auto take = [&] {
    if (GetParam().options.inodes > 0) {
      fs::create_directory(filler);
      for (int i = 0; std::ofstream(std::format("{}/{}", filler, i)); ++i) {
      }
    } else {
      fill(filler, GetParam().meanwhile ? 0 : 2 << 20);
    }
  };
  if (GetParam().meanwhile) {
    wire.judge([&](Message& m) {
      if (is_call(m, "WRITE", 3)) take();
      return Fate::pass;
    });
  } else {
    take();
  }
  auto run = scene.run();
  expect_outcome(scene.agent, before, run, test::ships_not_to({"nas"}).saying(GetParam().says),
                 [&] {
                   wire.judge([](Message&) { return Fate::pass; });
                   fs::remove_all(filler);
                   return scene.run();
                 });
}

INSTANTIATE_TEST_SUITE_P(
    Rows, NfsFull,
    testing::Values(Full{"before", {.disk_mib = 32}, 3, false, "no space at nfs://127.0.0.1/exp"},
                    Full{"meanwhile_v3", {.disk_mib = 32}, 3, true, "no space left"},
                    Full{"meanwhile_v4", {.disk_mib = 32}, 4, true, "no space left"},
                    Full{"quota_v3", {.disk_mib = 160, .quota_mib = 20}, 3, true, "the quota of"},
                    Full{"quota_v4", {.disk_mib = 160, .quota_mib = 20}, 4, true, "the quota of"},
                    Full{"inodes", {.disk_mib = 32, .inodes = 64}, 3, false, "no space left"}),
    [](const auto& test) { return test.param.name; });

// F-N06: the export was made anew, so every handle is stale: a new mount, and all of it again.
TEST(NfsExport, MadeAnewIsMountedAnew) {
  NfsServer server;
  NfsWire wire(server.port());
  Placed scene(big_script());
  scene.stall = "5s";
  scene.nfs("nas", server, 3, wire.port());
  auto before = scene.before();
  auto run = run_over_a_death(scene, server, wire, "WRITE", 4, [&] {
    for (const auto& entry : fs::directory_iterator(server.directory())) fs::remove_all(entry);
  });
  expect_outcome(scene.agent, before, run, test::succeeds());
}

// F-N06: only what we write into was taken away, under our hands.
TEST(NfsExport, EmptiedUnderOurHandsIsAFailureAtMost) {
  NfsServer server;
  NfsWire wire(server.port());
  Placed scene(big_script());
  scene.nfs("nas", server, 3, wire.port());
  auto before = scene.before();
  wire.judge([&](Message& m) {
    if (is_call(m, "WRITE", 3)) fs::remove_all(fs::path(half_written(server)).parent_path());
    return Fate::pass;
  });
  auto run = scene.run();
  expect_outcome(scene.agent, before, run, test::ships_not_to({"nas"}).saying("nfs://127.0.0.1"),
                 [&] {
                   wire.judge([](Message&) { return Fate::pass; });
                   return scene.run();
                 });
}

// F-N07: a bit flips on the way there, or on the way back, once.
TEST(NfsFlip, IsFoundByReadingBackAndWrittenAgain) {
  for (const test::ProxyScript& script : {test::ProxyScript{.to_server = {.flip_at = kMiddle}},
                                          test::ProxyScript{.to_client = {.flip_at = kMiddle}}}) {
    NfsServer server;
    test::Proxy proxy(std::format("127.0.0.1:{}", server.port()));
    Placed scene(big_script());
    scene.nfs("nas", server, 3, proxy.port());
    auto before = scene.before();
    proxy.play([&](int connection) { return connection == 0 ? script : test::ProxyScript(); });
    auto run = scene.run();
    EXPECT_EQ(proxy.flips(), 1);
    EXPECT_THAT(run.err, HasSubstr("does not give back what it was sent"));
    expect_outcome(scene.agent, before, run, test::succeeds());
  }
}

// F-N07: a server that says it took half of each block, and answers out of order.
TEST(NfsReplies, MayBeShortAndComeInAnyOrder) {
  NfsServer server;
  NfsWire wire(server.port());
  Placed scene(big_script());
  scene.nfs("nas", server, 3, wire.port());
  auto before = scene.before();
  std::atomic<int> shortened = 0, held = 0;
  wire.judge([&](Message& m) {
    if (!m.reply || m.what != "WRITE") return Fate::pass;
    auto& count = m.bytes[m.bytes.size() - 15];  // of 64 KiB; "committed" and the verifier follow
    if (m.number % 2 == 0 && count > 1) count /= 2, ++shortened;
    if (m.number != 3) return Fate::pass;
    ++held;
    return Fate::hold;
  });
  auto run = scene.run();
  EXPECT_GT(shortened, 1);
  EXPECT_EQ(held, 1);
  expect_outcome(scene.agent, before, run, test::succeeds());
}

// F-N11
TEST(NfsVersion4, IsAsGood) {
  NfsServer server;
  Placed scene(big_script());
  scene.nfs("nas", server, 4);
  auto before = scene.before();
  auto run = scene.run();
  expect_outcome(scene.agent, before, run, test::succeeds());
  EXPECT_EQ(scene.agent.run({"verify", "--at", "nas"}).exit_code, 0);
}

}  // namespace
}  // namespace snap::faults
