// Mirrors over SFTP against a real OpenSSH server.
#include "dest/sftp.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <format>
#include <fstream>
#include <optional>
#include <thread>

#include "contract.h"
#include "support/ssh_server.h"

namespace snap::dest {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

SftpConfig config_of(const test::SshServer& server, const std::string& directory = "sets") {
  return {.host = server.host(),
          .port = static_cast<uint16_t>(server.port()),
          .user = "root",
          .directory = server.data() + "/" + directory,
          .private_key_file = server.key("ed25519"),
          .known_hosts_file = server.known_hosts(),
          .patience = {.connect = 5s, .stall = 5s, .stop = {}}};
}

// One server for each kind; every case uses a directory of its own.
ContractCase contract_case(const std::string& name, const test::SshOptions& options) {
  return {name, [name, options](const test::TempDir& dir) {
            static test::SshServer server(options);
            auto place = open_sftp(config_of(server, dir.path().substr(dir.path().rfind('/') + 1)));
            if (!place) throw std::runtime_error(describe(place.error()));
            return std::move(*place);
          }};
}

INSTANTIATE_TEST_SUITE_P(
    Sftp, Contract,
    testing::Values(contract_case("plain", {}), contract_case("sftp_only", {.mode = "sftp_only"}),
                    contract_case("chroot", {.mode = "chroot"}),
                    // F-H08: neither fsync nor posix-rename nor statvfs nor limits
                    contract_case("no_extensions",
                                  {.sftp_flags = "-P fsync,posix-rename,statvfs,limits"})),
    [](const auto& test) { return test.param.name; });

TEST(SftpDirectory, IsMadeOnlyForWhoBringsSomething) {
  test::SshServer server;
  auto config = config_of(server, "looked-at");
  config.create = false;
  auto looked = open_sftp(config);
  ASSERT_FALSE(looked);
  EXPECT_EQ(looked.error().code, Code::not_found);
  EXPECT_EQ(looked.error().hint, kWouldBeMade);
  EXPECT_FALSE(fs::exists(config.directory));
  config.create = true;
  EXPECT_TRUE(open_sftp(config));
  config.create = false;
  EXPECT_TRUE(open_sftp(config));
}

struct Refusal {
  std::string name;
  std::function<void(test::SshServer&, SftpConfig&)> spoil;
  Code code;
  std::vector<std::string> says;
};
void PrintTo(const Refusal& c, std::ostream* out) { *out << c.name; }
class SftpRefuses : public testing::TestWithParam<Refusal> {};

TEST_P(SftpRefuses, WithTheCause) {
  test::SshServer server;
  auto config = config_of(server);
  GetParam().spoil(server, config);
  auto before = fs::exists(config.known_hosts_file) ? fs::file_size(config.known_hosts_file) : 0;
  auto place = open_sftp(config);
  ASSERT_FALSE(place);
  auto text = describe(place.error());
  EXPECT_EQ(place.error().code, GetParam().code) << text;
  for (const auto& says : GetParam().says) EXPECT_THAT(text, HasSubstr(says));
  EXPECT_THAT(text, testing::Not(HasSubstr("canary")));
  EXPECT_EQ(fs::exists(config.known_hosts_file) ? fs::file_size(config.known_hosts_file) : 0,
            before);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, SftpRefuses,
    testing::Values(
        // F-H02
        Refusal{"known_hosts_missing",
                [](auto&, auto& c) { c.known_hosts_file += ".none"; },
                Code::invalid,
                {"known hosts", "ssh-keyscan"}},
        Refusal{"unknown_host",
                [](auto&, auto& c) { test::write_file(c.known_hosts_file, ""); },
                Code::denied,
                {"is not in", "ssh-ed25519 SHA256:", "ssh-keyscan"}},
        Refusal{"changed_key",
                [](auto& s, auto&) { s.new_host_key(); },
                Code::denied,
                {"has changed", "it shows ssh-ed25519 SHA256:", "has ssh-ed25519 SHA256:"}},
        Refusal{"revoked_key",
                [](auto&, auto& c) {
                  std::ifstream file(c.known_hosts_file);
                  std::string text{std::istreambuf_iterator<char>(file), {}};
                  test::write_file(c.known_hosts_file, text + "@revoked " + text);
                },
                Code::denied,
                {"is revoked"}},
        // F-H03
        Refusal{"key_missing",
                [](auto&, auto& c) { c.private_key_file += ".none"; },
                Code::invalid,
                {"private key"}},
        Refusal{"key_garbage",
                [](auto& s, auto& c) {
                  c.private_key_file = s.path("garbage");
                  test::write_file(c.private_key_file, "canary");
                },
                Code::invalid,
                {"is no private key"}},
        Refusal{"public_half",
                [](auto&, auto& c) { c.private_key_file += ".pub"; },
                Code::invalid,
                {"must be the private half"}},
        Refusal{"encrypted_without_passphrase",
                [](auto& s, auto& c) { c.private_key_file = s.key("encrypted"); },
                Code::invalid,
                {"passphraseFile"}},
        Refusal{"wrong_passphrase",
                [](auto& s, auto& c) {
                  c.private_key_file = s.key("encrypted");
                  c.passphrase_file = s.path("wrong");
                  test::write_file(c.passphrase_file, "canary\n");
                },
                Code::invalid,
                {"passphraseFile"}},
        Refusal{"key_not_authorized",
                [](auto& s, auto&) { test::write_file(s.path("authorized_keys"), ""); },
                Code::denied,
                {"our key was refused", "authorized_keys"}},
        // F-H01
        Refusal{"nobody_listens",
                [](auto& s, auto&) { s.kill(); },
                Code::unavailable,
                {"connect to", "refused"}},
        Refusal{"parent_missing",
                [](auto&, auto& c) { c.directory += "/a/b"; },
                Code::not_found,
                {"the parent directory is missing"}}),
    [](const auto& test) { return test.param.name; });

TEST(Sftp, LogsInWithEveryKindOfKey) {
  test::SshServer server;
  for (const char* name : {"ed25519", "ecdsa", "rsa", "encrypted"}) {
    auto config = config_of(server);
    config.private_key_file = server.key(name);
    if (std::string(name) == "encrypted") config.passphrase_file = server.passphrase_file();
    auto place = open_sftp(config);
    EXPECT_TRUE(place) << name << ": " << describe(place.error());
  }
}

TEST(Sftp, PinsAHostThatItSeesForTheFirstTimeWhenToldTo) {
  test::SshServer server;
  auto config = config_of(server);
  config.known_hosts_file = {};
  config.host_key_policy = HostKeyPolicy::accept_new;
  config.pinned_hosts_file = server.path("pinned");
  ASSERT_TRUE(open_sftp(config));
  EXPECT_TRUE(open_sftp(config));
  std::ifstream file(config.pinned_hosts_file);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(text, AllOf(HasSubstr(std::format("[127.0.0.1]:{} ", server.port())),
                          HasSubstr("ssh-ed25519")));
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
  server.new_host_key();
  EXPECT_EQ(open_sftp(config).error().code, Code::denied);
}

// Before the first run there is not even a directory for the file.
TEST(Sftp, PinsNoHostForWhoOnlyLooks) {
  test::SshServer server;
  auto config = config_of(server);
  config.known_hosts_file = {};
  config.host_key_policy = HostKeyPolicy::accept_new;
  config.pinned_hosts_file = server.path("none/.state/known_hosts");
  fs::create_directories(server.directory() + "/sets");
  config.create = false;
  auto looked = open_sftp(config);
  ASSERT_TRUE(looked) << describe(looked.error());
  EXPECT_THAT(looked.value()->remarks(),
              testing::ElementsAre(
                  AllOf(HasSubstr("its host key ssh-ed25519 SHA256:"), HasSubstr("first run"))));
  EXPECT_FALSE(fs::exists(server.path("none")));
  fs::create_directories(server.path("none"));
  config.create = true;
  EXPECT_TRUE(open_sftp(config).value()->remarks().empty());
  config.create = false;
  EXPECT_TRUE(open_sftp(config).value()->remarks().empty());
  server.new_host_key();
  EXPECT_EQ(open_sftp(config).error().code, Code::denied);
}

TEST(Sftp, AsksForAHostKeyThatIsKnown) {
  test::SshServer server;
  auto config = config_of(server);
  std::ifstream file(config.known_hosts_file);
  std::string line, ecdsa;
  while (std::getline(file, line))
    if (line.contains("ecdsa")) ecdsa = line + "\n";
  test::write_file(config.known_hosts_file, ecdsa);
  EXPECT_TRUE(open_sftp(config));
}

// An address may have been another node's before; the name of a node is its own.
TEST(Sftp, GoesByTheFirstNameThatHasAKey) {
  test::SshServer server;
  auto config = config_of(server);
  std::ifstream file(config.known_hosts_file);
  std::string line, right, wrong;
  while (std::getline(file, line))
    if (line.contains("ssh-ed25519")) right = line.substr(line.find(' ')) + "\n";
  // The line of the other name holds a key of this type that is not the server's.
  test::SshServer stranger;
  std::ifstream strange(stranger.known_hosts());
  while (std::getline(strange, line))
    if (line.contains("ssh-ed25519")) wrong = line.substr(line.find(' ')) + "\n";
  auto listed = [&](const std::string& name, const std::string& key) {
    return std::format("[{}]:{}{}", name, server.port(), key);
  };
  config.known_as = {"node-1"};
  test::write_file(config.known_hosts_file, listed("127.0.0.1", wrong) + listed("node-1", right));
  auto by_name = open_sftp(config);
  EXPECT_TRUE(by_name) << describe(by_name.error());
  test::write_file(config.known_hosts_file, listed("127.0.0.1", right) + listed("node-1", wrong));
  EXPECT_EQ(open_sftp(config).error().code, Code::denied);
  test::write_file(config.known_hosts_file, listed("127.0.0.1", right));
  EXPECT_TRUE(open_sftp(config)) << "no line for the name: the address counts";
}

TEST(Sftp, LetsThePlaceComputeTheDigestWhereItRunsCommands) {
  test::SshServer server;
  auto place = open_sftp(config_of(server, "it's")).value();
  auto incoming = place->begin("g").value();
  {
    auto sink = incoming->create("data").value();
    ASSERT_TRUE(sink->write(as_bytes("abc")));
    ASSERT_TRUE(sink->finish());
  }
  EXPECT_EQ(incoming->far_digest("data").value(), stream::sha256(as_bytes("abc")));
}

TEST(Sftp, ReadsBackWhereNoCommandRuns) {
  for (const test::SshOptions& options :
       {test::SshOptions{.mode = "sftp_only"}, test::SshOptions{.mode = "chroot"}}) {
    test::SshServer server(options);
    auto place = open_sftp(config_of(server)).value();
    auto incoming = place->begin("g").value();
    auto sink = incoming->create("data").value();
    ASSERT_TRUE(sink->write(as_bytes("abc")));
    ASSERT_TRUE(sink->finish());
    EXPECT_EQ(incoming->far_digest("data").value(), std::nullopt);
  }
}

// F-H07
TEST(Sftp, SaysThatAServerIsNoSftpServer) {
  for (const test::SshOptions& options : {test::SshOptions{.mode = "exec_only"},
                                          test::SshOptions{.greeting = "Welcome to\a mirror"}}) {
    test::SshServer server(options);
    auto place = open_sftp(config_of(server));
    ASSERT_FALSE(place);
    EXPECT_EQ(place.error().code, Code::invalid);
    EXPECT_THAT(place.error().message, HasSubstr("is not an SFTP server"));
  }
}

struct Pieces {
  std::string name, filter;
};
void PrintTo(const Pieces& c, std::ostream* out) { *out << c.name; }
class SftpPieces : public testing::TestWithParam<Pieces> {};

// The server answers nothing before it was given 1 MiB: whoever waits for answers earlier has too
// little on its way.
TEST_P(SftpPieces, AreOfOneSizeAndEnoughAreOnTheirWay) {
  test::SshServer server(
      {.sftp_server = std::format("python3 {}/tests/support/sftp_filter.py --even --hold {} {}",
                                  SNAP_SOURCE_DIR, 1 << 20, GetParam().filter)});
  auto config = config_of(server);
  config.patience.stall = 3s;
  auto place = open_sftp(config).value();
  auto incoming = place->begin("g").value();
  std::string content(4 << 20, 'x');
  for (size_t i = 0; i < content.size(); i += 997) content[i] = static_cast<char>(i);
  {
    auto sink = incoming->create("data").value();
    for (size_t at = 0; at < content.size(); at += 512 << 10)
      ASSERT_TRUE(sink->write(as_bytes(std::string_view(content).substr(at, 512 << 10))));
    auto finished = sink->finish();
    ASSERT_TRUE(finished) << describe(finished.error());
  }
  auto source = incoming->open("data").value();
  EXPECT_TRUE(stream::read_all(*source, 1 << 26).value() == content);
}

INSTANTIATE_TEST_SUITE_P(Rows, SftpPieces,
                         testing::Values(Pieces{"that_it_names", ""},
                                         Pieces{"of_an_old_server", "--no-limits"}),
                         [](const auto& test) { return test.param.name; });

struct Aside {
  std::string name;
  test::SshOptions options;
  bool copies;
  std::optional<int> flushes;  // of a file of 150 MB, with that at its end; nothing: not looked at
};
void PrintTo(const Aside& c, std::ostream* out) { *out << c.name; }
class SftpAsideCase : public testing::TestWithParam<Aside> {};

TEST_P(SftpAsideCase, CopiesAndFlushesWhatTheServerAllows) {
  auto options = GetParam().options;
  test::TempDir log;
  if (GetParam().flushes)
    options.sftp_server = std::format("strace -A -f -o {} -e trace=fsync {} {}", log.path("calls"),
                                      test::SshServer::kSftpServer, options.sftp_flags);
  test::SshServer server(options);
  auto place = open_sftp(config_of(server)).value();
  {
    auto incoming = place->begin("basis").value();
    auto sink = incoming->create("data").value();
    std::string megabyte(1'000'000, 'x');
    for (int i = 0; i < 150; ++i) {
      megabyte[0] = static_cast<char>(i);
      ASSERT_TRUE(sink->write(as_bytes(megabyte)));
    }
    ASSERT_TRUE(sink->finish());
    ASSERT_TRUE(incoming->publish());
  }
  auto incoming = place->begin("g").value();
  auto patch = incoming->derive("data", "basis", "data");
  ASSERT_TRUE(patch) << describe(patch.error());
  EXPECT_EQ(*patch != nullptr, GetParam().copies);
  patch->reset();
  incoming.reset();
  place.reset();
  if (!GetParam().flushes) return;
  auto calls = test::read_file(log.path("calls"));
  EXPECT_EQ(std::ranges::count(calls, '('), *GetParam().flushes) << calls;
}

INSTANTIATE_TEST_SUITE_P(
    Rows, SftpAsideCase,
    testing::Values(Aside{"plain", {}, true, 3},
                    Aside{"one_channel_only", {.settings = {"MaxSessions 1"}}, false, 1},
                    Aside{"neither_extension", {.sftp_flags = "-P fsync,copy-data"}, false, 0},
                    Aside{"by_a_command", {.sftp_flags = "-P copy-data"}, true, {}},
                    Aside{"files_only", {.mode = "sftp_only"}, true, {}},
                    Aside{"in_a_jail", {.mode = "chroot"}, true, {}}),
    [](const auto& test) { return test.param.name; });

// Only the second SFTP server of a connection, which flushes, meets the bad disk.
TEST(Sftp, DoesNotMissAFlushThatFailed) {
  test::TempDir dir;
  test::write_file(
      dir.path("server"),
      std::format("#!/bin/sh\nmkdir {} && exec {}\nexec strace -f -o /dev/null -e "
                  "trace=fsync -e inject=fsync:error=EIO:when=1 {}\n",
                  dir.path("first"), test::SshServer::kSftpServer, test::SshServer::kSftpServer));
  fs::permissions(dir.path("server"), fs::perms(0755));
  test::SshServer server({.sftp_server = dir.path("server")});
  auto place = open_sftp(config_of(server)).value();
  auto incoming = place->begin("g").value();
  auto sink = incoming->create("data").value();
  std::string megabytes(70'000'000, 'x');
  ASSERT_TRUE(sink->write(as_bytes(megabytes)));
  auto finished = sink->finish();
  ASSERT_FALSE(finished);
  EXPECT_THAT(finished.error().message, HasSubstr("could not bring it to its disk"));
}

// F-H06
TEST(Sftp, SaysThatAMirrorIsFull) {
  test::SshServer server({.disk_mib = 4});
  auto place = open_sftp(config_of(server)).value();
  auto incoming = place->begin("g").value();
  auto sink = incoming->create("data").value();
  std::string megabyte(1 << 20, 'x');
  Result<void> written;
  for (int i = 0; i < 8 && written; ++i) written = sink->write(as_bytes(megabyte));
  if (written) written = sink->finish();
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Code::no_space) << written.error().message;
  sink.reset();
  incoming.reset();
  EXPECT_TRUE(place->leftovers().value().empty());
}

