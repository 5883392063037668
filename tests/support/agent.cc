#include "support/agent.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace snap::test {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kCanary = "canary";  // stands in every planted secret

// A line out of the middle of a PEM file: its label is no secret.
std::string secret_line(const std::string& pem) {
  auto lines = split(pem, '\n');
  return lines.size() < 5 ? std::string() : std::string(lines[lines.size() / 2]);
}

std::string quoted(const std::string& word) {
  std::string out = "'";
  for (char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

bool is_data(const fs::path& path) {
  return path.extension() == ".db" || path.extension() == ".gz" || path.extension() == ".part";
}

}  // namespace

nlohmann::json outcome_of(const Finished& finished) {
  auto text = std::string(trim(finished.out));
  auto begin = text.rfind('\n');
  auto last = begin == std::string::npos ? text : text.substr(begin + 1);
  auto json = nlohmann::json::parse(last, nullptr, false);
  return json.is_discarded() ? nlohmann::json() : json;
}

AgentSetup AgentSetup::of(const EtcdCluster& cluster) {
  AgentSetup setup{.endpoints = cluster.endpoints()};
  if (setup.endpoints.front().starts_with("https")) {
    setup.cacert = cluster.pki().ca;
    setup.cert = cluster.pki().client_cert;
    setup.key = cluster.pki().client_key;
  }
  return setup;
}

Agent::Agent() {
  for (const auto* name : {"metrics", "host/manifests", "host/pki"})
    fs::create_directories(path(name));
  plant("host/manifests/etcd.yaml", "kind: Pod\nmetadata: {name: etcd}\n");
  plant("host/pki/sa.key", "-----BEGIN PRIVATE KEY-----\ncanary-archived-key\n");
  plant("host/encryption.yaml", "secret: canary-encryption-key\n");
}

void Agent::plant(const std::string& file, const std::string& content) const {
  write_file(path(file), content);
  fs::permissions(path(file), fs::perms::owner_read | fs::perms::owner_write);
}

void Agent::configure(const AgentSetup& setup) {
  std::string text = "cluster: " + setup.cluster + "\netcd:\n  profile: none\n";
  if (!setup.endpoints.empty()) text += "  endpoints: ['" + join(setup.endpoints, "', '") + "']\n";
  auto add = [&text](const std::string& key, const std::string& value) {
    if (!value.empty()) text += "  " + key + ": " + value + "\n";
  };
  add("cacert", setup.cacert);
  add("cert", setup.cert);
  add("key", setup.key);
  add("username", setup.username);
  add("passwordFile", setup.password_file);
  text += "  stallTimeout: 5s\n";
  text += "resources:\n  include: [" + host_tree() + setup.include + "]\n";
  text += "local:\n  directory: " + sets_directory() + "\n";
  text += setup.local.empty() ? "  reserve: 1KiB\n" : setup.local;
  text += "report:\n  metricsFile: " + metrics_file() + "\n";
  write_file(config_file(), text + setup.more);
  client_key_ = setup.key.empty() ? "" : secret_line(read_file(setup.key));
}

Command Agent::command(const std::vector<std::string>& args) const {
  std::vector<std::string> argv{SNAP_AGENT};
  argv.insert(argv.end(), args.begin(), args.end());
  bool has_config =
      std::ranges::contains(args, "--config") || std::ranges::contains(args, "--help");
  bool takes_one = !args.empty() && !args.front().starts_with('-') && args.front() != "man" &&
                   args.front() != "completion";
  if (takes_one && !has_config) argv.insert(argv.begin() + 2, {"--config", config_file()});
  return {.argv = argv,
          .env = {{"NODE_NAME", "node-1"},
                  {"ETCDCTL_PASSWORD", "canary-environment"},
                  {"AWS_SECRET_ACCESS_KEY", "canary-environment"},
                  {"SSLKEYLOGFILE", path("tls-secrets")}},
          .directory = directory()};
}

std::string Agent::shell_word(const std::vector<std::string>& args) const {
  std::vector<std::string> words;
  for (const auto& word : command(args).argv) words.push_back(quoted(word));
  return join(words, " ");
}

Finished Agent::run(const Command& command) const {
  auto finished = test::run(command);
  // What a snapshot on standard output holds is not ours to judge.
  bool data = std::ranges::contains(command.argv, "-");
  expect_no_secrets((data ? "" : finished.out) + finished.err);
  return finished;
}

void Agent::expect_no_secrets(const std::string& output) const {
  auto expect_clean = [this](const std::string& where, const std::string& text) {
    EXPECT_EQ(text.find(kCanary), std::string::npos)
        << "a secret stands in " << where << ": " << text;
    if (!client_key_.empty()) {
      EXPECT_EQ(text.find(client_key_), std::string::npos)
          << "the client's key stands in " << where;
    }
  };
  expect_clean("the output", output);
  EXPECT_FALSE(fs::exists(path("tls-secrets"))) << "session keys were written";
  for (const auto& top : {sets_directory(), path("metrics")}) {
    if (!fs::exists(top)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(top)) {
      if (entry.is_regular_file() && !is_data(entry.path()))
        expect_clean(entry.path(), read_file(entry.path()));
    }
  }
}

std::vector<std::string> Agent::sets() const {
  std::vector<std::string> names;
  if (!fs::exists(sets_directory())) return names;
  for (const auto& entry : fs::directory_iterator(sets_directory())) {
    auto name = entry.path().filename().string();
    if (!name.starts_with('.')) names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

std::string Agent::set_path(const std::string& set, const std::string& file) const {
  return sets_directory() + "/" + set + (file.empty() ? "" : "/" + file);
}

nlohmann::json Agent::manifest_of(const std::string& set) const {
  auto json = nlohmann::json::parse(read_file(set_path(set, "manifest.json")), nullptr, false);
  return json.is_discarded() ? nlohmann::json() : json;
}

std::string Agent::snapshot_of(const std::string& set) const {
  for (const auto& entry : fs::directory_iterator(set_path(set))) {
    if (entry.path().extension() == ".db") return entry.path();
  }
  return set_path(set, "no snapshot");
}

nlohmann::json Agent::list() const {
  auto listed = run({"list", "-o", "json"});
  auto json = nlohmann::json::parse(listed.out, nullptr, false);
  EXPECT_TRUE(json.is_object() && json.contains("sets")) << listed.text();
  return json.is_object() && json.contains("sets") ? json["sets"] : nlohmann::json::array();
}

void Agent::expect_nothing_left() const {
  for (const auto& entry : fs::recursive_directory_iterator(directory())) {
    auto name = entry.path().filename().string();
    EXPECT_FALSE(name.starts_with(".incoming-") || name.ends_with(".part") ||
                 name.ends_with(".tmp"))
        << entry.path() << " was left";
  }
}

}  // namespace snap::test
