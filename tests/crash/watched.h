// A rig whose every command is followed by a look at the invariants (support/invariants.h): what
// does not hold is a failure of the test.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "crash/rig.h"
#include "support/invariants.h"

namespace snap::crash {

class Watched {
 public:
  explicit Watched(std::shared_ptr<test::EtcdCluster> server, unsigned keep_last = 1);

  // A command that nothing disturbs.
  test::Finished clean(const Names& args);
  // The same, which must end with 0.
  test::Finished succeeds(const Names& args);
  // With a fault at a system call.
  Faulted faulted(const Fault& fault, const Names& args);
  // With a signal to the process at a system call.
  Faulted interrupted(const Fault& where, int number, const Names& args);
  // A run with the next name and these further flags; its name, when it ended with 0.
  std::string makes_set(const Names& more = {});
  // Something that was run in another way.
  void did(const test::Deed& deed);
  // What `list` and `verify` say of all that is there, and etcdutl.
  void expect_at_end();

  Rig rig;
  test::Invariants invariants;
};

// Gives `count` pieces of work to a few threads, each of which has a Watched of its own on one
// server. Stops early when the test has failed.
void side_by_side(size_t count, const std::function<void(Watched&, size_t)>& work,
                  unsigned keep_last = 1);

}  // namespace snap::crash
