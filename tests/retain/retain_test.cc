#include "retain/retain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>

#include "retain/make_sets.h"

namespace snap::retain {
namespace {

using sets::SetInfo;
using sets::State;
using Sets = std::vector<SetInfo>;

// Indexes into the case's sets of those that are removed, in the order of the sets.
std::vector<size_t> removed(const Sets& sets, const Policy& policy, const Occasion& occasion) {
  auto verdicts = decide(sets, policy, occasion);
  EXPECT_EQ(verdicts.size(), sets.size());
  std::map<std::string, bool> keep;
  for (const auto& verdict : verdicts) {
    EXPECT_FALSE(verdict.reason.empty()) << verdict.set;
    keep[verdict.set] = verdict.keep;
  }
  std::vector<size_t> result;
  for (size_t i = 0; i < sets.size(); ++i) {
    if (!keep.at(sets[i].name)) result.push_back(i);
  }
  return result;
}

Occasion prune() { return {.mode = Mode::prune, .now = kNow, .stream = kStream, .just_made = {}}; }
Occasion run(const SetInfo& made) {
  return {.mode = Mode::run, .now = kNow, .stream = kStream, .just_made = made.name};
}
std::string reason(const Sets& sets, size_t of, const Policy& policy,
                   const Occasion& occasion = prune()) {
  auto verdicts = decide(sets, policy, occasion);
  return std::ranges::find(verdicts, sets[of].name, &Verdict::set)->reason;
}

using Indexes = std::vector<size_t>;
struct Case {
  std::string name;
  Sets sets;
  Policy policy;
  Indexes removed;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class DecideTable : public testing::TestWithParam<Case> {};
TEST_P(DecideTable, Removes) {
  const auto& c = GetParam();
  EXPECT_EQ(removed(c.sets, c.policy, prune()), c.removed);
  auto reversed = c.sets;
  std::ranges::reverse(reversed);
  EXPECT_EQ(removed(reversed, c.policy, prune()).size(), c.removed.size());
}

Policy with(void (*change)(Policy&)) {
  auto policy = nothing();
  change(policy);
  return policy;
}
constexpr Wish kUnproven{.proven = false};
constexpr std::chrono::seconds kDay = 24h;

INSTANTIATE_TEST_SUITE_P(
    Rules, DecideTable,
    testing::Values(
        Case{"no_set", {}, nothing(), {}},
        Case{"newest_stays_without_any_rule", {old(9000h)}, nothing(), {}},
        Case{"all_but_newest_without_any_rule", {old(3h), old(2h), old(1h)}, nothing(), {0, 1}},
        Case{"default_keeps_five_days",
             {old(5 * kDay + 1s), old(5 * kDay), old(4h), old(3h), old(2h), old(1h), old(0s)},
             {},
             {0}},
        Case{"default_keeps_five_however_old",
             {old(60 * kDay), old(50 * kDay), old(40 * kDay), old(30 * kDay), old(20 * kDay),
              old(10 * kDay)},
             {},
             {0}},
        Case{"last", {old(3h), old(2h), old(1h)}, with([](Policy& p) { p.keep_last = 2; }), {0}},
        Case{"last_of_more_than_there_are",
             {old(3h), old(2h)},
             with([](Policy& p) { p.keep_last = 4'000'000'000; }),
             {}},
        Case{"same_start_on_two_nodes_counts_as_two",
             {old(2h), old(1h, {.node = "m1"}), old(1h, {.node = "m0"})},
             with([](Policy& p) { p.keep_last = 2; }),
             {0}},
        Case{"pinned_stays", {old(900h, {.pinned = true}), old(800h), old(1h)}, nothing(), {1}},
        Case{"unproven_never_displaces",
             {old(5h), old(4h), old(3h, kUnproven), old(2h, kUnproven), old(1h, kUnproven)},
             with([](Policy& p) { p.keep_last = 2; }),
             {2}},
        Case{"unproven_by_keep_last_only",
             {old(2h), old(1h, kUnproven), old(0h, kUnproven)},
             with([](Policy& p) { p.keep_within = 900h; }),
             {1, 2}},
        Case{"newest_unproven_stays_where_none_is_proven",
             {old(3h, kUnproven), old(2h, kUnproven), old(1h, kUnproven)},
             nothing(),
             {0, 1}},
        Case{"pinned_unproven_stays",
             {old(2h, {.proven = false, .pinned = true}), old(1h)},
             nothing(),
             {}},
        Case{"within_includes_its_edge",
             {old(2h + 1s), old(2h), old(0s)},
             with([](Policy& p) { p.keep_within = 2h; }),
             {0}},
        Case{"within_overflow",
             {old(20'000 * kDay), old(0s)},
             with([](Policy& p) { p.keep_within = std::chrono::seconds::max(); }),
             {}},
        Case{"within_negative",
             {old(2h), old(1h)},
             with([](Policy& p) { p.keep_within = std::chrono::seconds::min(); }),
             {0}},
        Case{"future_pushes_nothing_out",
             {old(2h), old(1h), old(-kDay), old(-30'000 * kDay)},
             nothing(),
             {0}},
        Case{"near_future_counts", {old(1h), old(-5min)}, nothing(), {0}},
        Case{"just_too_far_in_the_future", {old(1h), old(-(5min + 1s))}, nothing(), {}},
        Case{"only_future_sets", {old(-2h), old(-3h)}, nothing(), {}},
        Case{"future_unproven_stays", {old(1h), old(-1h, kUnproven)}, nothing(), {}},
        Case{"year_1970",
             {made_at(Seconds(0s)), made_at(Seconds(1s)), old(1h)},
             with([](Policy& p) { p.keep_yearly = 2; }),
             {0}}),
    [](const auto& test) { return test.param.name; });

Seconds at(int year, unsigned month, unsigned day, std::chrono::seconds time = 0s) {
  return std::chrono::sys_days(std::chrono::year(year) / static_cast<int>(month) /
                               static_cast<int>(day)) +
         time;
}

INSTANTIATE_TEST_SUITE_P(
    Calendar, DecideTable,
    testing::Values(
        Case{"hourly_newest_of_each_hour",
             {made_at(at(2026, 11, 21, 8h)), made_at(at(2026, 11, 21, 8h + 59min + 59s)),
              made_at(at(2026, 11, 21, 9h)), made_at(at(2026, 11, 21, 9h + 1s))},
             with([](Policy& p) { p.keep_hourly = 2; }),
             {0, 2}},
        Case{"hours_without_a_set_do_not_count",
             {made_at(at(2026, 11, 1)), made_at(at(2026, 11, 10)), made_at(at(2026, 11, 20))},
             with([](Policy& p) { p.keep_hourly = 2; }),
             {0}},
        Case{"daily_ends_at_midnight_utc",
             {made_at(at(2026, 11, 19, 23h)), made_at(at(2026, 11, 19, 24h - 1s)),
              made_at(at(2026, 11, 20)), made_at(at(2026, 11, 20, 1h))},
             with([](Policy& p) { p.keep_daily = 2; }),
             {0, 2}},
        Case{"weekly_begins_on_monday",  // 2026-11-16 is one
             {made_at(at(2026, 11, 14)), made_at(at(2026, 11, 15)), made_at(at(2026, 11, 16)),
              made_at(at(2026, 11, 20))},
             with([](Policy& p) { p.keep_weekly = 2; }),
             {0, 2}},
        Case{"weekly_over_new_year",  // 2025-12-29 to 2026-01-04 is one week
             {made_at(at(2025, 12, 28)), made_at(at(2025, 12, 29)), made_at(at(2026, 1, 4)),
              made_at(at(2026, 1, 5))},
             with([](Policy& p) { p.keep_weekly = 3; }),
             {1}},
        Case{"monthly",
             {made_at(at(2026, 9, 30)), made_at(at(2026, 10, 1)), made_at(at(2026, 10, 31)),
              made_at(at(2026, 11, 1))},
             with([](Policy& p) { p.keep_monthly = 2; }),
             {0, 1}},
        Case{"same_month_of_two_years",
             {made_at(at(2025, 11, 5)), made_at(at(2026, 11, 5))},
             with([](Policy& p) { p.keep_monthly = 2; }),
             {}},
        Case{"yearly",
             {made_at(at(2024, 1, 1)), made_at(at(2024, 12, 31, 24h - 1s)), made_at(at(2025, 1, 1)),
              made_at(at(2026, 1, 1))},
             with([](Policy& p) { p.keep_yearly = 3; }),
             {0}},
        Case{"rules_add_up",
             {made_at(at(2025, 5, 1)), made_at(at(2026, 10, 31)), made_at(at(2026, 11, 19)),
              made_at(at(2026, 11, 20)), made_at(at(2026, 11, 21))},
             with([](Policy& p) { p.keep_daily = 2, p.keep_monthly = 2, p.keep_yearly = 1; }),
             {0, 2}},
        Case{"unproven_fill_no_day",
             {made_at(at(2026, 11, 20, 1h)), made_at(at(2026, 11, 20, 2h), kUnproven),
              made_at(at(2026, 11, 21))},
             with([](Policy& p) { p.keep_daily = 2; }),
             {1}}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Size, DecideTable,
    testing::Values(Case{"takes_the_oldest_first",
                         {old(4h), old(3h), old(2h), old(1h)},
                         with([](Policy& p) { p.keep_within = 9h, p.max_size_bytes = 200; }),
                         {0, 1}},
                    Case{"fits_exactly",
                         {old(2h), old(1h)},
                         with([](Policy& p) { p.keep_within = 9h, p.max_size_bytes = 200; }),
                         {}},
                    Case{"one_byte_short",
                         {old(2h), old(1h)},
                         with([](Policy& p) { p.keep_within = 9h, p.max_size_bytes = 199; }),
                         {0}},
                    Case{"below_the_newest",
                         {old(2h), old(1h)},
                         with([](Policy& p) { p.keep_within = 9h, p.max_size_bytes = 1; }),
                         {0}},
                    Case{"weaker_than_keep_last",
                         {old(4h), old(3h), old(2h), old(1h)},
                         with([](Policy& p) {
                           p.keep_last = 3, p.keep_within = 9h, p.max_size_bytes = 1;
                         }),
                         {0}},
                    Case{"weaker_than_pins",
                         {old(4h, {.pinned = true}), old(3h), old(1h)},
                         with([](Policy& p) { p.keep_within = 9h, p.max_size_bytes = 200; }),
                         {1}},
                    Case{"never_skips_to_an_older_small_one",
                         {old(4h, {.size_bytes = 1}), old(3h, {.size_bytes = 500}), old(1h)},
                         with([](Policy& p) { p.keep_within = 9h, p.max_size_bytes = 200; }),
                         {0, 1}},
                    Case{"unproven_and_future_do_not_count",
                         {old(4h), old(3h, {.proven = false, .pinned = true, .size_bytes = 900}),
                          old(-9h, {.size_bytes = 900}), old(1h)},
                         with([](Policy& p) { p.keep_within = 9h, p.max_size_bytes = 200; }),
                         {}},
                    Case{"sizes_that_overflow",
                         {old(3h, {.size_bytes = std::numeric_limits<uint64_t>::max()}),
                          old(2h, {.size_bytes = std::numeric_limits<uint64_t>::max()}), old(1h)},
                         with([](Policy& p) { p.keep_within = 9h, p.max_size_bytes = 1000; }),
                         {0, 1}}),
    [](const auto& test) { return test.param.name; });

TEST(Decide, SaysWhy) {
  Policy policy{.keep_last = 1, .keep_within = 5h, .keep_daily = 2};
  Sets sets = {old(0s),
               old(1h, {.pinned = true}),
               old(2h),
               made_at(at(2026, 11, 20, 7h)),
               made_at(at(2026, 11, 20, 6h)),
               old(-2h),
               old(1h, {.proven = false, .node = "u1"}),
               old(2h, {.proven = false, .node = "u2"})};
  EXPECT_EQ(reason(sets, 0, policy), "newest proven set");
  EXPECT_EQ(reason(sets, 1, policy), "pinned");
  EXPECT_EQ(reason(sets, 2, policy), "within 5h");
  EXPECT_EQ(reason(sets, 3, policy), "daily 2026-11-20");
  EXPECT_EQ(reason(sets, 4, policy), "older than 5h, no rule keeps it");
  EXPECT_EQ(reason(sets, 5, policy), "dated in the future");
  EXPECT_EQ(reason(sets, 6, policy), "not proven, among the 1 newest of those");
  EXPECT_EQ(reason(sets, 7, policy), "not proven, and not among the 1 newest of those");
  policy.keep_last = 2;
  EXPECT_EQ(reason(sets, 2, policy), "within 5h");  // the pinned one counts
  policy.keep_last = 3;
  EXPECT_EQ(reason(sets, 2, policy), "among the 3 newest");
  EXPECT_EQ(reason({old(2h), old(1h)}, 0, nothing()), "no rule keeps it");
  Policy small{.keep_last = 1, .max_size_bytes = 100};
  EXPECT_EQ(reason({old(2h), old(1h)}, 0, small), "beyond maxSize 100 B, oldest first");
  auto label = [&](auto change) {
    auto rules = nothing();
    change(rules);
    return reason({made_at(at(2026, 1, 1, 7h)), old(1h)}, 0, rules);
  };
  EXPECT_EQ(label([](Policy& p) { p.keep_hourly = 2; }), "hourly 2026-01-01T07");
  EXPECT_EQ(label([](Policy& p) { p.keep_weekly = 2; }), "weekly 2026-W01");
  EXPECT_EQ(label([](Policy& p) { p.keep_monthly = 2; }), "monthly 2026-01");
}

TEST(Decide, GivesVerdictsNewestFirst) {
  auto verdicts = decide(Sets{old(3h), old(1h), old(2h)}, {}, prune());
  ASSERT_EQ(verdicts.size(), 3u);
  EXPECT_GT(verdicts[0].set, verdicts[1].set);
  EXPECT_GT(verdicts[1].set, verdicts[2].set);
}

TEST(Decide, ReportsWhatIsDatedInTheFuture) {
  auto verdicts = decide(Sets{old(-2h), old(1h), old(-3h, {.pinned = true})}, {}, prune());
  EXPECT_TRUE(verdicts[0].notice);
  EXPECT_TRUE(verdicts[1].notice);
  EXPECT_FALSE(verdicts[2].notice);
}

// F-P05: the clock was set back, so this run's set looks older than all others.
TEST(Decide, NeverRemovesTheSetThatWasJustMade) {
  for (bool proven : {true, false}) {
    auto made = old(9000h, {.proven = proven});
    Sets sets = {made, old(2h), old(1h), old(0s)};
    EXPECT_EQ(reason(sets, 0, nothing(), run(made)), "made by this run");
    EXPECT_EQ(removed(sets, nothing(), run(made)), proven ? Indexes({1, 2}) : Indexes());
  }
}

TEST(Decide, AfterARunRemovesProvenSetsOnlyWhereAProvenOneWasAdded) {
  auto made = old(0s, kUnproven);
  Sets sets = {old(9h), old(8h), old(7h, kUnproven), made};
  EXPECT_EQ(removed(sets, nothing(), run(made)), Indexes({2}));
  EXPECT_EQ(reason(sets, 0, nothing(), run(made)), "this run added no proven set here");
}

// F-P03: a listing that misses the set just written is not the place we think it is.
TEST(Decide, AfterARunRemovesNothingWhereItAddedNothing) {
  Sets sets = {old(9h), old(8h), old(7h, kUnproven), old(6h, kUnproven)};
  EXPECT_EQ(removed(sets, nothing(), run(old(0s))), Indexes());
  EXPECT_EQ(reason(sets, 0, nothing(), run(old(0s))), "this run added nothing here");
  auto nameless = run(old(0s));
  nameless.just_made.clear();
  EXPECT_EQ(removed(sets, nothing(), nameless), Indexes());
}

TEST(Decide, LeavesOtherStreamsAlone) {
  Sets sets = {old(9h, {.cluster = "test"}),
               old(8h, {.cluster = "test"}),
               old(7h, {.node = "restored", .cluster_id = 0xc2}),
               old(6h, {.node = "restored", .cluster_id = 0xc2}),
               old(5h),
               old(4h)};
  EXPECT_EQ(removed(sets, nothing(), prune()), Indexes({4}));
  EXPECT_EQ(reason(sets, 0, nothing()), "belongs to cluster test");
  EXPECT_EQ(reason(sets, 2, nothing()), "belongs to another etcd cluster, id c2");
}

SetInfo odd(State state, std::chrono::seconds age) {
  auto set = old(age, {.proven = false});
  set.state = state;
  set.problem = "odd";
  if (state == State::foreign) set.name = "lost+found", set.parts = {};
  return set;
}

TEST(Decide, KeepsWhatIsNoGoodSetAndCountsItNowhere) {
  Sets sets = {odd(State::damaged, 1h),
               odd(State::newer, 2h),
               odd(State::remains, 3h),
               odd(State::incoming, 4h),
               odd(State::foreign, 5h),
               old(6h),
               old(7h)};
  EXPECT_EQ(removed(sets, nothing(), prune()), Indexes({6}));
  int notices = 0;
  for (const auto& verdict : decide(sets, nothing(), prune())) notices += verdict.notice;
  EXPECT_EQ(notices, 3);
  EXPECT_EQ(reason(sets, 0, nothing()), "odd");
  EXPECT_EQ(reason(sets, 4, nothing()), "not a backup set");
}

TEST(Decide, FinishesARemovalThatWasInterrupted) {
  auto rest = odd(State::remains, 3h);
  rest.removal_begun = true;
  auto made = old(0s);
  EXPECT_EQ(removed({rest, made}, {}, prune()), Indexes({0}));
  EXPECT_EQ(removed({rest, made}, {}, run(made)), Indexes({0}));
  EXPECT_EQ(reason({rest, made}, 0, {}), "its removal was interrupted");
  EXPECT_EQ(removed({rest}, {}, run(made)), Indexes()) << "this run added nothing here";
  auto pinned = rest;
  pinned.pinned = true;
  EXPECT_EQ(removed({pinned, made}, {}, prune()), Indexes());
  auto of_other_cluster = rest;
  of_other_cluster.parts.cluster = "test";
  EXPECT_EQ(removed({of_other_cluster, made}, {}, prune()), Indexes());
}

TEST(CurrentStream, IsThatOfTheNewestProvenSet) {
  EXPECT_EQ(current_stream(Sets{}, "prod", kNow), std::nullopt);
  EXPECT_EQ(current_stream(Sets{old(1h, {.cluster = "test"})}, "prod", kNow), std::nullopt);
  Wish restored{.cluster_id = 0xc2};
  EXPECT_EQ(current_stream(Sets{old(2h), old(1h, restored)}, "prod", kNow),
            (sets::Stream{"prod", 0xc2}));
  EXPECT_EQ(current_stream(Sets{old(2h), old(3h, restored)}, "prod", kNow), kStream);
  restored.proven = false;
  EXPECT_EQ(current_stream(Sets{old(2h), old(1h, restored)}, "prod", kNow), kStream);
  EXPECT_EQ(current_stream(Sets{old(2h, kUnproven), old(1h, restored)}, "prod", kNow),
            (sets::Stream{"prod", 0xc2}));
  restored.proven = true;
  EXPECT_EQ(current_stream(Sets{old(2h), old(-100h, restored)}, "prod", kNow), kStream);
}

}  // namespace
}  // namespace snap::retain
