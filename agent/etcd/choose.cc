#include "etcd/choose.h"

#include <algorithm>
#include <map>
#include <optional>

#include "base/bytes.h"
#include "base/text.h"

namespace snap::etcd {
namespace {

// Entries that a member may be behind without being called so: the answers are not of one instant,
// and a busy cluster writes thousands of entries a second. etcd itself warns at 5000.
constexpr uint64_t kLagNoise = 1000;

std::string shown(const Survey& survey, const MemberStatus& member) {
  return survey.name_of(member.member_id) + " (" + redacted_url(member.endpoint) + ")";
}

Result<void> require_one_cluster(const Survey& survey) {
  for (const auto& member : survey.members) {
    const auto& first = survey.members.front();
    if (member.cluster_id == first.cluster_id) continue;
    return fail(Code::invalid,
                "different cluster ids: " + redacted_url(first.endpoint) + " belongs to " +
                    to_hex(first.cluster_id) + ", " + redacted_url(member.endpoint) + " to " +
                    to_hex(member.cluster_id),
                "list the endpoints of one cluster only");
  }
  return {};
}

// CORRUPT means that members disagree about the data. etcd refuses writes then, and so do we: which
// member is right is for a person to find out.
Result<void> require_no_corruption(const Survey& survey) {
  for (const auto& alarm : survey.alarms) {
    if (alarm.kind != AlarmKind::corrupt) continue;
    auto whose = alarm.member_id == 0 ? std::string("the cluster")
                                      : "member " + survey.name_of(alarm.member_id);
    return fail(Code::unavailable, "etcd raised the alarm CORRUPT for " + whose,
                "replace the damaged member, then clear the alarm with etcdctl alarm disarm; older "
                "backups are kept");
  }
  return {};
}

size_t voters_of_cluster(const Survey& survey, size_t answered) {
  auto listed = std::ranges::count(survey.member_list, false, &Member::is_learner);
  return std::max(static_cast<size_t>(listed), answered);
}

using Members = std::vector<const MemberStatus*>;

struct Side {
  uint64_t leader = 0;
  uint64_t term = 0;
  Members followers;  // all that name this leader in this term, itself included
};

// The members by the leader that they name, the highest term first.
std::vector<Side> sides(const Members& voters) {
  std::map<std::pair<uint64_t, uint64_t>, Side, std::greater<>> found;
  for (const auto* voter : voters) {
    if (voter->leader == 0) continue;
    auto& side = found[{voter->raft_term, voter->leader}];
    side.leader = voter->leader;
    side.term = voter->raft_term;
    side.followers.push_back(voter);
  }
  std::vector<Side> list;
  for (auto& [key, side] : found) list.push_back(std::move(side));
  return list;
}

// The members whose word counts: those of the one leader. In a partition, an old leader may still
// be named by the minority; the other side has a later term and a majority.
Result<Members> following(const Survey& survey, const Members& voters, Choice& choice) {
  auto all = sides(voters);
  if (all.empty()) return Members();
  const auto& newest = all.front();
  auto distinct =
      std::ranges::any_of(all, [&](const Side& side) { return side.leader != newest.leader; });
  auto needed = voters_of_cluster(survey, voters.size()) / 2 + 1;
  if (distinct && newest.followers.size() < needed)
    return fail(Code::unavailable, "members follow different leaders and no side has a majority",
                "the cluster is partitioned or electing; try again, or list all endpoints");
  Members members;
  for (const auto* voter : voters) {
    if (voter->leader == newest.leader) {
      members.push_back(voter);
      continue;
    }
    choice.warnings.push_back(
        "member " + shown(survey, *voter) +
        (voter->leader == 0 ? " knows no leader" : " follows an older leader") + ", left out");
  }
  return members;
}

uint64_t newest_index(const Survey& survey) {
  uint64_t newest = 0;
  for (const auto& member : survey.members)
    newest = std::max({newest, member.raft_index, member.raft_applied_index});
  return newest;
}

Candidate candidate(const Survey& survey, const MemberStatus& member) {
  Candidate out;
  out.member = member;
  out.name = survey.name_of(member.member_id);
  out.lag = newest_index(survey) - member.raft_applied_index;
  if (out.lag <= kLagNoise) return out;
  int64_t revision = 0;
  for (const auto& other : survey.members) revision = std::max(revision, other.revision);
  out.warning = "member " + shown(survey, member) + " is " + std::to_string(out.lag) +
                " entries behind (revision " + std::to_string(member.revision) + " of " +
                std::to_string(revision) + ")";
  return out;
}

// Without a leader every entry counts: the members stand still.
void put_best_first(std::vector<Candidate>& order, bool has_leader) {
  auto noise = has_leader ? kLagNoise : 0;
  std::ranges::stable_sort(order, {}, [noise](const Candidate& c) {
    return std::pair(c.lag <= noise ? 0 : c.lag, c.member.is_leader());
  });
}

std::string reason(const Choice& choice, bool has_leader, const Survey& survey) {
  const auto& first = choice.first();
  auto text = "member " + shown(survey, first.member);
  if (has_leader && choice.order.size() == 1) {
    return text + (survey.member_list.size() == 1 ? ", the only one"
                                                  : ", the only voter that can be used");
  }
  if (!has_leader) return text + ", the most advanced one; no leader";
  if (first.lag > kLagNoise) return text + ", the least behind";
  if (!first.member.is_leader()) return text + ", a follower that is up to date";
  return text + ", the leader: all followers are behind";
}

// What is worth saying about the cluster beside the choice.
void warn_about(const Survey& survey, Choice& choice) {
  for (const auto& failure : survey.failures)
    choice.warnings.push_back("endpoint skipped: " + describe(failure.error));
  for (const auto& alarm : survey.alarms)
    choice.warnings.push_back("alarm " + std::string(name_of(alarm.kind)) + " on member " +
                              survey.name_of(alarm.member_id));
  for (const auto& warning : survey.warnings) choice.warnings.push_back(warning);
}

}  // namespace

Result<Choice> choose(const Survey& survey, WithoutLeader policy) {
  if (survey.members.empty()) return fail(Code::unavailable, "no member of etcd answered");
  TRY(require_one_cluster(survey));
  TRY(require_no_corruption(survey));
  Members voters;
  for (const auto& member : survey.members)
    if (!member.is_learner) voters.push_back(&member);
  if (voters.empty())
    return fail(Code::unavailable,
                "only a learner answered: " + shown(survey, survey.members.front()),
                "a learner's data may be far behind; give the endpoint of a voting member");
  Choice choice;
  auto usable = TRY(following(survey, voters, choice));
  auto has_leader = !usable.empty();
  if (!has_leader && policy == WithoutLeader::refuse)
    return fail(
        Code::unavailable,
        "no leader: " + shown(survey, *voters.front()) +
            (voters.size() == 1 ? " knows none" : " and the others that answered know none"),
        "most members are down or cannot reach each other; save takes a snapshot all the "
        "same");
  if (!has_leader) choice.warnings.insert(choice.warnings.begin(), "no leader, may be behind");
  for (const auto* member : has_leader ? usable : voters)
    choice.order.push_back(candidate(survey, *member));
  put_best_first(choice.order, has_leader);
  choice.reason = reason(choice, has_leader, survey);
  if (!choice.first().warning.empty()) choice.warnings.push_back(choice.first().warning);
  warn_about(survey, choice);
  return choice;
}

}  // namespace snap::etcd
