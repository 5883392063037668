#include "jobs/agreement.h"

#include <format>
#include <string_view>

#include "base/text.h"

namespace snap::jobs {

using config::Compare;
using sets::Outcome;

namespace {

std::string not_compared(std::string_view reason) {
  return std::format("the members could not be compared: {}", reason);
}

Error refusal(std::string_view reason) {
  return {Code::unavailable, not_compared(reason),
          "mend that, or set etcd.compareMembers: warn to back up without it"};
}

}  // namespace

std::optional<Error> foreseen_refusal(Compare policy, const etcd::Survey& survey) {
  if (policy != Compare::require) return std::nullopt;
  if (survey.member_list.empty()) return refusal(kNoMembers);
  std::vector<std::string> open;
  for (const auto& member : survey.member_list) {
    auto why = cannot_be_asked(survey, member);
    if (why) open.push_back(std::format("{}: {}", survey.name_of(member.id), why->message));
  }
  if (open.empty()) return std::nullopt;
  return refusal("not compared with " + join(open, "; "));
}

Result<Agreement::Next> Agreement::ask(etcd::Client& client, const etcd::Survey& survey,
                                       const OwnSnapshot& snapshot) {
  if (policy_ == Compare::off) return Next::go_on;
  auto extent = snapshot.extent();
  if (!extent && extent.error().code == Code::internal) return std::unexpected(extent.error());
  if (!extent) {
    // The proof says what is wrong with it, and where.
    proof_ = {Outcome::skipped, extent.error().message};
    return Next::go_on;
  }
  extent_ = *extent;
  nothing_to_compare_ = extent_.revision() == 0;  // a new cluster
  if (nothing_to_compare_) {
    proof_ = {Outcome::skipped, "no key was ever written"};
    return Next::go_on;
  }
  auto answers = TRY(ask_members(client, survey, extent_.revision(), limits_));
  members_ = answers.size();
  if (!asked_again_ && policy_ == Compare::require && any_compacted(answers, extent_)) {
    asked_again_ = true;
    return Next::take_again;
  }
  proof_ = TRY(compare_members(answers, snapshot.source, extent_, [&](int64_t compact_revision) {
    return snapshot.hash(extent_, compact_revision);
  }));
  return Next::go_on;
}

Agreement::Verdict Agreement::verdict() const {
  Verdict verdict;
  if (!proof_ || nothing_to_compare_) return verdict;
  const auto& reason = proof_->reason;
  if (proof_->outcome == Outcome::passed) {
    verdict.agreed = members_ == 1
                         ? "the one member there is holds what the snapshot holds"
                         : std::format("all {} members hold what the snapshot holds", members_);
  } else if (proof_->outcome == Outcome::failed) {
    verdict.differs = {Code::corrupt, std::format("members differ: {}", reason),
                       "look with etcdctl endpoint hashkv --cluster, and replace the member that "
                       "is odd; the set is kept but does not count as proven"};
  } else if (policy_ == Compare::require) {
    verdict.refused = refusal(reason);
  } else {
    verdict.doubt = not_compared(reason);
  }
  return verdict;
}

}  // namespace snap::jobs
