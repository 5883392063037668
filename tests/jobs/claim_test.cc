#include "jobs/claim.h"

#include <gmock/gmock.h>

#include "jobs/make_set.h"

namespace snap::jobs {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Claim : public testing::Test {
 protected:
  Result<Claimed> claim() { return claim_free(*place, name, lock); }

  test::TempDir dir;
  std::unique_ptr<dest::Destination> place = open_place(dir.path());
  RunLock lock = RunLock::acquire(dir.path(), "prod-east", test::kSampleStart).value();
  const sets::SetName name = sets::SetName::parse(kSet).value();
};

TEST_F(Claim, GivesTheNameThatIsFree) {
  auto claimed = claim().value();
  EXPECT_EQ(claimed.name, name);
  EXPECT_TRUE(fs::exists(dir.path(".incoming-" + kSet)));
}

TEST_F(Claim, GivesALaterStartBesideASet) {  // F-L11, F-L12
  make_set(dir.path());
  make_set(dir.path(), {.start = test::kSampleStart + 1s});
  EXPECT_EQ(claim().value().name.start, name.start + 2s);
}

TEST_F(Claim, GivesNoNameOfASetThatIsGone) {  // F-L12
  ASSERT_TRUE(lock.remember(name.start));
  EXPECT_EQ(claim().value().name.start, name.start + 1s);
}

TEST_F(Claim, EvadesNothingThatIsNoSet) {  // F-L11
  fs::create_directory(dir.path(kSet));
  write_text(dir.path(kSet + "/notes"), "somebody's");
  auto refused = claim();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::exists);
  EXPECT_THAT(refused.error().message, HasSubstr(kSet));
}

TEST_F(Claim, EndsWhenTheClockDoesNotMove) {
  for (int i = 0; i < 120; ++i) ASSERT_TRUE(lock.remember(name.start + std::chrono::seconds(i)));
  auto refused = claim();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::exists);
  EXPECT_EQ(refused.error().hint, "look at the clock");
}

struct Given {
  std::string name, text;
  Code code;
  std::string message;
};

void PrintTo(const Given& c, std::ostream* out) { *out << c.name; }

class GivenTable : public testing::TestWithParam<Given> {};

TEST_P(GivenTable, IsRefused) {
  test::TempDir dir;
  auto place = open_place(dir.path());
  make_set(dir.path());
  auto before = dir.names();
  auto claimed = claim_given(*place, GetParam().text, "prod-east");
  ASSERT_FALSE(claimed);
  EXPECT_EQ(claimed.error().code, GetParam().code);
  EXPECT_THAT(claimed.error().message, HasSubstr(GetParam().message));
  EXPECT_EQ(dir.names(), before);
}

INSTANTIATE_TEST_SUITE_P(
    Names, GivenTable,
    testing::Values(Given{"no_name", "monday", Code::invalid, "monday"},
                    Given{"path", "../prod-east_2026-11-21T013000Z_m", Code::invalid, ".."},
                    Given{"other_cluster", "prod-west_2026-11-21T013000Z_master-0", Code::invalid,
                          "is not of cluster prod-east"},
                    Given{"taken", kSet, Code::exists, kSet}),
    [](const auto& test) { return test.param.name; });

TEST(GivenName, IsTakenAsItIs) {
  test::TempDir dir;
  auto place = open_place(dir.path());
  EXPECT_EQ(claim_given(*place, kSet, "prod-east").value().name.text(), kSet);
}

}  // namespace
}  // namespace snap::jobs
