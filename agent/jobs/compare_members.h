// Do the members of the cluster hold what the snapshot holds? Their HashKV beside the snapshot's
// own.
//
// A member hashes its whole history up to a revision and holds up writes meanwhile, so they are
// asked one after the other. What could not be asked or compared never counts as agreement.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "etcd/client.h"
#include "jobs/take.h"
#include "sets/manifest.h"
#include "snapshot/hash_kv.h"

namespace snap::jobs {

struct MemberAnswer {
  uint64_t id = 0;
  std::string name;
  Result<etcd::HashKv> hash;
};

// Why this member cannot be asked; nothing: it can.
std::optional<Error> cannot_be_asked(const etcd::Survey& survey, const etcd::Member& member);

struct AskLimits {
  std::chrono::milliseconds each{60'000};
  std::chrono::milliseconds total{120'000};
  // For a member that has not yet applied the revision.
  std::chrono::milliseconds catch_up{10'000};
  std::stop_token stop = {};
};

inline constexpr std::string_view kNoMembers = "nobody could tell who the members are";

// Asks every member that the cluster's list names for HashKV at `revision`; an answer, or why there
// is none, for each. An empty list: nobody knows who the members are. Error: cancelled.
Result<std::vector<MemberAnswer>> ask_members(etcd::Client& client, const etcd::Survey& survey,
                                              int64_t revision, const AskLimits& limits);

// The snapshot's own hash, as a member compacted to that revision would give it.
using OwnHash = std::function<Result<snapshot::LocalHash>(int64_t compact_revision)>;

// `source`: id of the member that the snapshot was taken from. Errors: cancelled; internal  the
// snapshot cannot be read.
Result<sets::ProofResult> compare_members(const std::vector<MemberAnswer>& answers, uint64_t source,
                                          const snapshot::Extent& extent, const OwnHash& own_hash);

// Whether some member said that the revision is compacted: a newer snapshot could be compared.
bool any_compacted(const std::vector<MemberAnswer>& answers, const snapshot::Extent& extent);

}  // namespace snap::jobs
