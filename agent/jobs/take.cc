#include "jobs/take.h"

#include <format>
#include <utility>

#include "base/text.h"
#include "stream/copy.h"

namespace snap::jobs {
namespace {

// Passes a snapshot on, tells a failure of the member from one of the place, and stops before a
// database that grew fills the disk.
class GuardedStream : public stream::Source {
 public:
  GuardedStream(etcd::SnapshotStream& stream, std::optional<uint64_t> room_bytes)
      : stream_(stream), room_bytes_(room_bytes) {}

  Result<size_t> read(MutableBytes into) override {
    auto n = stream_.read(into);
    if (!n) member_failed_ = true;
    auto total = stream_.total_bytes();
    if (n && room_bytes_ && total > *room_bytes_) {
      return fail(Code::no_space,
                  std::format("the snapshot is {}, there is room for {}", human_size(total),
                              human_size(*room_bytes_)),
                  "free some space, or lower local.reserve");
    }
    return n;
  }

  bool member_failed() const { return member_failed_; }

 private:
  etcd::SnapshotStream& stream_;
  std::optional<uint64_t> room_bytes_;
  bool member_failed_ = false;
};

struct Attempt {
  Result<Taken> result;
  bool member_failed = false;
  bool user_refused = false;  // by any member then
};

Result<Taken> transfer(etcd::SnapshotStream& stream, GuardedStream& guarded,
                       const etcd::Candidate& from, const TakeOptions& options) {
  auto sink = TRY(options.open_sink());
  snapshot::TrailerDigest hash;
  stream::CopyOptions copy{
      .tap = [&](Bytes bytes) { hash.update(bytes); }, .progress = {}, .stop = options.stop};
  if (options.progress)
    copy.progress = [&](uint64_t done) { options.progress(done, stream.total_bytes()); };
  // The sink is finished only when the digest agrees: what is wrong is never made durable.
  TRY(stream::copy(guarded, *sink, copy));
  auto digest = hash.finish();
  if (!digest.matches()) {
    return fail(
        Code::corrupt,
        std::format("{}: the snapshot does not match its own SHA-256: {} announced, {} received",
                    from.member.endpoint, to_hex(digest.trailer), to_hex(digest.body)),
        "");
  }
  TRY(sink->finish());
  return Taken{.member = from,
               .after = from.member,
               .storage_version = stream.storage_version(),
               .digest = digest,
               .warnings = {}};
}

// A missing or forbidden directory of ours must not read like a member that is missing or forbids.
Code code_of_place(Code code) {
  return code == Code::no_space || code == Code::cancelled ? code : Code::internal;
}

Attempt attempt(etcd::Client& client, const etcd::Candidate& from, const TakeOptions& options) {
  auto stream = client.snapshot(from.member.endpoint);
  GuardedStream guarded(*stream, options.room_bytes);
  auto taken = transfer(*stream, guarded, from, options);
  // A wrong trailer is the member's failure too; everything else that it did not cause is the
  // place's.
  bool member_failed = !taken && (guarded.member_failed() || taken.error().code == Code::corrupt);
  if (!taken && !member_failed) taken.error().code = code_of_place(taken.error().code);
  return {std::move(taken), member_failed, stream->user_refused()};
}

// What to try when the member said nothing that helps.
std::string hint_for(Code code) {
  if (code == Code::corrupt)
    return "something on the way changed the data, or the member's disk is failing: see its log";
  return "look at the member's log and at what lies on the way to it, then start again";
}

bool another_may_do_better(const Attempt& failed) {
  if (!failed.member_failed || failed.user_refused) return false;
  const auto& error = failed.result.error();
  return error.retryable() || error.code == Code::corrupt || error.code == Code::denied;
}

}  // namespace

Result<Cluster> look_at_cluster(etcd::Client& client, etcd::WithoutLeader policy) {
  Cluster cluster;
  cluster.survey = TRY(client.survey());
  auto others = cluster.survey.other_endpoints();
  if (!others.empty()) {
    std::vector<std::string> all;
    for (const auto& member : cluster.survey.members) all.push_back(member.endpoint);
    all.insert(all.end(), others.begin(), others.end());
    auto failures = std::move(cluster.survey.failures);
    cluster.survey = TRY(client.survey(all));
    cluster.survey.failures.insert(cluster.survey.failures.begin(), failures.begin(),
                                   failures.end());
  }
  auto choice = etcd::choose(cluster.survey, policy);
  if (!choice) {
    // Why the rest of the cluster did not help stands in the same line.
    for (const auto& failure : cluster.survey.failures)
      choice.error().message += "; " + failure.error.message;
    return std::unexpected(choice.error());
  }
  cluster.choice = std::move(*choice);
  cluster.warnings = cluster.choice.warnings;  // the doubts about the first candidate among them
  return cluster;
}

Result<Taken> take_snapshot(etcd::Client& client, const Cluster& cluster,
                            const TakeOptions& options) {
  const auto& order = cluster.choice.order;
  auto result = attempt(client, order.front(), options);
  if (order.size() > 1 && another_may_do_better(result)) {
    auto first = result.result.error().message;
    if (options.retrying)
      options.retrying(std::format("{}; starting again on {}", first, order[1].name));
    result = attempt(client, order[1], options);
    if (result.result) {
      result.result->warnings.push_back(first);
      // The member chosen first may have had no doubt about it; this one may.
      if (!order[1].warning.empty()) result.result->warnings.push_back(order[1].warning);
    }
    if (!result.result) result.result.error().message += "; before that, " + first;
  }
  if (result.member_failed && result.result.error().hint.empty())
    result.result.error().hint = hint_for(result.result.error().code);
  auto taken = TRY(std::move(result.result));
  auto after = client.status(taken.member.member.endpoint);
  if (after) {
    taken.after = *after;
  } else {
    taken.warnings.push_back("status after the snapshot: " + after.error().message);
  }
  return taken;
}

}  // namespace snap::jobs
