// What can happen to a sequence of runs: one entry of a table for each kind of fault.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "crash/watched.h"

namespace snap::soak {

// One sequence: a directory of sets, what was drawn for it, and what its clock says.
class Sequence {
 public:
  Sequence(crash::Watched& around, unsigned seed) : watched(around), random_(seed) {}

  // 0 to below - 1
  unsigned draw(unsigned below) { return static_cast<unsigned>(random_() % below); }
  template <class T>
  const T& one_of(const std::vector<T>& items) {
    return items[draw(static_cast<unsigned>(items.size()))];
  }
  // run, mostly; prune, or the removal of some set.
  crash::Names some_command();
  // Runs a command that was changed by the fault, and looks at the invariants.
  test::Finished does(const crash::Names& args, const test::Command& command, test::Deed as = {});

  crash::Watched& watched;
  std::vector<std::string> story;  // what was drawn

 private:
  std::mt19937 random_;
};

struct Fault {
  std::string name;  // with the ids of the catalogue
  void (*happens)(Sequence& sequence);
};
const std::vector<Fault>& all_faults();

}  // namespace snap::soak
