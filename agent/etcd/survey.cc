#include "etcd/survey.h"

#include <algorithm>

#include "base/text.h"
#include "etcd/messages.h"

namespace snap::etcd {
namespace {

std::vector<Call> to_each(const std::vector<std::string>& endpoints, const char* method,
                          std::chrono::milliseconds limit) {
  std::vector<Call> calls;
  for (const auto& endpoint : endpoints) calls.push_back({endpoint, method, "", limit});
  return calls;
}

Result<MemberStatus> status_of(const Result<std::string>& answer, const std::string& endpoint) {
  if (!answer) return std::unexpected(answer.error());
  auto status = TRY(decode_status(*answer).context(endpoint));
  status.endpoint = endpoint;
  return status;
}

// Every cause in one message. The code is the one they share, so that nobody tries again what was
// refused everywhere.
std::unexpected<Error> nobody_answered(const std::vector<EndpointFailure>& failures) {
  if (failures.size() == 1) return std::unexpected(failures.front().error);
  auto code = failures.front().error.code;
  std::vector<std::string> causes;
  std::string hint = failures.front().error.hint;
  for (const auto& failure : failures) {
    if (failure.error.code != code) code = Code::unavailable;
    if (failure.error.hint != hint) hint.clear();
    causes.push_back(failure.error.message);
  }
  return fail(code, "no endpoint of etcd answered: " + join(causes, "; "), hint);
}

// The members to ask about the cluster: those that know a leader first, a learner never.
std::vector<std::string> informants(const Survey& survey) {
  std::vector<const MemberStatus*> voters;
  for (const auto& member : survey.members)
    if (!member.is_learner) voters.push_back(&member);
  std::ranges::stable_sort(voters, [](const auto* a, const auto* b) {
    return std::pair(a->leader != 0, a->raft_term) > std::pair(b->leader != 0, b->raft_term);
  });
  std::vector<std::string> endpoints;
  for (const auto* voter : voters) endpoints.push_back(voter->endpoint);
  return endpoints;
}

void take_alarms(Survey& survey, const Result<std::vector<Alarm>>& answer) {
  if (answer) survey.alarms = *answer;
  for (const auto& member : survey.members)
    for (const auto& alarm : alarms_in(member))
      if (!std::ranges::contains(survey.alarms, alarm)) survey.alarms.push_back(alarm);
}

// Member list and alarms from the first voter that tells both. The alarms go through raft: without
// a leader the members' own word has to do.
void ask_about_cluster(Session& session, Survey& survey) {
  auto limit = session.config().connect_timeout;
  auto has_leader =
      std::ranges::any_of(survey.members, [](const auto& m) { return m.leader != 0; });
  Result<std::vector<Member>> members = fail(Code::unavailable, "no voter answered");
  Result<std::vector<Alarm>> alarms = fail(Code::unavailable, "no leader");
  for (const auto& endpoint : informants(survey)) {
    std::vector<Call> calls = {{endpoint, kMemberListMethod, "", limit}};
    if (has_leader) calls.push_back({endpoint, kAlarmMethod, "", limit});
    auto answers = session.call(calls);
    members = answers[0] ? decode_members(*answers[0]) : std::unexpected(answers[0].error());
    if (has_leader)
      alarms = answers[1] ? decode_alarms(*answers[1]) : std::unexpected(answers[1].error());
    if (members && (alarms || !has_leader)) break;
  }
  if (members) survey.member_list = *members;
  if (!members) survey.warnings.push_back("member list: " + describe(members.error()));
  if (!alarms) survey.warnings.push_back("alarms: " + describe(alarms.error()));
  take_alarms(survey, alarms);
}

}  // namespace

Result<Survey> ask_all(Session& session, const std::vector<std::string>& endpoints) {
  auto calls = to_each(endpoints, kStatusMethod, session.config().connect_timeout);
  auto answers = session.call(calls);
  Survey survey;
  for (size_t i = 0; i < answers.size(); ++i) {
    auto status = status_of(answers[i], endpoints[i]);
    if (!status && status.error().code == Code::cancelled) return std::unexpected(status.error());
    if (!status)
      survey.failures.push_back({endpoints[i], status.error()});
    else if (!survey.find(status->member_id))
      survey.members.push_back(*status);
  }
  if (survey.members.empty()) return nobody_answered(survey.failures);
  ask_about_cluster(session, survey);
  if (session.config().stop.stop_requested()) return fail(Code::cancelled, "told to stop");
  return survey;
}

}  // namespace snap::etcd
