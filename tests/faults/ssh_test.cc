// Faults of mirrors, each with the whole outcome of `run`.
#include <filesystem>
#include <fstream>

#include "faults/placed.h"

namespace snap::faults {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using test::SshServer;

struct Limits {
  std::string name;
  std::string sftp_server;
};
void PrintTo(const Limits& c, std::ostream* out) { *out << c.name; }
class SmallServer : public testing::TestWithParam<Limits> {};

// F-H10: a server that says it takes 4 KiB at once and ends the session above; one that gives 4 KiB
// at once without having said so; one that says nothing and ends the session above 256 KiB.
TEST_P(SmallServer, IsGivenPiecesThatFit) {
  auto filter = std::string("python3 ") + SNAP_SOURCE_DIR + "/tests/support/sftp_filter.py ";
  SshServer mirror({.sftp_server = filter + GetParam().sftp_server});
  Placed scene(big_script());
  scene.ssh("mirror", mirror);
  auto before = scene.before();
  auto run = scene.run();
  EXPECT_EQ(test::outcome_of(run)["places"][1]["proven_by"], "read back");
  expect_outcome(scene.agent, before, run, test::succeeds());
}

INSTANTIATE_TEST_SUITE_P(Rows, SmallServer,
                         testing::Values(Limits{"writes", "--write-most 4096"},
                                         Limits{"reads", "--read-most 4096"},
                                         Limits{"packets", "--packet-most 262144 --no-limits"}),
                         [](const auto& test) { return test.param.name; });

// F-H11: one write fails and all later ones succeed: what would be a hole of zeros in a file of the
// right size. sftp-server seeks before it writes, and a few times when it begins.
TEST(FailedWrite, LeavesNoHole) {
  SshServer mirror({.sftp_server = std::string("strace -f -o /dev/null -e trace=lseek -e "
                                               "inject=lseek:error=EIO:when=9 ") +
                                   SshServer::kSftpServer});
  Placed scene(big_script());
  scene.ssh("mirror", mirror);
  auto before = scene.before();
  expect_outcome(scene.agent, before, scene.run(),
                 test::ships_not_to({"mirror/127.0.0.1"}).saying("the server refused a write"),
                 [&] {
                   mirror.change_sftp_server(SshServer::kSftpServer);
                   return scene.run();
                 });
}

// F-H12: twenty mirrors, one dead, one slow, one full: each with its own line, and the healthy ones
// are done while the slow one is still at it.
TEST(TwentyMirrors, EachStandsForItself) {
  constexpr int kHealthy = 17;
  SshServer server, full({.disk_mib = 4});
  test::Proxy slow(std::format("127.0.0.1:{}", server.port()));
  slow.play(test::ProxyScript{.to_server = {.stall_at = kMiddle, .bytes_per_second = 2'000'000}});
  Placed scene(big_script());
  scene.stall = "60s";
  for (int i = 0; i < kHealthy; ++i)
    scene.ssh(std::format("m{}", i), server, 0, std::format("m{}", i));
  scene.ssh("slow", server, slow.port(), "slow");
  scene.ssh("full", full);
  scene.add("dead",
            std::format("type: ssh, hosts: [127.0.0.1], port: {}, user: root, directory: "
                        "/sets, privateKeyFile: {}, knownHostsFile: {}",
                        test::free_ports(1)[0], server.key("ed25519"), server.known_hosts()));
  auto before = scene.before();
  auto process = scene.in_background();
  auto published = [&](const test::Store& store) {
    auto sets = scene.agent.sets();
    return !sets.empty() && fs::exists(store.directory + "/" + sets[0] + "/manifest.json");
  };
  auto healthy = [&] {
    return std::ranges::all_of(scene.stores.begin(), scene.stores.begin() + kHealthy, published);
  };
  ASSERT_TRUE(test::wait_until(healthy, 30s));
  EXPECT_TRUE(process.running());
  EXPECT_FALSE(published(scene.stores[kHealthy])) << "the slow one is done";
  ASSERT_TRUE(test::wait_until([&] { return slow.stalled() == 1; }));
  slow.release();
  auto run = scene.finished(process, 60s);
  expect_outcome(scene.agent, before, run,
                 test::ships_not_to({"full/127.0.0.1", "dead/127.0.0.1"})
                     .saying("no space")
                     .saying("refused")
                     .within(60s));
}

// The mirror begins the second set as a copy of the first. What it has of that may have rotted.
TEST(SecondSet, SendsAMirrorWhatHasChanged) {
  SshServer mirror;
  Placed scene(big_script());
  scene.ssh("mirror", mirror);
  auto sent_by = [&](const test::Finished& run) {
    return test::outcome_of(run)["places"][1]["sent_bytes"].get<uint64_t>();
  };
  auto all = sent_by(scene.run());
  ASSERT_GT(all, kMiddle);

  scene.fake.play(big_script(kManyKeys + 20));
  auto before = scene.before();
  auto second = scene.run();
  EXPECT_LT(sent_by(second), all / 10);
  EXPECT_EQ(test::outcome_of(second)["places"][1]["proven_by"], "SHA-256 by the place");
  expect_outcome(scene.agent, before, second, test::succeeds());

  for (const auto& file : fs::recursive_directory_iterator(scene.stores[0].directory)) {
    if (file.path().extension() != ".db") continue;
    std::fstream in_place(file.path(), std::ios::in | std::ios::out);
    in_place.seekp(kMiddle) << "rotten";
  }
  scene.fake.play(big_script(kManyKeys + 40));
  auto third = scene.run();
  EXPECT_EQ(third.exit_code, 0) << third.err;
  EXPECT_GE(sent_by(third), all);
  auto newest = test::outcome_of(third)["set"].get<std::string>();
  auto verified = scene.agent.run({"verify", "--at", "mirror", newest});
  EXPECT_EQ(verified.exit_code, 0) << verified.err;
}

}  // namespace
}  // namespace snap::faults
