// What can go wrong, and what an administrator is to be told about it.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "cli/scenes.h"

namespace snap::cli {

// What is wrong; everything else is well. DIR and SET as in Cause.
struct Wrong {
  test::SnapshotScript script = test::good_script();
  test::FakeMember member = {};
  std::string more = {};     // lines of the configuration
  std::string local = {};    // the same, below local:
  std::string include = {};  // further items of resources.include
};

struct Cause {
  std::string name;               // begins with the fault's id in tests/FAULTS.md: "E01_refused"
  std::vector<std::string> args;  // SET: the newest set; DIR: a directory of the test's own
  int exit_code;
  std::string message;  // a part of it
  std::string hint;     // its beginning; empty: any
  Wrong wrong = {};
};

inline void PrintTo(const Cause& cause, std::ostream* out) { *out << cause.name; }

std::vector<Cause> causes();

}  // namespace snap::cli
