// Taking a snapshot from a live cluster: which member, the transfer, and what the member said about
// itself.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "etcd/choose.h"
#include "etcd/client.h"
#include "snapshot/trailer.h"
#include "stream/stream.h"

namespace snap::jobs {

// What the members of the cluster said, and which of them a snapshot may be taken from.
struct Cluster {
  etcd::Survey survey;
  etcd::Choice choice;
  std::vector<std::string>
      warnings;  // endpoints that gave no answer, alarms, doubts about the member

  uint64_t id() const { return choice.first().member.cluster_id; }
};

// Asks the configured endpoints, then the other members that the cluster names, and chooses.
Result<Cluster> look_at_cluster(etcd::Client& client, etcd::WithoutLeader policy);

struct TakeOptions {
  // Called for each attempt. A sink destroyed without finish() leaves nothing.
  std::function<Result<std::unique_ptr<stream::Sink>>()> open_sink;
  std::optional<uint64_t> room_bytes;  // more than this does not fit; nothing: not known
  std::function<void(uint64_t done, uint64_t total)> progress;  // bytes
  std::function<void(const std::string& text)> retrying;  // a member failed, the next is tried
  std::stop_token stop;
};

struct Taken {
  etcd::Candidate member;
  etcd::MemberStatus
      after;  // status read again at the end; that from before when it could not be read
  std::string storage_version;
  snapshot::TrailerDigest::Result digest;
  std::vector<std::string> warnings;
};

// Streams a snapshot into a sink: complete, and its trailer equal to our own SHA-256, or an Error
// and nothing left. When a member fails in the middle, another one is tried from the first byte,
// once.
//
// Errors: corrupt   what arrived contradicts itself or its trailer
//         no_space  it is larger than the room there is, or the place ran full
//         internal  the place could not be written
//         others    as the member gave them, for etcd_exit()
Result<Taken> take_snapshot(etcd::Client& client, const Cluster& cluster,
                            const TakeOptions& options);

}  // namespace snap::jobs