// F-H06
TEST(Sftp, SaysThatAServerIsReadOnly) {
  test::SshServer server({.sftp_flags = "-R"});
  fs::create_directories(server.directory() + "/sets");
  auto place = open_sftp(config_of(server)).value();
  EXPECT_EQ(place->begin("g").error().code, Code::denied);
}

// F-H05
TEST(Sftp, GivesUpOnASilentServer) {
  test::SshServer server;
  auto config = config_of(server);
  config.patience.stall = 1s;
  auto place = open_sftp(config).value();
  auto incoming = place->begin("g").value();
  auto sink = incoming->create("data").value();
  ASSERT_TRUE(sink->write(as_bytes("abc")));
  server.pause();
  auto start = std::chrono::steady_clock::now();
  std::string megabyte(1 << 20, 'x');
  Result<void> written;
  for (int i = 0; i < 64 && written; ++i) written = sink->write(as_bytes(megabyte));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Code::timeout) << written.error().message;
  EXPECT_LT(std::chrono::steady_clock::now() - start, 4s);
  sink.reset();
  incoming.reset();
  place.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
}

// F-H05: 80 MB give the server 1.6 s more than the limit to flush them.
TEST(Sftp, GivesTheFlushOfALargeFileMoreTime) {
  test::SshServer server({.sftp_server = std::string("strace -f -o /dev/null -e trace=fsync -e "
                                                     "inject=fsync:delay_enter=1800000 ") +
                                         test::SshServer::kSftpServer});
  auto config = config_of(server);
  config.patience.stall = 1s;
  auto place = open_sftp(config).value();
  auto incoming = place->begin("g").value();
  std::string megabytes(8'000'000, 'x');
  for (int count : {1, 10}) {
    auto sink = incoming->create(std::format("data-{}", count)).value();
    for (int i = 0; i < count; ++i) ASSERT_TRUE(sink->write(as_bytes(megabytes)));
    auto begun = std::chrono::steady_clock::now();
    auto finished = sink->finish();
    if (count == 10) {
      EXPECT_TRUE(finished) << describe(finished.error());
      EXPECT_GE(std::chrono::steady_clock::now() - begun, 1800ms);
      continue;
    }
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.error().code, Code::timeout);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 1800ms);
    sink.reset();
    incoming.reset();
    place = open_sftp(config).value();
    incoming = place->resume("g").value();
  }
}

