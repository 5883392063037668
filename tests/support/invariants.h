// What must hold after ANY sequence of faults, checked from outside: over the places that hold
// sets, the exit status and the output. The one program for all tests that draw or walk faults.
//
//  1 every listed set is whole, and verify accepts it, unless it was damaged on purpose
//  2 the newest proven set of a stream stays until a newer one is there
//  3 retention leaves min(keepLast, what was there) proven sets, and every pinned one
//  4 exit 0 of a run: every place holds its set, and the digests agree
//  5 a set is byte-identical later, or gone and reported; no name is used twice
//  6 after a clean run nothing unfinished is left
//  7 a failure has one cause, the same on standard error and in the outcome line
//  8 etcdutl 3.5 and 3.6 read every listed snapshot as its manifest says
//  9 no planted secret is in any output
// 10 files 0600, directories 0700, nothing outside the places has changed
// 11 a failed run gives its space back
// 12 the command ended in its time, and nothing of it still holds the lock
// 13 its memory stayed below the bound
// 14 etcd has the members, alarms and revision it had, and served nothing that changes it
// 15 the next run without a fault succeeds and repairs the rest
// 16 metrics and outcome line agree with the disk
//
// A destination joins as a further WatchedPlace: the directory behind it (the export of an NFS
// server, the directory of an SSH server), or a copy that `refresh` brings up to date (a bucket).
// One object per directory of sets; not thread-safe, different objects are independent.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "support/agent.h"
#include "support/place_view.h"

namespace snap::test {

struct WatchedPlace {
  std::string name;  // as in the outcome line: "local"
  std::string directory;
  std::function<void()> refresh = {};
};

struct InvariantSetup {
  std::vector<WatchedPlace> places;  // the local one first
  std::string node = "node-1";
  std::string cluster = "prod-east";
  unsigned keep_last = 1;
  std::chrono::seconds limit{30};          // for one command
  long peak_rss_kib = 0;                   // 0: not looked at, as for sanitized programs
  std::string root = {};                   // outside the places nothing below it changes
  std::vector<std::string> changing = {};  // but here
  std::string metrics_file = {};
  std::vector<std::string> secrets = {"canary"};
  std::vector<std::string> etcdutl = {};         // programs
  std::function<std::string()> etcd_state = {};  // equal before and after
};

// A command that ended.
struct Deed {
  std::vector<std::string> args;  // the verb first
  Finished finished;
  std::chrono::milliseconds took{0};
  Seconds now = now_utc();  // what its clock said
  bool clean = true;        // no fault was in its way
  bool heard = true;        // its output could be read to the end
  std::string beside = {};  // the verb of what ran at the same time; empty: nothing
  bool alone() const { return beside.empty(); }
};

class Invariants {
 public:
  // Everything that is there now is the beginning.
  explicit Invariants(InvariantSetup setup);

  // Each returns what does not hold, "5: ...", one text each.
  std::vector<std::string> after(const Deed& deed);
  // Invariants 1, 8 and 14, with what `list -o json` printed and a way to verify one set.
  std::vector<std::string> at_end(const nlohmann::json& listed,
                                  const std::function<int(const std::string&)>& verify);

  // The test itself changes something at a place. Call it afterwards; `damaged` names the sets
  // that verify has to refuse from now on.
  void changed_by_hand(const std::set<std::string>& damaged = {});
  // The lock file was deleted by hand, and with it the names of the sets so far.
  void names_forgotten();
  const PlaceView& local() const { return places_.front().now; }

 private:
  struct Place {
    WatchedPlace watched;
    PlaceView now;
    std::set<std::string> used_names;
  };

  void say(int invariant, const std::string& text);
  void look(std::vector<PlaceView>& into) const;
  void newest_proven(const PlaceView& before, const PlaceView& after, const Deed& deed);
  void kept(const PlaceView& before, const PlaceView& after, const Deed& deed);
  void success(const PlaceView& after, const std::string& place, const Deed& deed);
  void identical(const PlaceView& before, const PlaceView& after, Place& place, const Deed& deed);
  void tidy(const PlaceView& before, const PlaceView& after, const Deed& deed);
  void cause(const Deed& deed);
  void secrets(const Deed& deed);
  void modes(const PlaceView& after);
  void space(const PlaceView& before, const PlaceView& after, const Deed& deed);
  void ended(const Deed& deed);
  void truth(const PlaceView& after, const Deed& deed);
  void etcdutl_agrees(const std::string& name, const SetView& set);
  bool counts(const SetView& set, const Deed& deed) const;

  InvariantSetup setup_;
  std::vector<Place> places_;
  std::set<std::string> damaged_, forgotten_;
  std::string tree_, etcd_state_, last_success_;
  std::map<std::string, std::string> etcdutl_said_;  // by program and digest of the snapshot
  std::vector<std::string> broken_;
};

}  // namespace snap::test
