#include "retain/retain.h"

#include <algorithm>
#include <format>
#include <iterator>
#include <limits>
#include <ranges>
#include <utility>

#include "base/bytes.h"
#include "base/text.h"

namespace snap::retain {
namespace {

using sets::SetInfo;
using sets::State;
using std::chrono::days;
using std::chrono::seconds;

// How firmly a set is held, from not at all.
enum class Hold {
  none,
  rule,  // by keep_within or the calendar: max_size may take it, remove may
  last,  // by keep_last: only remove --force may take it
  firm   // nothing lifts this
};

struct Judged {
  const SetInfo* set;
  bool future = false;
  Hold hold = Hold::none;
  std::string reason = {};

  void raise(Hold to, std::string why) {
    if (hold >= to) return;
    hold = to;
    reason = std::move(why);
  }
};

Seconds plus(Seconds at, seconds by) {
  int64_t sum = 0;
  if (__builtin_add_overflow(at.time_since_epoch().count(), by.count(), &sum)) {
    sum =
        by.count() < 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
  }
  return Seconds(seconds(sum));
}

bool in_future(const SetInfo& set, Seconds now) {
  return set.parts.start > plus(now, kFutureTolerance);
}

// The good sets of one stream, newest first.
std::vector<Judged> sets_of(std::span<const SetInfo> sets, const sets::Stream& stream,
                            Seconds now) {
  std::vector<Judged> result;
  for (const auto& set : sets) {
    if (set.state == State::good && set.stream() == stream) {
      result.push_back({.set = &set, .future = in_future(set, now)});
    }
  }
  std::ranges::sort(result,
                    [](const Judged& a, const Judged& b) { return newer_first(*a.set, *b.set); });
  return result;
}

// Those that rules count, newest first: dated in the future, a set would push out others.
std::vector<Judged*> counted(std::vector<Judged>& stream, bool proven) {
  std::vector<Judged*> result;
  for (auto& entry : stream) {
    if (!entry.future && entry.set->proven == proven) result.push_back(&entry);
  }
  return result;
}

void hold_firmly(std::vector<Judged>& stream, std::string_view just_made) {
  for (auto& entry : stream) {
    if (entry.set->pinned) entry.raise(Hold::firm, "pinned");
  }
  // With nothing but proven sets in the future, the newest of those is all there is.
  auto newest = std::ranges::find_if(
      stream, [](const Judged& entry) { return entry.set->proven && !entry.future; });
  if (newest == stream.end()) {
    newest = std::ranges::find_if(stream, [](const Judged& entry) { return entry.set->proven; });
  }
  if (newest != stream.end()) {
    newest->raise(Hold::firm, "newest proven set");
  }
  for (auto& entry : stream) {
    if (!just_made.empty() && entry.set->name == just_made) {
      entry.raise(Hold::firm, "made by this run");
    }
  }
}

void hold_last(std::vector<Judged>& stream, unsigned keep_last) {
  for (auto* entry : counted(stream, true) | std::views::take(keep_last)) {
    entry->raise(Hold::last, std::format("among the {} newest", keep_last));
  }
  auto unproven = counted(stream, false);
  for (auto* entry : unproven | std::views::take(keep_last)) {
    entry->raise(Hold::last, std::format("not proven, among the {} newest of those", keep_last));
  }
  bool any_proven = std::ranges::any_of(stream, [](const Judged& e) { return e.set->proven; });
  if (!any_proven && !unproven.empty()) {
    unproven.front()->raise(Hold::last, "newest set, and none is proven");
  }
}

// A calendar rule: the number of a set's hour, day, ..., and what that is called.
struct Calendar {
  unsigned keep;
  int64_t (*bucket)(Seconds);
  std::string (*label)(Seconds);
};

std::chrono::year_month_day date_of(Seconds at) { return std::chrono::floor<days>(at); }

void hold_by_calendar(const std::vector<Judged*>& proven, const Policy& policy) {
  const Calendar rules[] = {
      {policy.keep_hourly,
       [](Seconds at) -> int64_t {
         return std::chrono::floor<std::chrono::hours>(at).time_since_epoch().count();
       },
       [](Seconds at) { return std::format("hourly {:%Y-%m-%dT%H}", at); }},
      {policy.keep_daily,
       [](Seconds at) -> int64_t {
         return std::chrono::floor<days>(at).time_since_epoch().count();
       },
       [](Seconds at) { return std::format("daily {:%Y-%m-%d}", at); }},
      {policy.keep_weekly,
       [](Seconds at) -> int64_t {
         // ISO weeks begin on Monday; day 0 of the epoch was a Thursday.
         auto since_monday = std::chrono::floor<days>(at).time_since_epoch() + days(3);
         return std::chrono::floor<std::chrono::weeks>(since_monday).count();
       },
       [](Seconds at) { return std::format("weekly {:%G-W%V}", at); }},
      {policy.keep_monthly,
       [](Seconds at) -> int64_t {
         auto date = date_of(at);
         return int{date.year()} * 12 + static_cast<int>(unsigned{date.month()});
       },
       [](Seconds at) { return std::format("monthly {:%Y-%m}", at); }},
      {policy.keep_yearly, [](Seconds at) -> int64_t { return int{date_of(at).year()}; },
       [](Seconds at) { return std::format("yearly {:%Y}", at); }}};
  for (const auto& rule : rules) {
    std::optional<int64_t> last;
    unsigned left = rule.keep;
    for (auto* entry : proven) {
      if (left == 0) break;
      auto start = entry->set->parts.start;
      auto bucket = rule.bucket(start);
      if (bucket == last) continue;
      last = bucket;
      --left;
      if (entry->hold == Hold::none) entry->raise(Hold::rule, rule.label(start));
    }
  }
}

// Lets go of the oldest sets that only a rule holds, until the proven ones fit.
void limit_size(const std::vector<Judged*>& proven, uint64_t max_size_bytes) {
  if (max_size_bytes == 0) return;
  uint64_t total = 0;
  auto add = [&](const Judged& entry) {
    if (__builtin_add_overflow(total, entry.set->total_bytes, &total)) {
      total = std::numeric_limits<uint64_t>::max();
    }
  };
  for (const auto* entry : proven) {
    if (entry->hold > Hold::rule) add(*entry);
  }
  bool full = false;
  for (auto* entry : proven) {
    if (entry->hold != Hold::rule) continue;
    if (!full) add(*entry);
    full = full || total > max_size_bytes;
    if (!full) continue;
    entry->hold = Hold::none;
    entry->reason = std::format("beyond maxSize {}, oldest first", human_size(max_size_bytes));
  }
}

// "5d", as it stands in the configuration, where whole days or hours say it.
std::string in_words(seconds duration) {
  if (duration % days(1) == seconds(0)) return std::format("{}d", duration / days(1));
  if (duration % std::chrono::hours(1) == seconds(0)) {
    return std::format("{}h", duration / std::chrono::hours(1));
  }
  return human_duration(duration);
}

std::vector<Judged> judge(std::span<const SetInfo> sets, const Policy& policy,
                          const Occasion& occasion) {
  auto stream = sets_of(sets, occasion.stream, occasion.now);
  hold_firmly(stream, occasion.just_made);
  hold_last(stream, policy.keep_last);
  for (auto& entry : stream) {
    if (entry.future) entry.raise(Hold::rule, "dated in the future");
  }
  auto proven = counted(stream, true);
  if (policy.keep_within > seconds(0)) {
    auto earliest = plus(occasion.now, -policy.keep_within);
    for (auto* entry : proven) {
      if (entry->set->parts.start < earliest) break;
      entry->raise(Hold::rule, "within " + in_words(policy.keep_within));
    }
  }
  hold_by_calendar(proven, policy);
  limit_size(proven, policy.max_size_bytes);
  return stream;
}

std::string why_free(const Judged& entry, const Policy& policy) {
  if (!entry.reason.empty()) return entry.reason;
  if (!entry.set->proven) {
    return std::format("not proven, and not among the {} newest of those", policy.keep_last);
  }
  auto age = policy.keep_within > seconds(0)
                 ? std::format("older than {}, ", in_words(policy.keep_within))
                 : std::string();
  return age + "no rule keeps it";
}

Verdict verdict_of(const Judged& entry, const Judged* just_made, const Policy& policy, Mode mode) {
  Verdict verdict{.set = entry.set->name, .reason = entry.reason, .notice = entry.future};
  if (entry.hold != Hold::none) return verdict;
  if (mode == Mode::run && !just_made) {
    verdict.reason = "this run added nothing here";
  } else if (mode == Mode::run && entry.set->proven && !just_made->set->proven) {
    verdict.reason = "this run added no proven set here";
  } else {
    verdict.keep = false;
    verdict.reason = why_free(entry, policy);
  }
  return verdict;
}

// Whatever is no good set of the stream that is worked on.
Verdict verdict_of_other(const SetInfo& set, const Occasion& occasion, bool may_remove) {
  Verdict verdict{.set = set.name, .reason = set.problem};
  if (verdict.reason.empty()) verdict.reason = name_of(set.state);
  switch (set.state) {
    case State::good:
      verdict.reason = set.parts.cluster != occasion.stream.cluster
                           ? "belongs to cluster " + set.parts.cluster
                           : "belongs to another etcd cluster, id " + to_hex(set.cluster_id);
      break;
    case State::remains:
      verdict.notice = true;
      if (set.pinned) {
        verdict.reason = "pinned";
      } else if (set.removal_begun && may_remove && set.parts.cluster == occasion.stream.cluster) {
        verdict.keep = false;
        verdict.notice = false;
        verdict.reason = "its removal was interrupted";
      }
      break;
    case State::damaged:
    case State::newer: verdict.notice = true; break;
    case State::incoming: break;
    case State::foreign: verdict.reason = "not a backup set"; break;
  }
  return verdict;
}

}  // namespace

std::vector<Verdict> decide(std::span<const SetInfo> sets, const Policy& policy,
                            const Occasion& occasion) {
  auto stream = judge(sets, policy, occasion);
  auto made = std::ranges::find_if(stream, [&](const Judged& entry) {
    return !occasion.just_made.empty() && entry.set->name == occasion.just_made;
  });
  const Judged* just_made = made == stream.end() ? nullptr : &*made;

  std::vector<std::pair<const SetInfo*, Verdict>> verdicts;
  verdicts.reserve(sets.size());
  for (const auto& entry : stream) {
    verdicts.emplace_back(entry.set, verdict_of(entry, just_made, policy, occasion.mode));
  }
  bool may_remove = occasion.mode == Mode::prune || just_made;
  for (const auto& set : sets) {
    if (set.state == State::good && set.stream() == occasion.stream) continue;
    verdicts.emplace_back(&set, verdict_of_other(set, occasion, may_remove));
  }
  std::ranges::stable_sort(
      verdicts, [](const auto& a, const auto& b) { return newer_first(*a.first, *b.first); });
  std::vector<Verdict> result;
  result.reserve(verdicts.size());
  std::ranges::move(verdicts | std::views::values, std::back_inserter(result));
  return result;
}

std::optional<sets::Stream> current_stream(std::span<const SetInfo> sets, std::string_view cluster,
                                           Seconds now) {
  const SetInfo* best = nullptr;
  auto rank = [&](const SetInfo& set) { return std::pair(!in_future(set, now), set.proven); };
  for (const auto& set : sets) {
    if (set.state != State::good || set.parts.cluster != cluster) continue;
    if (!best || rank(set) > rank(*best) || (rank(set) == rank(*best) && newer_first(set, *best))) {
      best = &set;
    }
  }
  if (!best) return std::nullopt;
  return best->stream();
}

Result<void> check_removal(std::span<const SetInfo> sets, std::string_view name,
                           const Policy& policy, Seconds now, bool force) {
  auto doing = "remove " + escaped(name);
  TRY(sets::SetName::parse(name).context("remove"));
  auto set = std::ranges::find(sets, name, &SetInfo::name);
  if (set == sets.end()) return fail(Code::not_found, doing + ": there is no such set");
  auto refuse = [&](std::string_view why, std::string hint) {
    return fail(Code::invalid, std::format("{}: {}", doing, why), std::move(hint));
  };
  if (set->pinned) return refuse("it is pinned", "unpin it first");
  if (set->state == State::remains) return {};
  if (set->state != State::good) {
    return refuse(set->problem, "which files belong to it is not known: look at the directory");
  }
  auto stream = judge(sets, policy,
                      {.mode = Mode::prune, .now = now, .stream = set->stream(), .just_made = {}});
  auto entry = std::ranges::find(stream, &*set, &Judged::set);
  switch (entry->hold) {
    case Hold::firm:
      return refuse("it is the " + entry->reason + " of its cluster", "it always stays");
    case Hold::last:
      if (!force) return refuse("it is " + entry->reason, "--force lifts this rule");
      return {};
    case Hold::rule:
    case Hold::none: return {};
  }
  return {};
}

}  // namespace snap::retain
