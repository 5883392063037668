#include <gtest/gtest.h>

#include "retain/make_sets.h"
#include "retain/retain.h"

namespace snap::retain {
namespace {

using sets::State;
using Sets = std::vector<sets::SetInfo>;

constexpr bool kForce = true;

// What the check says: "" when the set may go.
std::string refusal(const Sets& sets, size_t of, const Policy& policy, bool force = false) {
  auto checked = check_removal(sets, sets[of].name, policy, kNow, force);
  if (checked) return "";
  EXPECT_EQ(checked.error().code, Code::invalid);
  EXPECT_FALSE(checked.error().hint.empty());
  EXPECT_TRUE(checked.error().message.starts_with("remove ")) << checked.error().message;
  return checked.error().message;
}

TEST(Removal, OfAnOldSetIsAllowedAlthoughARuleKeepsIt) {
  Sets sets = {old(3h), old(1h), old(0s)};
  EXPECT_EQ(refusal(sets, 0, {.keep_last = 2, .keep_within = 900h, .keep_daily = 9}), "");
}

TEST(Removal, OfTheNewestProvenSetIsRefusedEvenWithForce) {
  Sets sets = {old(3h), old(1h), old(0s, {.proven = false})};
  for (unsigned keep_last : {0u, 5u}) {
    EXPECT_NE(refusal(sets, 1, {.keep_last = keep_last}, kForce).find("newest proven set"),
              std::string::npos);
  }
}

TEST(Removal, OfAPinnedSetIsRefusedEvenWithForce) {
  Sets sets = {old(900h, {.pinned = true}), old(0s)};
  EXPECT_NE(refusal(sets, 0, nothing(), kForce).find("pinned"), std::string::npos);
  sets[0].proven = false;
  EXPECT_NE(refusal(sets, 0, nothing(), kForce).find("pinned"), std::string::npos);
  sets[0].state = State::remains;
  EXPECT_NE(refusal(sets, 0, nothing(), kForce).find("pinned"), std::string::npos);
}

TEST(Removal, OfTheKeepLastNewestNeedsForce) {
  Sets sets = {old(4h), old(3h), old(2h), old(1h, {.proven = false}), old(0s)};
  Policy policy{.keep_last = 3};
  EXPECT_EQ(refusal(sets, 0, policy), "");
  EXPECT_NE(refusal(sets, 1, policy).find("among the 3 newest"), std::string::npos);
  EXPECT_EQ(refusal(sets, 1, policy, kForce), "");
  EXPECT_NE(refusal(sets, 3, policy), "");
  EXPECT_EQ(refusal(sets, 3, policy, kForce), "");
}

TEST(Removal, OfASetDatedInTheFutureIsAllowedWhileAnotherIsProven) {
  EXPECT_EQ(refusal({old(1h), old(-900h)}, 1, {}), "");
  EXPECT_NE(refusal({old(1h), old(-900h)}, 0, {}, kForce), "");
  EXPECT_NE(refusal({old(-900h)}, 0, {}, kForce), "");
}

TEST(Removal, LooksAtTheStreamOfTheSetOnly) {
  Sets sets = {old(9h, {.cluster = "test"}), old(1h), old(0s)};
  EXPECT_NE(refusal(sets, 0, nothing(), kForce), "");
  EXPECT_EQ(refusal(sets, 1, nothing()), "");
}

TEST(Removal, OfRemainsIsAllowed) {
  Sets sets = {old(3h), old(1h)};
  sets[0].state = State::remains;
  EXPECT_EQ(refusal(sets, 0, {}), "");
}

TEST(Removal, OfWhatIsNotKnownToBeASetIsRefused) {
  for (auto state : {State::damaged, State::newer, State::incoming}) {
    Sets sets = {old(3h), old(1h)};
    sets[0].state = state;
    sets[0].problem = "manifest: schema is not 1";
    EXPECT_NE(refusal(sets, 0, {}, kForce), "");
  }
}

// F-P11
TEST(Removal, OfANameThatIsNoneIsRefused) {
  Sets sets = {old(1h)};
  for (auto name : {"", "/", "../x", "/etc", "prod_2026-11-21T110000Z_m0/", "lost+found"}) {
    auto checked = check_removal(sets, name, {}, kNow, kForce);
    ASSERT_FALSE(checked) << name;
    EXPECT_EQ(checked.error().code, Code::invalid) << name;
  }
  auto checked = check_removal(sets, "prod_2026-11-20T110000Z_m0", {}, kNow, kForce);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, Code::not_found);
}

}  // namespace
}  // namespace snap::retain
