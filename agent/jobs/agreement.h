// The stage of a run that finds out whether the members hold what its snapshot holds.
//
// They are asked at once after the transfer: what they compact they can no longer tell about. The
// verdict comes after the proof: what is said about a damaged snapshot says nothing about them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "etcd/client.h"
#include "jobs/compare_members.h"
#include "sets/manifest.h"
#include "snapshot/hash_kv.h"

namespace snap::jobs {

// The snapshot of this run, best while it is still in memory.
struct OwnSnapshot {
  uint64_t source = 0;                               // id of the member that it was taken from
  std::function<Result<snapshot::Extent>()> extent;  // as snapshot::read_extent()
  std::function<Result<snapshot::LocalHash>(const snapshot::Extent&, int64_t compact_revision)>
      hash;
};

// What `require` will end a run with, seen before it: members that cannot be asked. Asks nobody.
std::optional<Error> foreseen_refusal(config::Compare policy, const etcd::Survey& survey);

class Agreement {
 public:
  Agreement(config::Compare policy, AskLimits limits)
      : policy_(policy), limits_(std::move(limits)) {}

  enum class Next {
    go_on,
    take_again,  // `require`, and the snapshot's revision is compacted: ask about a newer one, once
  };
  // Errors: cancelled; internal  the snapshot cannot be read
  Result<Next> ask(etcd::Client& client, const etcd::Survey& survey, const OwnSnapshot& snapshot);

  // Of the snapshot that was asked about last.
  int64_t revision() const { return extent_.revision(); }
  // For the manifest; nothing: nobody was to be asked.
  const std::optional<sets::ProofResult>& proof() const { return proof_; }

  struct Verdict {
    std::string agreed;            // for the log
    std::string doubt;             // for a warning
    std::optional<Error> differs;  // the set is kept, and never called proven
    std::optional<Error> refused;  // `require`: no set is made
  };
  Verdict verdict() const;

 private:
  config::Compare policy_;
  AskLimits limits_;
  bool asked_again_ = false;
  bool nothing_to_compare_ = false;
  size_t members_ = 0;
  snapshot::Extent extent_;
  std::optional<sets::ProofResult> proof_;
};

}  // namespace snap::jobs
