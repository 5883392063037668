// The program with places beside its own directory, each of which a test can break. The member
// follows a script, so that nothing but the places takes time.
#pragma once

#include <format>
#include <functional>
#include <string>
#include <vector>

#include "cli/scenes.h"
#include "support/nfs_wire.h"
#include "support/outcome.h"
#include "support/places.h"
#include "support/proxy.h"

namespace snap::faults {

inline constexpr int kManyKeys = 6'000;
inline constexpr uint64_t kMiddle = 2'000'000;  // bytes: of that many keys, the middle is past this

// A database of several MiB, so that it has a middle.
inline test::SnapshotScript big_script(int keys = kManyKeys) {
  auto script = test::good_script();
  script.body = test::snapshot_body(test::small_database(keys), 65536);
  script.hash_kv = test::small_hash_kv(keys);
  return script;
}

// A mirror that is sent every byte of each set.
inline const test::SshOptions kNoCopies{.mode = "sftp_only", .sftp_flags = "-P copy-data"};

struct Placed {
  explicit Placed(test::SnapshotScript script = test::good_script()) : fake(std::move(script)) {}

  // `at`: a proxy in front of the server; 0: the server itself.
  void nfs(const std::string& name, const test::NfsServer& server, int version = 3, int at = 0,
           const std::string& more = {}) {
    add(name, test::nfs_keys(server, version, at) + more);
    stores.push_back({name, server.directory()});
  }
  void ssh(const std::string& name, const test::SshServer& server, int at = 0,
           const std::string& directory = "sets") {
    add(name,
        test::ssh_keys(server, {.directory = directory,
                                .port = at,
                                .known_hosts = "knownHostsFile: " + known_hosts(server, at)}));
    stores.push_back({name + "/" + server.host(), server.directory() + "/" + directory});
  }
  void s3(const std::string& name, const test::S3Server& server, const std::string& url = {}) {
    add(name, test::s3_keys(server, url));
    stores.push_back({name, server.data() + "/" + server.bucket() + "/east"});
  }
  void add(const std::string& name, const std::string& rest) {
    lines += std::format("- {{name: {}, {}, stallTimeout: {}}}\n", name, rest, stall);
    configure();
  }
  void forget() {
    lines.clear();
    stores.clear();
  }
  void configure() {
    agent.configure({.endpoints = {fake.endpoint()},
                     .more = settings + (lines.empty() ? "" : "destinations:\n") + lines});
  }
  // The keys of a server under the port of a proxy.
  std::string known_hosts(const test::SshServer& server, int at) const {
    if (at == 0) return server.known_hosts();
    auto text = test::read_file(server.known_hosts());
    auto from = std::format("]:{} ", server.port()), to = std::format("]:{} ", at);
    for (size_t i = 0; (i = text.find(from, i)) != text.npos; i += to.size())
      text.replace(i, from.size(), to);
    auto file = agent.path(std::format("known_hosts_{}", at));
    test::write_file(file, text);
    return file;
  }

  test::Finished run(std::vector<std::string> args = {}) const {
    args.insert(args.begin(), "run");
    return agent.run(args);
  }
  test::Before before() const { return {agent, stores}; }

  // A run that goes on while the test looks after the servers.
  test::Process in_background() const {
    auto command = agent.command({"run"});
    command.output_file = agent.path("run.log");
    std::filesystem::remove(command.output_file);
    return test::Process(command);
  }
  // As it would have come from run().
  test::Finished finished(test::Process& process, std::chrono::seconds limit) const {
    auto ended = process.wait(limit);
    EXPECT_TRUE(ended) << test::read_file(agent.path("run.log"));
    auto result = ended.value_or(test::Finished());
    auto said = test::read_file(agent.path("run.log"));
    auto line = said.rfind("\n{") == said.npos ? 0 : said.rfind("\n{") + 1;
    result.out = said.substr(line);
    result.err = said.substr(0, line);
    agent.expect_no_secrets(said);
    return result;
  }

  test::FakeGrpc fake;
  test::Agent agent;
  std::string stall = "2s", lines, settings;
  std::vector<test::Store> stores;
};

}  // namespace snap::faults
