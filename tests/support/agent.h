// The program itself, run as a user would: with a configuration, a host tree and a directory of
// sets of its own.
//
// Secrets are planted wherever the program reads one: in archived keys, in the client's key, in the
// password file, in the environment. After every run all that it said and wrote is searched for
// them: a hit fails the test.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "support/etcd_server.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace snap::test {

struct AgentSetup {
  std::string cluster = "prod-east";
  std::vector<std::string> endpoints = {};
  std::string cacert = {}, cert = {}, key = {};
  std::string username = {}, password_file = {};
  std::string more = {};     // further lines of YAML at top level
  std::string local = {};    // further lines below local:, "  reserve: 1KiB\n" when empty
  std::string include = {};  // further items of resources.include: ", /no/such/file"

  // Endpoints, certificates and user of a cluster.
  static AgentSetup of(const EtcdCluster& cluster);
};

class Agent {
 public:
  Agent();
  explicit Agent(const AgentSetup& setup) : Agent() { configure(setup); }

  void configure(const AgentSetup& setup);  // writes config_file()

  // The program with --config, a node name and planted secrets in its environment. Change it as
  // needed, then run() or Process it.
  Command command(const std::vector<std::string>& args) const;
  // The same as one word of a shell command.
  std::string shell_word(const std::vector<std::string>& args) const;
  // Runs it and looks for secrets.
  Finished run(const std::vector<std::string>& args) const { return run(command(args)); }
  Finished run(const Command& command) const;
  // For runs in the background: looks for secrets in their output and in what they wrote.
  void expect_no_secrets(const std::string& output) const;

  std::string directory() const { return directory_.path(); }  // of everything below
  std::string path(const std::string& name) const { return directory_.path(name); }
  std::string config_file() const { return path("config.yaml"); }
  std::string sets_directory() const { return path("sets"); }
  std::string host_tree() const { return path("host"); }  // what resources.include names
  std::string metrics_file() const { return path("metrics/etcd_snapshot.prom"); }

  // Names of the sets on disk, oldest first: everything in sets_directory() without a dot.
  std::vector<std::string> sets() const;
  std::string set_path(const std::string& set, const std::string& file = {}) const;
  std::string snapshot_of(const std::string& set) const;  // path of its snapshot file
  nlohmann::json manifest_of(const std::string& set) const;
  // `list -o json`, without its own check of the exit status.
  nlohmann::json list() const;

  // No unpublished set and no partial file is anywhere in directory().
  void expect_nothing_left() const;

 private:
  void plant(const std::string& file, const std::string& content) const;

  TempDir directory_;
  std::string client_key_;  // a line of it is looked for
};

// The last line of standard output, as JSON; null when it is none.
nlohmann::json outcome_of(const Finished& finished);

}  // namespace snap::test
