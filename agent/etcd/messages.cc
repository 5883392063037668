#include "etcd/messages.h"

#include <charconv>

#include "base/text.h"
#include "wire/protobuf.h"

namespace snap::etcd {
namespace {

// More errors, members or alarms than this are no cluster's.
constexpr size_t kMaxEntries = 10'000;

// Calls `take` with each field.
template <class Take>
Result<void> each_field(Bytes message, Take take) {
  wire::Reader reader(message);
  for (;;) {
    auto field = TRY(reader.next());
    if (!field) return {};
    TRY(take(*field));
  }
}

template <class T>
Result<void> append(std::vector<T>& list, T value) {
  if (list.size() >= kMaxEntries) return fail(Code::corrupt, "too many entries");
  list.push_back(std::move(value));
  return {};
}

Result<void> decode_header(Bytes message, MemberStatus& status) {
  return each_field(message, [&](const wire::Field& field) -> Result<void> {
    if (field.number == 1) status.cluster_id = field.value;
    if (field.number == 2) status.member_id = field.value;
    if (field.number == 3) status.revision = field.signed_value();
    return {};
  });
}

Result<void> take_status_field(const wire::Field& field, MemberStatus& status) {
  switch (field.number) {
    case 1: return decode_header(field.bytes, status);
    case 2: status.version = escaped(field.text()); break;
    case 3: status.db_size = field.value; break;
    case 4: status.leader = field.value; break;
    case 5: status.raft_index = field.value; break;
    case 6: status.raft_term = field.value; break;
    case 7: status.raft_applied_index = field.value; break;
    case 8: return append(status.errors, escaped(field.text()));
    case 9: status.db_size_in_use = field.value; break;
    case 10: status.is_learner = field.value != 0; break;
    case 11: status.storage_version = escaped(field.text()); break;
    default: break;
  }
  return {};
}

AlarmKind alarm_kind(uint64_t number) {
  return number <= 2 ? static_cast<AlarmKind>(number) : AlarmKind::unknown;
}

Result<Alarm> decode_alarm(Bytes message) {
  Alarm alarm;
  TRY(each_field(message, [&](const wire::Field& field) -> Result<void> {
    if (field.number == 1) alarm.member_id = field.value;
    if (field.number == 2) alarm.kind = alarm_kind(field.value);
    return {};
  }));
  return alarm;
}

Result<Member> decode_member(Bytes message) {
  Member member;
  TRY(each_field(message, [&](const wire::Field& field) -> Result<void> {
    if (field.number == 1) member.id = field.value;
    if (field.number == 2) member.name = field.text();
    if (field.number == 3) return append(member.peer_urls, field.text());
    if (field.number == 4) return append(member.client_urls, field.text());
    if (field.number == 5) member.is_learner = field.value != 0;
    return {};
  }));
  return member;
}

}  // namespace

std::string encode_hash_kv_request(int64_t revision) {
  return wire::Writer().number(1, static_cast<uint64_t>(revision)).text();
}

std::string encode_authenticate_request(const std::string& name, const std::string& password) {
  return wire::Writer().bytes(1, name).bytes(2, password).text();
}

Result<MemberStatus> decode_status(const std::string& message) {
  MemberStatus status;
  TRY(each_field(as_bytes(message),
                 [&](const wire::Field& field) { return take_status_field(field, status); }));
  if (status.member_id == 0 || status.version.empty())
    return fail(Code::corrupt, "the answer to Status names no member or no version");
  return status;
}

Result<std::vector<Alarm>> decode_alarms(const std::string& message) {
  std::vector<Alarm> alarms;
  auto read = each_field(as_bytes(message), [&](const wire::Field& field) -> Result<void> {
    if (field.number != 2) return {};
    auto alarm = TRY(decode_alarm(field.bytes));
    return append(alarms, alarm);
  });
  TRY(std::move(read));
  return alarms;
}

Result<std::vector<Member>> decode_members(const std::string& message) {
  std::vector<Member> members;
  auto read = each_field(as_bytes(message), [&](const wire::Field& field) -> Result<void> {
    if (field.number != 2) return {};
    auto member = TRY(decode_member(field.bytes));
    return append(members, std::move(member));
  });
  TRY(std::move(read));
  return members;
}

Result<HashKv> decode_hash_kv(const std::string& message) {
  HashKv hash;
  TRY(each_field(as_bytes(message), [&](const wire::Field& field) -> Result<void> {
    if (field.number == 2) hash.hash = static_cast<uint32_t>(field.value);
    if (field.number == 3) hash.compact_revision = field.signed_value();
    if (field.number == 4) hash.hash_revision = field.signed_value();
    return {};
  }));
  return hash;
}

Result<std::string> decode_token(const std::string& message) {
  std::string token;
  TRY(each_field(as_bytes(message), [&](const wire::Field& field) -> Result<void> {
    if (field.number == 2) token = field.text();
    return {};
  }));
  // It becomes a header line.
  for (char c : token)
    if (c < ' ' || c > '~') return fail(Code::corrupt, "the token has characters no token has");
  return token;
}

std::vector<Alarm> alarms_in(const MemberStatus& status) {
  constexpr std::string_view kMember = "memberID:", kAlarm = "alarm:";
  std::vector<Alarm> alarms;
  for (const auto& error : status.errors) {
    auto alarm_at = error.find(kAlarm);
    if (alarm_at == error.npos) continue;
    Alarm alarm;
    if (auto at = error.find(kMember); at != error.npos)
      std::from_chars(error.data() + at + kMember.size(), error.data() + error.size(),
                      alarm.member_id);
    auto kind = std::string_view(error).substr(alarm_at + kAlarm.size());
    alarm.kind = kind.starts_with("CORRUPT")   ? AlarmKind::corrupt
                 : kind.starts_with("NOSPACE") ? AlarmKind::nospace
                                               : AlarmKind::unknown;
    alarms.push_back(alarm);
  }
  return alarms;
}

}  // namespace snap::etcd
