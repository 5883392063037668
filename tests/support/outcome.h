// What must hold after a fault: whole outcomes of `run`, `prune`, `remove`, `verify` and their
// like, checked in one place so that a test of a fault is short.
//
//   Before before(agent);                        // while nothing is wrong yet
//   auto run = agent.run({"run"});               // with the fault
//   expect_outcome(agent, before, run, fails(3).in("take").saying("no progress for 1 s"),
//                  [&] { mend(); return agent.run({"run"}); });
//
// After every outcome: every set that was there is byte-identical, or was announced as removed;
// what was sound still verifies; nothing half done is left; the command ended in time, was not
// killed by a signal of its own and told no secret.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "support/agent.h"

namespace snap::test {

// The directory behind a destination, as this process sees it while the server runs.
struct Store {
  std::string name;  // as in the outcome line: "nas", "mirrors/127.0.0.1"
  std::string directory;
};

// A picture of an agent's sets, taken before the fault.
class Before {
 public:
  // With `stores` the sets there are looked at too. A failing destination that has none cannot be
  // looked at: what is told of it has to do.
  Before(const Agent& agent, std::vector<Store> stores);
  // `connections` counts what reached the servers so far, for refused(): FakeGrpc::requests() and
  // the like.
  explicit Before(const Agent& agent, std::function<int()> connections = {});

  const std::vector<std::string>& sets() const { return sets_; }

 private:
  friend class OutcomeCheck;
  std::vector<std::string> sets_;             // oldest first
  std::vector<std::string> sound_;            // those of them that `verify` accepts
  std::map<std::string, std::string> files_;  // below the directory of the sets, by relative path
  std::string last_success_;                  // the line of the metrics file
  std::vector<Store> stores_;
  std::vector<std::map<std::string, std::string>> stored_;  // as files_, of each store
  std::function<int()> connections_;
  int connected_ = 0;
};

// What the command must have done. Made by the functions below, refined by the calls.
struct Expected {
  enum class Kind {
    fails,      // nothing new anywhere, nothing removed; the next run succeeds
    unshipped,  // a run whose set arrived at some of its destinations only
    refused,    // usage or configuration: no connection, nothing written
    done        // a run that published a proven set, or a command that did what it was asked
  };
  Kind kind = Kind::done;
  int exit = 0;
  std::string stage = {};                // of a run: where it failed; empty: not looked at
  std::vector<std::string> causes = {};  // parts of the one cause line (its hint included)
  std::vector<std::string> warnings = {};
  std::vector<std::string> failing = {};  // destinations, as the outcome line names them
  std::vector<std::string> gone = {};     // sets that the command may have removed, or begun to
  std::string verb = "run";               // "run" has an outcome line and makes sets
  bool other_warnings = false;
  std::chrono::milliseconds limit{15'000};

  Expected in(std::string name) && { return stage = std::move(name), std::move(*this); }
  // May be called more than once.
  Expected saying(std::string part) && {
    return causes.push_back(std::move(part)), std::move(*this);
  }
  // One warning in the log, in the outcome line and in the manifest; without any such call there
  // must be none.
  Expected warning(std::string part) && {
    return warnings.push_back(std::move(part)), std::move(*this);
  }
  // Warnings beside the named ones are no matter.
  Expected and_others() && { return other_warnings = true, std::move(*this); }
  Expected of(std::string name) && { return verb = std::move(name), std::move(*this); }
  Expected removing(std::vector<std::string> sets) && {
    return gone = std::move(sets), std::move(*this);
  }
  // The stall limit + 10 s; agents of tests have a stall limit of 5 s.
  Expected within(std::chrono::milliseconds most) && { return limit = most, std::move(*this); }
};

// With this exit status: nothing new anywhere.
inline Expected fails(int exit) { return {.kind = Expected::Kind::fails, .exit = exit}; }
// The local set is published and proven, the same at every other destination, nothing new and
// nothing removed at these; the next run ships it. causes are looked for in their lines.
inline Expected ships_not_to(std::vector<std::string> places) {
  return {.kind = Expected::Kind::unshipped, .exit = 5, .failing = std::move(places)};
}
// For its usage or configuration, before anything was done.
inline Expected refused() { return {.kind = Expected::Kind::refused, .exit = 2}; }
// Everything is proven, here and at every destination.
inline Expected succeeds() { return {}; }

// Checks all of it. `next` mends the fault and runs `run` (or the command that must succeed after
// the fault) again; it is needed after fails(), and checked after any outcome that has one.
void expect_outcome(const Agent& agent, const Before& before, const Finished& finished,
                    const Expected& expected, const std::function<Finished()>& next = {});

}  // namespace snap::test
