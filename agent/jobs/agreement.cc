#include "jobs/agreement.h"

#include <format>

namespace snap::jobs {

using config::Compare;
using sets::Outcome;

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
  auto open = std::format("the members could not be compared: {}", reason);
  if (proof_->outcome == Outcome::passed) {
    verdict.agreed = members_ == 1
                         ? "the one member there is holds what the snapshot holds"
                         : std::format("all {} members hold what the snapshot holds", members_);
  } else if (proof_->outcome == Outcome::failed) {
    verdict.differs = {Code::corrupt, std::format("members differ: {}", reason),
                       "look with etcdctl endpoint hashkv --cluster, and replace the member that "
                       "is odd; the set is kept but does not count as proven"};
  } else if (policy_ == Compare::require) {
    verdict.refused = {Code::unavailable, std::move(open),
                       "mend that, or set etcd.compareMembers: warn to back up without it"};
  } else {
    verdict.doubt = std::move(open);
  }
  return verdict;
}

}  // namespace snap::jobs
