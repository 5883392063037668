#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace snap {
namespace {

Result<std::unique_ptr<int>> number(bool good) {
  if (!good) return fail(Code::not_found, "no number", "bring one");
  return std::make_unique<int>(7);
}

Result<int> plus_one(bool good) {
  auto n = TRY(number(good).context("add"));
  return *n + 1;
}

TEST(Result, TryYieldsTheValueOfASuccess) { EXPECT_EQ(*plus_one(true), 8); }

TEST(Result, TryReturnsTheErrorWithItsContext) {
  auto result = plus_one(false);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::not_found);
  EXPECT_EQ(result.error().message, "add: no number");
  EXPECT_EQ(describe(result.error()), "add: no number (bring one)");
}

TEST(Result, OnlyUnavailableAndTimeoutMayBeTriedAgain) {
  EXPECT_TRUE((Error{Code::unavailable, "", ""}).retryable());
  EXPECT_TRUE((Error{Code::timeout, "", ""}).retryable());
  EXPECT_FALSE((Error{Code::denied, "", ""}).retryable());
  EXPECT_FALSE((Error{Code::corrupt, "", ""}).retryable());
}

}  // namespace
}  // namespace snap
