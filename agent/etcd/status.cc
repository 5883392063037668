#include "etcd/status.h"

#include <algorithm>
#include <set>

#include "base/bytes.h"
#include "base/text.h"

namespace snap::etcd {

std::string_view name_of(AlarmKind kind) {
  switch (kind) {
    case AlarmKind::none: return "NONE";
    case AlarmKind::nospace: return "NOSPACE";
    case AlarmKind::corrupt: return "CORRUPT";
    case AlarmKind::unknown: break;
  }
  return "UNKNOWN";
}

const MemberStatus* Survey::find(uint64_t member_id) const {
  auto found = std::ranges::find(members, member_id, &MemberStatus::member_id);
  return found == members.end() ? nullptr : &*found;
}

std::string Survey::name_of(uint64_t member_id) const {
  auto found = std::ranges::find(member_list, member_id, &Member::id);
  if (found == member_list.end() || found->name.empty()) return to_hex(member_id);
  return escaped(found->name);
}

std::vector<std::string> Survey::other_endpoints() const {
  std::set<std::string> asked;
  for (const auto& member : members) asked.insert(member.endpoint);
  for (const auto& failure : failures) asked.insert(failure.endpoint);
  std::vector<std::string> others;
  for (const auto& member : member_list) {
    auto known = find(member.id) != nullptr ||
                 std::ranges::any_of(member.client_urls,
                                     [&](const auto& url) { return asked.contains(url); });
    if (!known && !member.client_urls.empty()) others.push_back(member.client_urls.front());
  }
  return others;
}

}  // namespace snap::etcd
