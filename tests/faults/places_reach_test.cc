// Places that cannot be reached or do not let us in: each with its step and cause, none later than
// its limit, and none in the way of the others.
#include <filesystem>

#include "faults/placed.h"
#include "support/listener.h"

namespace snap::faults {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using test::NfsServer;
using testing::HasSubstr;

// A line of the log for each place that failed, by its name.
std::string line_of(const test::Finished& run, const std::string& place) {
  auto begin = run.err.find(" error destination " + place + ": ");
  return begin == std::string::npos ? "" : run.err.substr(begin, run.err.find('\n', begin) - begin);
}

// Places that fail at once, each under a name of its own, beside a mirror that works.
struct Failing : Placed {
  void nfs_at(const std::string& name, const std::string& where, const std::string& rest,
              std::vector<std::string> parts) {
    add(name, std::format("type: nfs, url: \"nfs://127.0.0.1:{}\", {}", where, rest));
    expect(name, std::move(parts));
  }
  void expect(const std::string& name, std::vector<std::string> parts) {
    failing.push_back(name);
    says.emplace_back(name, std::move(parts));
  }
  // The whole outcome; afterwards `mended` is the configuration.
  void check(const std::string& mended, std::chrono::milliseconds limit) {
    auto first = before();
    auto finished = run();
    expect_outcome(agent, first, finished, test::ships_not_to(failing).within(limit), [&] {
      lines = mended;
      configure();
      return run();
    });
    for (const auto& [name, parts] : says)
      for (const auto& part : parts) EXPECT_THAT(line_of(finished, name), HasSubstr(part)) << name;
  }

  std::vector<std::string> failing;
  std::vector<std::pair<std::string, std::vector<std::string>>> says;
};

// F-N01, F-H01: refused, swallowed by a firewall, silent, another server, another export. Nobody is
// waited for longer than the limit of connections, whatever the limit of stalls is.
TEST(PlacesOutOfReach, AreNamedWithTheirStepWithinTheLimit) {
  NfsServer nas;
  test::write_file(nas.directory() + "/a-file", "");
  test::SshServer mirror;
  Failing scene;
  scene.stall = "60s";
  scene.ssh("mirror", mirror);
  auto mended = scene.lines;
  ASSERT_EQ(scene.run().exit_code, 0);

  auto swallows = test::Listener::black_hole(), silent = test::Listener::silent();
  auto dead = test::free_ports(1)[0];
  auto v3 = std::format("version: 3, mountPort: {}", nas.mount_port());
  auto port = [](int number) { return std::to_string(number); };
  scene.nfs_at("n-dead", port(dead) + "/exp", "version: 4", {"connect to 127.0.0.1", "refused"});
  scene.nfs_at("n-no-mount", port(nas.port()) + "/exp",
               std::format("version: 3, mountPort: {}", dead), {"connect to 127.0.0.1", "refused"});
  scene.nfs_at("n-hole", port(swallows.port()) + "/exp", "version: 4",
               {"connect to 127.0.0.1", "10s"});
  scene.nfs_at("n-silent", port(silent.port()) + "/exp", "version: 4",
               {"mount nfs://127.0.0.1/exp", "no answer", "10s"});
  scene.nfs_at("n-ssh", port(mirror.port()) + "/exp", "version: 4", {"mount nfs://127.0.0.1/exp"});
  scene.nfs_at("n-export", port(nas.port()) + "/exports/etcd", v3, {"mount", "/exports/etcd"});
  scene.nfs_at("n-export-4", port(nas.port()) + "/exports/other", "version: 4",
               {"mount", "/exports/other"});
  scene.nfs_at("n-file", port(nas.port()) + "/exp", v3 + ", directory: a-file",
               {"a-file is not a directory"});
  scene.nfs_at("n-file-4", port(nas.port()) + "/exp/a-file", "version: 4", {"a-file", "directory"});
  for (const auto& [name, at, part] : {std::tuple("h-dead", dead, "refused"),
                                       {"h-hole", swallows.port(), "10s"},
                                       {"h-silent", silent.port(), "not done within 10s"},
                                       {"h-nfs", nas.port(), "key exchange with sftp://"}}) {
    scene.ssh(name, mirror, at);
    scene.stores.pop_back();
    scene.expect(std::string(name) + "/127.0.0.1", {part});
  }
  scene.check(mended, 20s);
}

// F-N01: the portmapper, which version 3 without ports asks, is dead. In a network without any.
TEST(PlacesOutOfReach, ThePortmapperIsOneOfThem) {
  Failing scene;
  scene.configure();
  ASSERT_EQ(scene.run().exit_code, 0);
  scene.add("nas", "type: nfs, url: \"nfs://127.0.0.1/exp\", version: 3");
  auto command = scene.agent.command({"sync"});
  command.argv.insert(command.argv.begin(),
                      {"unshare", "--net", "sh", "-c", "ip link set lo up; exec \"$0\" \"$@\""});
  auto sync = scene.agent.run(command);
  EXPECT_EQ(sync.exit_code, 5) << sync.text();
  EXPECT_THAT(line_of(sync, "nas"), HasSubstr("connect to 127.0.0.1:111: "));
}

// F-N05: what the server allows us: the error has our uid and gid, the operation and what helps.
TEST(NfsRights, WhatIsRefusedIsNamedWithUsAndTheOperation) {
  NfsServer squashing({.squash = "root"}), read_only({.read_only = true}), ours,
      privileged({.secure_port = true});
  fs::permissions(squashing.directory(), fs::perms(0755));
  fs::permissions(ours.directory(), fs::perms(0700));
  test::SshServer mirror;
  Failing scene;
  scene.ssh("mirror", mirror);
  auto mended = scene.lines;
  test::NfsWire from_a_high_port(privileged.port());
  for (const auto& version : {"3", "4"}) {
    auto name = [&](const std::string& what) { return what + "-" + version; };
    auto at = [&](const NfsServer& server, int port, const std::string& more) {
      // One place under two names would be refused.
      return std::pair(std::format("{}/exp", port),
                       std::format("version: {0}, mountPort: {1}, directory: v{0}{2}", version,
                                   server.mount_port(), more));
    };
    auto [where, rest] = at(squashing, squashing.port(), "");
    scene.nfs_at(name("squash"), where, rest,
                 {"create ", "permission denied to uid 0 gid 0", "no_root_squash"});
    std::tie(where, rest) = at(read_only, read_only.port(), "");
    scene.nfs_at(name("read-only"), where, rest, {"create ", "read-only"});
    std::tie(where, rest) = at(ours, ours.port(), ", uid: 1000, gid: 1000");
    scene.nfs_at(name("uid"), where, rest, {"permission denied to uid 1000 gid 1000"});
    std::tie(where, rest) = at(privileged, from_a_high_port.port(), "");
    scene.nfs_at(name("port"), where, rest, {"mount nfs://127.0.0.1", "port below 1024"});
  }
  scene.check(mended, 15s);
}

}  // namespace
}  // namespace snap::faults
