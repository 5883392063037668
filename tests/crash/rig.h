// The program under faults that come from outside: errors, delays and kills at system calls
// (strace), full and read-only file systems (a private mount namespace). And what must hold after
// any of them.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "support/agent.h"

namespace snap::crash {

using Names = std::vector<std::string>;

struct Fault {
  std::string calls;                         // "write,fsync"
  std::string what;                          // "error=ENOSPC:when=1", "signal=KILL:when=3"
  std::vector<std::string> only_paths = {};  // calls on these files and directories; empty: all
};

struct Faulted {
  test::Finished finished;
  int times = 0;  // how often the fault took place
  std::string trace;
  std::chrono::milliseconds took{0};
};

// Where the files of a set lie while it is written.
struct Paths {
  std::string sets, incoming, snapshot, archive, manifest;

  Paths(const std::string& sets_directory, const std::string& name);
  Names files() const { return {snapshot, archive, manifest}; }
};

// The program, its directory and a server with a small database.
class Rig {
 public:
  explicit Rig(const std::string& retention = kKeepOne);
  // Several rigs may have one server.
  explicit Rig(std::shared_ptr<test::EtcdCluster> server, const std::string& retention = kKeepOne);
  static std::shared_ptr<test::EtcdCluster> small_server();
  const std::shared_ptr<test::EtcdCluster>& server() const { return server_; }
  static constexpr const char* kKeepOne = "{keepLast: 1, keepWithin: 0s}";

  test::Agent agent;

 private:
  std::shared_ptr<test::EtcdCluster> server_;

 public:
  test::EtcdCluster& cluster;

  // Names for sets, each a second later than the one before: starts that the clock gives would
  // be the same for several of these fast runs.
  std::string next_name();
  // `run --set NAME`, which must end with 0; returns the name.
  std::string make_set(const Names& more = {});
  Faulted with_fault(const Fault& fault, const Names& args) const;
  // The command is stopped at a call (`where.what` is only "when=3") and gets this signal there; in
  // `times` whether it came to that call. strace's own signal=TERM would go to the one thread that
  // made the call, unlike a signal from a person or from systemd.
  Faulted interrupted(Fault where, int number, const Names& args) const;
  test::Command traced(const Fault& fault, const Names& args) const;
  // A script for sh, run as root in mount namespace of its own. "$@" is the program.
  test::Finished in_namespace(const std::string& script, const Names& args) const;

  // How often each system call is made on the thread that makes it most.
  std::map<std::string, int> count_calls(const Names& calls, const Names& args) const;

  // Everything that `list` shows is a whole set and verifies, or the rest of a removal. Returns
  // the sets, oldest first.
  Names expect_listed_sets_sound() const;
  // Names of unpublished sets on the disk.
  Names leftovers() const;
  // Every byte of every set, by file.
  std::map<std::string, std::string> contents() const;
  // No unpublished set, no temporary file, no removal under way.
  void expect_tidy() const;

 private:
  std::string trace_file() const { return agent.path("trace"); }
  int made_ = 0;
};

// The seed of this run of the tests: of SNAP_TEST_SEED, or drawn. It is printed.
unsigned test_seed();
// A number of trials: SNAP_TEST_TRIALS, or this many.
int trials(int usual);

}  // namespace snap::crash
