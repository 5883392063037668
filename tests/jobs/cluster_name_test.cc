#include "jobs/cluster_name.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "jobs/make_set.h"

namespace snap::jobs {
namespace {

using testing::HasSubstr;

TEST(ClusterName, IsTheBeginningOfTheIdAsEtcdPrintsIt) {
  EXPECT_EQ(name_of_cluster(0xcdf818194e3a8c32), "cluster-cdf81819");
  EXPECT_EQ(name_of_cluster(0x0df818194e3a8c32), "cluster-df818194");
  EXPECT_EQ(name_of_cluster(0xc1), "cluster-c1");
  EXPECT_TRUE(sets::check_cluster_name(name_of_cluster(0)));
}

class ClusterIn : public testing::Test {
 protected:
  Inventory inventory() { return read_inventory(*open_place(dir_.path())).value(); }
  test::TempDir dir_;
};

TEST_F(ClusterIn, ADirectoryIsTheOneWhoseSetsLieThere) {
  make_set(dir_.path());
  make_set(dir_.path(), {.start = test::kSampleStart + 1h});
  std::filesystem::create_directory(dir_.path("lost+found"));
  EXPECT_EQ(only_cluster_in(inventory(), "/b").value(), "prod-east");
}

TEST_F(ClusterIn, AnEmptyDirectoryIsNone) {
  auto none = only_cluster_in(inventory(), "/b");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::invalid);
  EXPECT_THAT(none.error().message, HasSubstr("/b holds no set"));
  EXPECT_EQ(newest_cluster_in(inventory(), test::kSampleStart), "");
}

TEST_F(ClusterIn, ADirectoryOfTwoIsAskedAbout) {
  make_set(dir_.path());
  make_set(dir_.path(), {.cluster = "cluster-cdf81819", .start = test::kSampleStart + 1h});
  make_set(dir_.path(), {.cluster = "tomorrow", .start = test::kSampleStart + 48h});
  auto two = only_cluster_in(inventory(), "/b");
  ASSERT_FALSE(two);
  EXPECT_THAT(two.error().message,
              HasSubstr("holds sets of 3: cluster-cdf81819, prod-east, tomorrow"));
  EXPECT_THAT(two.error().hint, HasSubstr("--set cluster=cluster-cdf81819"));
  EXPECT_EQ(newest_cluster_in(inventory(), test::kSampleStart + 2h), "cluster-cdf81819");
}

}  // namespace
}  // namespace snap::jobs
