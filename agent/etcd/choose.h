// Which member a snapshot is taken from. Pure: no clock, no I/O.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "etcd/status.h"

namespace snap::etcd {

// What to do when no member knows a leader: its data may be behind, but on the worst day it is all
// there is.
enum class WithoutLeader { refuse, accept };

struct Candidate {
  MemberStatus member;
  std::string name;     // of the member, else its id in hex
  uint64_t lag = 0;     // raft entries behind the newest that any member knows
  std::string warning;  // empty, or what is doubtful about its data
};

struct Choice {
  std::vector<Candidate> order;       // acceptable members, best first; never empty
  std::string reason;                 // why the first: one sentence for log and manifest
  std::vector<std::string> warnings;  // about the cluster: alarms, members left out, no leader

  const Candidate& first() const { return order.front(); }
};

// Voters only; a member that is not behind before one that is; a follower before the leader, which
// has work enough; then the order of the endpoints.
//
// Errors: invalid      the endpoints belong to different clusters
//         unavailable  a CORRUPT alarm; no leader (with `refuse`); only learners answered; members
//                      follow different leaders and no side has a majority
Result<Choice> choose(const Survey& survey, WithoutLeader policy);

}  // namespace snap::etcd
