#include "jobs/compare_members.h"

#include <algorithm>
#include <format>
#include <map>
#include <utility>

#include "base/text.h"
#include "net/backoff.h"

namespace snap::jobs {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kCatchUpPoll{200};

std::chrono::milliseconds left_until(Clock::time_point end) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
}

// A member that lags a little behind the one that gave the snapshot is asked again.
Result<etcd::HashKv> ask(etcd::Client& client, const std::string& endpoint, int64_t revision,
                         const AskLimits& limits, Clock::time_point end) {
  auto caught_up = Clock::now() + limits.catch_up;
  while (true) {
    auto left = std::min(limits.each, left_until(end));
    if (left.count() <= 0)
      return fail(Code::timeout, "not asked: the members before it took all the time there is");
    auto hash = client.hash_kv(endpoint, revision, left);
    if (limits.stop.stop_requested()) return fail(Code::cancelled, "interrupted");
    if (hash || !etcd::is_future_revision(hash.error()) || Clock::now() >= caught_up) return hash;
    TRY(net::pause(kCatchUpPoll, limits.stop));
  }
}

// Why there was no status of this member: the first failure at one of its URLs.
Error no_status(const etcd::Survey& survey, const etcd::Member& member) {
  for (const auto& failure : survey.failures)
    if (std::ranges::contains(member.client_urls, failure.endpoint)) return failure.error;
  return {Code::unavailable, member.client_urls.empty() ? "it never started" : "it gave no status",
          ""};
}

bool is_compacted(const MemberAnswer& answer, const snapshot::Extent& extent) {
  if (!answer.hash)
    return answer.hash.error().code == Code::not_found &&
           !etcd::is_future_revision(answer.hash.error());
  // The hash of the compaction itself, kept from before it: over rows that are gone.
  return answer.hash->compact_revision < extent.compacted();
}

// One side of a comparison.
struct Answered {
  const MemberAnswer* member;
  bool agrees;
};

std::string names(const std::vector<const MemberAnswer*>& members) {
  std::vector<std::string> texts;
  for (const auto* member : members) texts.push_back(member->name);
  return join(texts, ", ");
}

std::string hold(const std::vector<const MemberAnswer*>& members) {
  return names(members) + (members.size() == 1 ? " holds" : " hold");
}

// Who is odd. A majority of those that answered is right until a person finds otherwise.
std::string difference(const std::vector<Answered>& answered, uint64_t source, int64_t revision) {
  std::vector<const MemberAnswer*> same, other;
  std::map<std::pair<int64_t, uint32_t>, std::vector<const MemberAnswer*>> kinds;
  for (const auto& [member, agrees] : answered) {
    (agrees ? same : other).push_back(member);
    if (!agrees) kinds[{member->hash->compact_revision, member->hash->hash}].push_back(member);
  }
  auto most = std::ranges::max_element(kinds, {}, [](const auto& kind) {
                return kind.second.size();
              })->second;
  auto needed = answered.size() / 2 + 1;
  auto where = std::format("at revision {}", revision);
  if (same.size() >= needed)
    return std::format("{} other data than {} and the snapshot {}", hold(other), names(same),
                       where);
  if (most.size() >= needed && !same.empty())
    return std::format("{} other data than {} {}, and the snapshot has it", hold(same), names(most),
                       where);
  if (same.empty()) {
    bool from_one = std::ranges::contains(other, source, &MemberAnswer::id);
    return std::format("the snapshot holds other data than {} {}{}", names(other), where,
                       from_one ? "" : "; the member that it was taken from did not answer");
  }
  return std::format("{} and {} hold different data {}, and neither side is a majority",
                     names(same), names(other), where);
}

}  // namespace

std::optional<Error> cannot_be_asked(const etcd::Survey& survey, const etcd::Member& member) {
  if (member.is_learner) return Error{Code::denied, "a learner does not tell", ""};
  if (survey.find(member.id) == nullptr) return no_status(survey, member);
  return std::nullopt;
}

Result<std::vector<MemberAnswer>> ask_members(etcd::Client& client, const etcd::Survey& survey,
                                              int64_t revision, const AskLimits& limits) {
  std::vector<MemberAnswer> answers;
  auto end = Clock::now() + limits.total;
  for (const auto& member : survey.member_list) {
    auto why = cannot_be_asked(survey, member);
    auto hash = why ? Result<etcd::HashKv>(std::unexpected(*why))
                    : ask(client, survey.find(member.id)->endpoint, revision, limits, end);
    if (!hash && hash.error().code == Code::cancelled) return std::unexpected(hash.error());
    answers.push_back({member.id, survey.name_of(member.id), std::move(hash)});
  }
  return answers;
}

bool any_compacted(const std::vector<MemberAnswer>& answers, const snapshot::Extent& extent) {
  return std::ranges::any_of(answers,
                             [&](const auto& answer) { return is_compacted(answer, extent); });
}

Result<sets::ProofResult> compare_members(const std::vector<MemberAnswer>& answers, uint64_t source,
                                          const snapshot::Extent& extent, const OwnHash& own_hash) {
  using sets::Outcome;
  auto revision = extent.revision();
  if (answers.empty()) return sets::ProofResult{Outcome::skipped, std::string(kNoMembers)};
  std::vector<Answered> answered;
  std::vector<std::string> open;
  std::vector<const MemberAnswer*> compacted;
  std::map<int64_t, snapshot::LocalHash> own;  // by compact revision
  for (const auto& answer : answers) {
    if (is_compacted(answer, extent)) {
      compacted.push_back(&answer);
      continue;
    }
    if (!answer.hash) {
      open.push_back(std::format("{}: {}", answer.name, answer.hash.error().message));
      continue;
    }
    auto at = answer.hash->compact_revision;
    // 3.4 and 3.5 do not say which revision they hashed.
    auto hashed = answer.hash->hash_revision;
    if (at > revision || (hashed != 0 && hashed != revision)) {
      open.push_back(std::format("{}: answered for revision {}, not for {}", answer.name,
                                 hashed != 0 ? hashed : at, revision));
      continue;
    }
    auto known = own.find(at);
    if (known == own.end()) {
      auto hash = own_hash(at);
      // A disk that cannot read what it was just given is no doubt about a member.
      if (!hash && (hash.error().code == Code::cancelled || hash.error().code == Code::internal))
        return std::unexpected(hash.error());
      if (!hash) {
        open.push_back(std::format("{}: {}", answer.name, hash.error().message));
        continue;
      }
      known = own.emplace(at, *hash).first;
    }
    bool agrees = known->second.hash == answer.hash->hash;
    if (!agrees && !known->second.has_live_keys)
      open.push_back(
          std::format("{}: no key is alive, so there is nothing to compare", answer.name));
    else
      answered.push_back({&answer, agrees});
  }
  auto not_compared = "not compared with " + join(open, "; ");
  if (!std::ranges::all_of(answered, &Answered::agrees)) {
    auto reason = difference(answered, source, revision);
    if (!open.empty()) reason += "; " + not_compared;
    return sets::ProofResult{Outcome::failed, std::move(reason)};
  }
  if (!open.empty()) return sets::ProofResult{Outcome::skipped, std::move(not_compared)};
  if (compacted.empty()) return sets::ProofResult{Outcome::passed, ""};
  return sets::ProofResult{
      Outcome::skipped,
      std::format("compacted: {} cannot tell of revision {} any more", names(compacted), revision)};
}

}  // namespace snap::jobs