// F-H04
TEST(Sftp, NoticesThatTheServerDied) {
  test::SshServer server;
  auto place = open_sftp(config_of(server)).value();
  auto incoming = place->begin("g").value();
  auto sink = incoming->create("data").value();
  ASSERT_TRUE(sink->write(as_bytes("abc")));
  server.kill();
  auto finished = sink->finish();
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().code, Code::unavailable) << describe(finished.error());
  EXPECT_TRUE(place->list().error().retryable());
  sink.reset();
  incoming.reset();
  server.restart();
  // What it left is found, and taken away by who knows that its writer is gone.
  place = open_sftp(config_of(server)).value();
  EXPECT_TRUE(place->list().value().empty());
  EXPECT_EQ(place->leftovers().value().size(), 1U);
  EXPECT_TRUE(place->discard("g"));
}

TEST(Sftp, StopsWhenToldTo) {
  test::SshServer server;
  std::stop_source stop;
  auto config = config_of(server);
  config.patience.stall = 60s;
  config.patience.stop = stop.get_token();
  auto place = open_sftp(config).value();
  server.pause();
  std::jthread later([&] { stop.request_stop(); });
  EXPECT_EQ(place->list().error().code, Code::cancelled);
}

// F-H04: new keys for the connection in mid-transfer
TEST(Sftp, OutlivesRekeying) {
  test::SshServer server({.settings = {"RekeyLimit 1M"}});
  auto place = open_sftp(config_of(server)).value();
  auto incoming = place->begin("g").value();
  auto sink = incoming->create("data").value();
  std::string content(8 << 20, 'x');
  for (size_t i = 0; i < content.size(); i += 997) content[i] = static_cast<char>(i);
  ASSERT_TRUE(sink->write(as_bytes(content)));
  ASSERT_TRUE(sink->finish());
  auto source = incoming->open("data").value();
  EXPECT_TRUE(stream::read_all(*source, 1 << 26).value() == content);
}

// F-H14
TEST(Sftp, ReadsNoConfigurationOfTheUser) {
  test::SshServer server;
  fs::create_directories(server.path("home/.ssh"));
  test::write_file(
      server.path("home/.ssh/config"),
      "Host *\n  ProxyCommand /bin/false\n  StrictHostKeyChecking no\n  HostName 192.0.2.1\n");
  auto* before = std::getenv("HOME");
  std::string home = before ? before : "";
  ::setenv("HOME", server.path("home").c_str(), 1);
  auto config = config_of(server);
  EXPECT_TRUE(open_sftp(config));
  test::write_file(config.known_hosts_file, "");
  EXPECT_EQ(open_sftp(config).error().code, Code::denied);
  ::setenv("HOME", home.c_str(), 1);
}

}  // namespace
}  // namespace snap::dest
