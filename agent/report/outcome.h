// What a run did, in one JSON line at its end. Every field is described in docs/outcome.md.
//
// Jobs fill it in with what they measured; nothing is computed here.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "report/exit.h"

namespace snap::report {

struct StageTime {
  std::string name;  // "lock", "preflight", "take", "prove", "collect", "publish", "ship", "prune"
  std::chrono::milliseconds duration{};
};

struct Failure {
  Error error;
  std::string stage;  // the stage it happened in
};

struct SnapshotFacts {
  std::string file;
  uint64_t bytes = 0;
  uint64_t in_use_bytes = 0;
  std::string sha256;  // of the whole file, hexadecimal
  uint32_t hash = 0;   // as `snapshot status` prints it
  int64_t revision = 0;
  uint64_t live_keys = 0;
  uint64_t total_keys = 0;
  std::string member;     // name of the member it was taken from
  std::string member_id;  // hexadecimal, as etcd prints it
  std::string endpoint;   // without user info
  std::string etcd_version;
  bool from_leader = false;
};

struct ResourceFacts {
  std::string file;
  uint64_t bytes = 0;    // of the archive
  uint64_t entries = 0;  // in the archive
  std::vector<std::string> paths;
  std::vector<std::string> notes;       // harmless
  std::vector<std::string> incomplete;  // what is missing from the archive
  std::optional<Seconds> earliest_certificate_end;
  std::string earliest_certificate;  // subject of that certificate
};

struct ProofFact {
  std::string name;    // "trailer", "structure", ...
  std::string result;  // "passed", "failed", "skipped"
  std::string reason;  // for failed and skipped
};

struct Removal {
  std::string set;
  std::string reason;
};

struct PlaceFacts {
  std::string name;   // "local", or the destination's name
  std::string type;   // "local", "nfs", "ssh", "s3"
  std::string label;  // where that is, without secrets
  bool failed = false;
  std::string problem;    // why it failed
  bool has_set = false;   // this run's set is published there
  bool proven = false;    // and proven there
  std::string proven_by;  // how: "read back"; empty for local and where nothing arrived
  std::vector<std::string> caught_up;  // older sets that were missing there and arrived now
  uint64_t sent_bytes = 0;  // of all sets that arrived now, without what was copied there
  std::chrono::milliseconds sending{};
  std::chrono::milliseconds proving{};  // what arrived, by the place or by reading it back
  // What is there when the run ends, of this cluster; nothing: it could not be listed.
  struct Sets {
    uint64_t proven = 0;
    uint64_t unproven = 0;
    uint64_t pinned = 0;  // counted in proven or unproven too
    uint64_t bytes = 0;
    std::optional<Seconds> newest_proven;  // start of that set
  };
  std::optional<Sets> sets;
  std::optional<uint64_t> free_bytes;
  std::vector<Removal> pruned;
  std::vector<std::string> leftovers_removed;  // of runs that did not end
};

struct Outcome {
  std::string verb = "run";
  std::string version;  // of this program
  std::string node;
  std::string cluster;     // configured name
  std::string cluster_id;  // hexadecimal; empty: etcd was not reached
  std::string set;         // empty: none was begun
  std::string trigger;
  Seconds started{};
  Seconds finished{};
  std::vector<StageTime> stages;  // in their order
  Exit exit = Exit::unexpected;
  std::optional<Failure> error;  // the one that the exit status stands for
  std::vector<std::string> warnings;
  std::optional<SnapshotFacts> snapshot;
  std::optional<ResourceFacts> resources;
  std::vector<ProofFact> proof;
  std::vector<PlaceFacts> places;
};

nlohmann::ordered_json to_json(const Outcome& outcome);

// One line of ASCII with its line end.
std::string to_json_line(const Outcome& outcome);

}  // namespace snap::report
