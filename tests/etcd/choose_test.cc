#include "etcd/choose.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace snap::etcd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Member 1 leads in term 5 unless told otherwise; all have applied entry 10000.
MemberStatus member(uint64_t id, uint64_t applied = 10'000, uint64_t leader = 1,
                    uint64_t term = 5) {
  MemberStatus status;
  status.endpoint = "http://m" + std::to_string(id);
  status.cluster_id = 0xc;
  status.member_id = id;
  status.leader = leader;
  status.raft_term = term;
  status.raft_index = status.raft_applied_index = applied;
  status.revision = static_cast<int64_t>(applied) / 2;
  status.version = "3.6.0";
  return status;
}

MemberStatus learner(uint64_t id) {
  auto status = member(id);
  status.is_learner = true;
  return status;
}

Survey survey(std::vector<MemberStatus> members, size_t listed = 0) {
  Survey survey;
  survey.members = std::move(members);
  for (uint64_t id = 1; id <= listed; ++id)
    survey.member_list.push_back({.id = id,
                                  .name = "m" + std::to_string(id),
                                  .peer_urls = {},
                                  .client_urls = {},
                                  .is_learner = false});
  return survey;
}

Survey with_alarm(Survey survey, Alarm alarm) {
  survey.alarms.push_back(alarm);
  return survey;
}

// "2 3 1" (the order), or "unavailable: why".
std::string outcome(const Survey& survey, WithoutLeader policy) {
  auto choice = choose(survey, policy);
  if (!choice) return std::string(name_of(choice.error().code)) + ": " + choice.error().message;
  std::vector<std::string> order;
  for (const auto& candidate : choice->order)
    order.push_back(std::to_string(candidate.member.member_id));
  return join(order, " ");
}

struct Case {
  std::string name;
  Survey survey;
  std::string order;                      // with a leader required
  std::string order_without_leader = "";  // accepted without one; empty: the same
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
class Choose : public testing::TestWithParam<Case> {};
TEST_P(Choose, OrdersOrRefuses) {
  const auto& c = GetParam();
  EXPECT_EQ(outcome(c.survey, WithoutLeader::refuse), c.order);
  EXPECT_EQ(outcome(c.survey, WithoutLeader::accept),
            c.order_without_leader.empty() ? c.order : c.order_without_leader);
}

auto other_cluster(MemberStatus status) {
  status.cluster_id = 0xd;
  return status;
}

INSTANTIATE_TEST_SUITE_P(
    Rules, Choose,
    testing::Values(
        Case{"nobody", survey({}), "unavailable: no member of etcd answered"},
        Case{"single", survey({member(1)}), "1"},
        Case{"follower_before_leader", survey({member(1), member(2), member(3)}), "2 3 1"},
        Case{"order_of_endpoints", survey({member(3), member(1), member(2)}), "3 2 1"},
        Case{"noise_is_no_lag", survey({member(1, 10'000), member(2, 9'000)}), "2 1"},
        Case{"one_entry_more_is", survey({member(1, 10'000), member(2, 8'999)}), "1 2"},
        Case{"least_lag", survey({member(1), member(2, 3'000), member(3, 5'000)}), "1 3 2"},
        Case{"learner_never", survey({learner(2), member(1)}), "1"},
        Case{"learner_alone", survey({learner(2)}),
             "unavailable: only a learner answered: 2 (http://m2)"},
        Case{"two_clusters", survey({member(1), other_cluster(member(2))}),
             "invalid: different cluster ids: http://m1 belongs to c, http://m2 to d"},
        Case{"corrupt", with_alarm(survey({member(1), member(2)}, 2), {2, AlarmKind::corrupt}),
             "unavailable: etcd raised the alarm CORRUPT for member m2"},
        Case{"corrupt_of_nobody", with_alarm(survey({member(1)}), {0, AlarmKind::corrupt}),
             "unavailable: etcd raised the alarm CORRUPT for the cluster"},
        Case{"nospace_is_taken", with_alarm(survey({member(1)}), {1, AlarmKind::nospace}), "1"},
        Case{"no_leader", survey({member(2, 7'000, 0), member(3, 7'001, 0)}, 3),
             "unavailable: no leader: m2 (http://m2) and the others that answered know none",
             "3 2"},
        Case{"one_knows_no_leader", survey({member(1), member(2, 10'000, 0, 9), member(3)}), "3 1"},
        Case{"minority_with_an_old_leader",
             survey({member(1, 9'000, 1, 5), member(2, 10'000, 2, 6), member(3, 10'000, 2, 6)}, 3),
             "3 2"},
        Case{"two_leaders_no_majority",
             survey({member(1, 9'000, 1, 5), member(2, 10'000, 2, 6)}, 3),
             "unavailable: members follow different leaders and no side has a majority"},
        Case{"same_leader_in_two_terms", survey({member(1), member(2, 10'000, 1, 6)}, 3), "2 1"}),
    [](const auto& test) { return test.param.name; });

TEST(Choose, SaysWhyAndHowFarBehind) {
  auto choice = choose(survey({member(1), member(2)}, 2), WithoutLeader::refuse).value();
  EXPECT_EQ(choice.reason, "member m2 (http://m2), a follower that is up to date");
  EXPECT_THAT(choice.warnings, ElementsAre());

  auto leader = member(1, 50'000);
  leader.is_learner = true;  // not eligible, but it knows how far the cluster is
  choice = choose(survey({leader, member(2)}, 2), WithoutLeader::refuse).value();
  EXPECT_THAT(choice.warnings, ElementsAre("member m2 (http://m2) is 40000 entries behind "
                                           "(revision 5000 of 25000)"));
}

TEST(Choose, WarnsAboutTheMissingLeaderFirst) {
  auto lost = survey({member(2, 7'000, 0)}, 3);
  lost.failures.push_back({"http://m1", {Code::unavailable, "http://m1: refused", ""}});
  auto choice = choose(lost, WithoutLeader::accept).value();
  EXPECT_THAT(choice.warnings,
              ElementsAre("no leader, may be behind", "endpoint skipped: http://m1: refused"));
  EXPECT_THAT(choice.reason, HasSubstr("no leader"));
}

TEST(Choose, WarnsAboutNospace) {
  auto full = with_alarm(survey({member(1)}, 1), {1, AlarmKind::nospace});
  EXPECT_THAT(choose(full, WithoutLeader::refuse).value().warnings,
              ElementsAre("alarm NOSPACE on member m1"));
}

TEST(Survey, NamesTheMembersThatNobodyAsked) {
  auto asked = survey({member(1)});
  asked.failures.push_back({"http://m2", {}});
  auto add = [&asked](uint64_t id, std::vector<std::string> urls) {
    asked.member_list.push_back({.id = id,
                                 .name = "",
                                 .peer_urls = {},
                                 .client_urls = std::move(urls),
                                 .is_learner = false});
  };
  add(1, {"http://elsewhere"});         // answered, though under another address
  add(2, {"http://x", "http://m2"});    // asked, gave nothing
  add(3, {"http://m3", "http://m3b"});  // new
  add(4, {});                           // never started
  EXPECT_THAT(asked.other_endpoints(), ElementsAre("http://m3"));
}

}  // namespace
}  // namespace snap::etcd
