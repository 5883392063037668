// The messages of etcd's services that we use. Private to this room.
//
// Source: etcd-io/etcd@v3.6.14:api/etcdserverpb/rpc.proto. Unknown fields are skipped.
#pragma once

#include <string>
#include <vector>

#include "etcd/status.h"

namespace snap::etcd {

inline constexpr const char* kStatusMethod = "/etcdserverpb.Maintenance/Status";
inline constexpr const char* kAlarmMethod = "/etcdserverpb.Maintenance/Alarm";
inline constexpr const char* kHashKvMethod = "/etcdserverpb.Maintenance/HashKV";
inline constexpr const char* kSnapshotMethod = "/etcdserverpb.Maintenance/Snapshot";
inline constexpr const char* kMemberListMethod = "/etcdserverpb.Cluster/MemberList";
inline constexpr const char* kAuthenticateMethod = "/etcdserverpb.Auth/Authenticate";

std::string encode_hash_kv_request(int64_t revision);
std::string encode_authenticate_request(const std::string& name, const std::string& password);

// Errors: corrupt  no message of this kind
Result<MemberStatus> decode_status(const std::string& message);
Result<std::vector<Alarm>> decode_alarms(const std::string& message);
Result<std::vector<Member>> decode_members(const std::string& message);
Result<HashKv> decode_hash_kv(const std::string& message);
Result<std::string> decode_token(const std::string& message);

// The alarms that Status spells out among its errors: "memberID:123 alarm:CORRUPT ".
std::vector<Alarm> alarms_in(const MemberStatus& status);

}  // namespace snap::etcd
