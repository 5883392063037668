// The program under faults that come from outside: errors, delays and kills at system calls
// (strace), full and read-only file systems (a private mount namespace). And what must hold after
// any of them.
#pragma once

#include <map>
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
};

// The program, its directory and a server with a small database.
class Rig {
 public:
  explicit Rig(const std::string& retention = "{keepLast: 1, keepWithin: 0s}");

  test::EtcdCluster cluster;
  test::Agent agent;

  // Names for sets, each a second later than the one before: starts that the clock gives would
  // be the same for several of these fast runs.
  std::string next_name();
  // `run --set NAME`, which must end with 0; returns the name.
  std::string make_set(const Names& more = {});
  Faulted with_fault(const Fault& fault, const Names& args) const;
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
