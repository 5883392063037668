// Random histories of one place under random policies: what must hold whatever the rules say
// (F-P01, F-P02, F-P04 to F-P06, F-P12; invariants 2 and 3 of the fault catalogue).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <map>
#include <random>
#include <set>

#include "retain/make_sets.h"
#include "retain/retain.h"

namespace snap::retain {
namespace {

using sets::SetInfo;
using sets::State;
using Sets = std::vector<SetInfo>;

#if defined(__SANITIZE_ADDRESS__)
constexpr uint64_t kUsualHistories = 20'000;  // five times as slow
#else
constexpr uint64_t kUsualHistories = 100'000;
#endif

uint64_t from_environment(const char* name, uint64_t otherwise) {
  const char* given = std::getenv(name);
  return given ? std::strtoull(given, nullptr, 10) : otherwise;
}

// SNAP_TEST_SEED=N repeats one run, SNAP_TEST_HISTORIES=N makes more or fewer.
uint64_t first_seed() { return from_environment("SNAP_TEST_SEED", std::random_device()()); }
const int kHistories = static_cast<int>(from_environment("SNAP_TEST_HISTORIES", kUsualHistories));

struct Dice {
  std::mt19937_64 engine;
  // 0 to n-1
  uint64_t roll(uint64_t n) { return engine() % n; }
  bool one_in(uint64_t n) { return roll(n) == 0; }
};

// Sets at human intervals, with twins of another node, gaps, unproven stretches, other clusters,
// the future, the past before 1970, and things that are no sets.
Sets random_place(Dice& dice) {
  static constexpr std::chrono::seconds kSteps[] = {0s,  1s,  10min,   1h,       6h,
                                                    24h, 24h, 7 * 24h, 31 * 24h, 400 * 24h};
  Sets sets;
  auto start = kNow + std::chrono::hours(dice.one_in(4) ? dice.roll(1000) : 0);
  auto count = dice.roll(dice.one_in(10) ? 60 : 14);
  auto step = kSteps[dice.roll(std::size(kSteps))];
  auto unproven = 1 + dice.roll(6);
  std::set<std::string> names;
  for (uint64_t i = 0; i < count; ++i) {
    Wish wish{
        .proven = !dice.one_in(unproven),
        .pinned = dice.one_in(12),
        .size_bytes = dice.one_in(50) ? std::numeric_limits<uint64_t>::max() : dice.roll(1000),
        .node = "m" + std::to_string(dice.roll(2)),
        .cluster = dice.one_in(9) ? "test" : "prod",
        .cluster_id = dice.one_in(9) ? 0xc2 : kClusterId};
    auto set = made_at(start, wish);
    if (dice.one_in(15)) {
      set.state = static_cast<State>(1 + dice.roll(5));
      set.proven = false;
      set.removal_begun = dice.one_in(2);
      if (set.state == State::foreign) set.name = "foreign-" + std::to_string(i), set.parts = {};
    }
    if (names.insert(set.name).second) sets.push_back(std::move(set));
    start -= dice.one_in(5) ? kSteps[dice.roll(std::size(kSteps))] : step;
    if (dice.one_in(200)) start = Seconds(0s);
  }
  std::ranges::shuffle(sets, dice.engine);
  return sets;
}

Policy random_policy(Dice& dice) {
  auto number = [&] { return static_cast<unsigned>(dice.one_in(2) ? 0 : dice.roll(8)); };
  Policy policy{.keep_last = number(),
                .keep_within = std::chrono::hours(dice.one_in(2) ? 0 : dice.roll(2000)),
                .keep_hourly = number(),
                .keep_daily = number(),
                .keep_weekly = number(),
                .keep_monthly = number(),
                .keep_yearly = number(),
                .max_size_bytes = dice.one_in(2) ? 0 : dice.roll(5000)};
  if (dice.one_in(50)) policy.keep_within = std::chrono::seconds::max();
  if (dice.one_in(50)) policy.keep_last = std::numeric_limits<unsigned>::max();
  return policy;
}

Occasion random_occasion(Dice& dice, const Sets& sets) {
  Occasion occasion{.mode = Mode::prune, .now = kNow, .stream = kStream, .just_made = {}};
  if (dice.one_in(2)) return occasion;
  occasion.mode = Mode::run;
  if (sets.empty() || dice.one_in(10))
    occasion.just_made = "prod_2026-11-21T120001Z_m9";
  else
    occasion.just_made = sets[dice.roll(sets.size())].name;
  return occasion;
}

struct Decided {
  std::vector<const SetInfo*> kept, removed;
};

Decided apply(const Sets& sets, const Policy& policy, const Occasion& occasion) {
  std::map<std::string_view, const SetInfo*> by_name;
  for (const auto& set : sets) by_name[set.name] = &set;
  Decided decided;
  for (const auto& verdict : decide(sets, policy, occasion)) {
    EXPECT_FALSE(verdict.reason.empty()) << verdict.set;
    auto found = by_name.find(verdict.set);
    if (found == by_name.end()) {
      ADD_FAILURE() << "unknown or repeated: " << verdict.set;
      continue;
    }
    (verdict.keep ? decided.kept : decided.removed).push_back(found->second);
    by_name.erase(found);
  }
  EXPECT_TRUE(by_name.empty()) << "a set without a verdict";
  return decided;
}

bool in_future(const SetInfo& set) { return set.parts.start > kNow + kFutureTolerance; }

// Proven (or unproven) sets of the stream that rules count, newest first.
std::vector<const SetInfo*> counted(const std::vector<const SetInfo*>& sets, bool proven) {
  std::vector<const SetInfo*> result;
  for (const auto* set : sets) {
    if (set->state == State::good && set->stream() == kStream && set->proven == proven &&
        !in_future(*set)) {
      result.push_back(set);
    }
  }
  std::ranges::sort(result, [](auto* a, auto* b) { return newer_first(*a, *b); });
  return result;
}

std::vector<const SetInfo*> pointers(const Sets& sets) {
  std::vector<const SetInfo*> result;
  for (const auto& set : sets) result.push_back(&set);
  return result;
}

Sets copies(const std::vector<const SetInfo*>& sets) {
  Sets result;
  for (const auto* set : sets) result.push_back(*set);
  return result;
}

std::set<std::string> names(const std::vector<const SetInfo*>& sets) {
  std::set<std::string> result;
  for (const auto* set : sets) result.insert(set->name);
  return result;
}

// Calls `check` with `count` seeds and stops at the first that fails.
template <class Check>
void for_histories(int count, Check check) {
  auto seed = first_seed();
  for (int i = 0; i < count; ++i) {
    Dice dice{std::mt19937_64(seed + static_cast<uint64_t>(i))};
    auto sets = random_place(dice);
    auto policy = random_policy(dice);
    auto occasion = random_occasion(dice, sets);
    check(sets, policy, occasion, dice);
    if (testing::Test::HasFailure()) {
      FAIL() << "repeat with SNAP_TEST_SEED=" << seed + static_cast<uint64_t>(i);
    }
  }
}

TEST(DecideProperty, WhatMustSurviveSurvives) {
  uint64_t removals = 0;
  for_histories(
      kHistories, [&](const Sets& sets, const Policy& policy, const Occasion& occasion, Dice&) {
        auto [kept, removed] = apply(sets, policy, occasion);
        removals += removed.size();
        auto before = pointers(sets);
        auto proven = counted(before, true);
        auto proven_after = counted(kept, true);
        auto least = std::max<size_t>(proven.empty() ? 0 : 1,
                                      std::min<size_t>(policy.keep_last, proven.size()));
        ASSERT_GE(proven_after.size(), least);
        for (size_t i = 0; i < least; ++i) ASSERT_EQ(proven_after[i], proven[i]);
        auto unproven = counted(before, false);
        for (const auto* set : removed) {
          ASSERT_FALSE(set->pinned) << set->name;
          ASSERT_NE(set->name, occasion.just_made);
          if (set->state == State::remains) {
            ASSERT_TRUE(set->removal_begun);
            continue;
          }
          ASSERT_EQ(set->state, State::good);
          ASSERT_EQ(set->stream(), kStream);
          ASSERT_FALSE(in_future(*set));
          if (!set->proven) {
            ASSERT_GE(std::ranges::find(unproven, set) - unproven.begin(), policy.keep_last);
          }
        }
        // A stream is never emptied.
        bool had_any = std::ranges::any_of(
            before, [](auto* s) { return s->state == State::good && s->stream() == kStream; });
        bool has_any = std::ranges::any_of(
            kept, [](auto* s) { return s->state == State::good && s->stream() == kStream; });
        ASSERT_EQ(had_any, has_any);
      });
  EXPECT_GT(removals, static_cast<uint64_t>(kHistories)) << "the histories test too little";
}

TEST(DecideProperty, ARunRemovesOnlyWhereItAdded) {
  for_histories(kHistories / 10, [](const Sets& sets, const Policy& policy, Occasion occasion,
                                    Dice&) {
    occasion.mode = Mode::run;
    auto made = std::ranges::find_if(sets, [&](const SetInfo& set) {
      return set.name == occasion.just_made && set.state == State::good && set.stream() == kStream;
    });
    for (const auto* set : apply(sets, policy, occasion).removed) {
      ASSERT_NE(made, sets.end()) << set->name;
      ASSERT_TRUE(made->proven || !set->proven) << set->name;
    }
  });
}

TEST(DecideProperty, DecidingAgainRemovesNothingMore) {
  for_histories(kHistories / 10,
                [](const Sets& sets, const Policy& policy, const Occasion& occasion, Dice&) {
                  auto left = copies(apply(sets, policy, occasion).kept);
                  ASSERT_TRUE(apply(left, policy, occasion).removed.empty());
                });
}

// What is not counted changes nothing: other streams, things that are no sets, the future, and,
// for proven sets, unproven ones.
TEST(DecideProperty, WhatDoesNotCountPushesNothingOut) {
  for_histories(kHistories / 10,
                [](const Sets& sets, const Policy& policy, Occasion occasion, Dice&) {
                  occasion.mode = Mode::prune;
                  occasion.just_made.clear();
                  auto removed_proven = [&](const Sets& some) {
                    auto decided = apply(some, policy, occasion);
                    std::erase_if(decided.removed, [](auto* set) { return !set->proven; });
                    return names(decided.removed);
                  };
                  auto all = pointers(sets);
                  ASSERT_EQ(removed_proven(copies(counted(all, true))), removed_proven(sets));
                });
}

TEST(DecideProperty, AStrongerPolicyRemovesNothingMore) {
  for_histories(kHistories / 10, [](const Sets& sets, Policy policy, const Occasion& occasion,
                                    Dice& dice) {
    // With a size limit, one rule's set may take the room of another's: only keep_last and the
    // limit itself are ordered then.
    auto stronger = policy;
    if (policy.max_size_bytes > 0 && dice.one_in(2)) {
      stronger.max_size_bytes = dice.one_in(2) ? 0 : policy.max_size_bytes + dice.roll(3000);
    } else {
      policy.max_size_bytes = stronger.max_size_bytes = 0;
      unsigned* counts[] = {&stronger.keep_last,   &stronger.keep_hourly,  &stronger.keep_daily,
                            &stronger.keep_weekly, &stronger.keep_monthly, &stronger.keep_yearly};
      auto& one = *counts[dice.roll(std::size(counts))];
      if (one < 1000) ++one;
      if (dice.one_in(2) && policy.keep_within < 9000h)
        stronger.keep_within += std::chrono::hours(dice.roll(500));
    }
    auto weak = names(apply(sets, policy, occasion).removed);
    auto strong = names(apply(sets, stronger, occasion).removed);
    ASSERT_TRUE(std::ranges::includes(weak, strong));
  });
}

// remove and retention speak with one voice: what remove refuses even with force is never pruned,
// and what is pruned may be removed without it.
TEST(RemovalProperty, AgreesWithRetention) {
  for_histories(kHistories / 10,
                [](const Sets& sets, const Policy& policy, Occasion occasion, Dice&) {
                  occasion.mode = Mode::prune;
                  occasion.just_made.clear();
                  auto decided = apply(sets, policy, occasion);
                  for (const auto* set : decided.removed) {
                    auto checked = check_removal(sets, set->name, policy, kNow, false);
                    ASSERT_TRUE(checked) << describe(checked.error());
                  }
                  auto proven = counted(pointers(sets), true);
                  if (proven.empty()) return;
                  ASSERT_FALSE(check_removal(sets, proven[0]->name, policy, kNow, true));
                });
}

// F-P10. Two nodes prune one place: each sees a state that the other has already changed.
TEST(DecideProperty, TwoPrunersTogetherKeepWhatMustSurvive) {
  for_histories(kHistories / 10,
                [](const Sets& sets, const Policy& policy, Occasion occasion, Dice& dice) {
                  occasion.mode = Mode::prune;
                  occasion.just_made.clear();
                  auto first = apply(sets, policy, occasion);
                  // The second lists while the first removes: it sees some of what goes.
                  auto seen = copies(first.kept);
                  for (const auto* set : first.removed) {
                    if (dice.one_in(2)) seen.push_back(*set);
                  }
                  auto second = names(apply(seen, policy, occasion).removed);
                  for (const auto* set : first.kept)
                    ASSERT_FALSE(second.contains(set->name)) << set->name;
                });
}

TEST(Decide, TakesTenThousandSets) {
  Sets sets;
  for (int i = 0; i < 10'000; ++i) sets.push_back(old(std::chrono::minutes(i)));
  auto decided = apply(sets, {.keep_last = 5, .keep_within = 48h, .keep_daily = 7},
                       {.mode = Mode::prune, .now = kNow, .stream = kStream, .just_made = {}});
  // Two days hold 2881 sets, both ends included; five more days (of 7) have one each.
  EXPECT_EQ(decided.kept.size(), 2881u + 4u);
}

}  // namespace
}  // namespace snap::retain
