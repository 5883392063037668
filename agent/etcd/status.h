// What members of an etcd cluster say about themselves.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace snap::etcd {

// The answer of one member to Status. Ids are printed with to_hex.
struct MemberStatus {
  std::string endpoint;  // as configured
  uint64_t cluster_id = 0;
  uint64_t member_id = 0;
  uint64_t leader = 0;  // member id; 0: this member knows none
  int64_t revision = 0;
  uint64_t raft_term = 0;
  uint64_t raft_index = 0;
  uint64_t raft_applied_index = 0;
  std::string version;          // "3.6.16"
  std::string storage_version;  // "3.6.0"; empty before 3.6
  uint64_t db_size = 0;         // bytes of the database file: a snapshot is 32 bytes more
  uint64_t db_size_in_use = 0;
  std::vector<std::string> errors;
  bool is_learner = false;

  bool is_leader() const { return leader != 0 && leader == member_id; }
};

struct Member {
  uint64_t id = 0;
  std::string name;  // empty: it never started
  std::vector<std::string> peer_urls;
  std::vector<std::string> client_urls;
  bool is_learner = false;
};

enum class AlarmKind { none, nospace, corrupt, unknown };
std::string_view name_of(AlarmKind kind);  // "NOSPACE"

struct Alarm {
  uint64_t member_id = 0;
  AlarmKind kind = AlarmKind::none;
  bool operator==(const Alarm&) const = default;
};

struct EndpointFailure {
  std::string endpoint;
  Error error;
};

struct HashKv {
  uint32_t hash = 0;
  int64_t compact_revision = 0;
  int64_t hash_revision = 0;  // 0 before 3.6
};

// Everything that one round of questions found out.
struct Survey {
  std::vector<MemberStatus> members;      // in the order of the endpoints; each member once
  std::vector<EndpointFailure> failures;  // endpoints that gave no status
  std::vector<Member> member_list;        // empty: nobody could tell
  std::vector<Alarm> alarms;
  std::vector<std::string> warnings;  // why member list or alarms are missing

  const MemberStatus* find(uint64_t member_id) const;
  // The member's name, else its id in hex.
  std::string name_of(uint64_t member_id) const;
  // Client URLs of members that gave no status and whose URLs were not among the endpoints asked.
  std::vector<std::string> other_endpoints() const;
};

}  // namespace snap::etcd
