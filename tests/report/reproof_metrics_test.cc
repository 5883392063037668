#include "report/reproof_metrics.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "support/process.h"
#include "support/temp_dir.h"

namespace snap::report {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::vector<std::string> kPlaces = {"local", "nas", "mirrors/master-1"};
const Seconds kNow = *from_rfc3339("2026-11-21T01:30:00Z");

TEST(ReproofMetrics, LieBesideTheRunsOwn) {
  EXPECT_EQ(reproof_file("/m/etcd.prom"), "/m/etcd-verify.prom");
  EXPECT_EQ(reproof_file("/m.prom/etcd"), "/m.prom/etcd-verify.prom");
}

TEST(ReproofMetrics, TellWhatWasReadAndKeepTheOtherPlaces) {
  auto text = reproof_text("prod-east", {{"nas", kNow, 5, 1, 2}}, kPlaces, "");
  EXPECT_THAT(
      text,
      AllOf(
          HasSubstr("# TYPE etcd_snapshot_reproof_damaged_sets gauge\n"),
          HasSubstr("reproof_timestamp_seconds{cluster=\"prod-east\",place=\"nas\"} 1795224600\n"),
          HasSubstr("reproof_checked_sets{cluster=\"prod-east\",place=\"nas\"} 5\n"),
          HasSubstr("reproof_damaged_sets{cluster=\"prod-east\",place=\"nas\"} 1\n"),
          HasSubstr("reproof_unreadable_sets{cluster=\"prod-east\",place=\"nas\"} 2\n"),
          Not(HasSubstr("local"))));
  auto next = reproof_text("prod-east", {{"mirrors/master-1", kNow, 3}}, kPlaces, text);
  EXPECT_THAT(next, AllOf(HasSubstr("damaged_sets{cluster=\"prod-east\",place=\"nas\"} 1\n"),
                          HasSubstr("place=\"mirrors/master-1\"} 3\n")));
  // By the name of the destination, where its mirrors are not asked for.
  EXPECT_THAT(reproof_text("prod-east", {{"local", kNow, 1}}, {"local", "mirrors"}, next),
              AllOf(HasSubstr("place=\"mirrors/master-1\"} 3\n"), Not(HasSubstr("nas"))));
  // A place that the configuration does not name any more.
  EXPECT_THAT(reproof_text("prod-east", {{"local", kNow, 1}}, {"local"}, next),
              Not(HasSubstr("nas")));
}

TEST(ReproofMetrics, AreReplacedWholeForEverybodyToRead) {
  test::TempDir dir;
  auto metrics = dir.path("etcd.prom");
  ASSERT_TRUE(write_reproofs(metrics, "prod-east", {{"nas", kNow, 5, 1, 2}}, kPlaces));
  ASSERT_TRUE(write_reproofs(metrics, "prod-east", {{"local", kNow, 7}}, kPlaces));
  EXPECT_THAT(test::read_file(dir.path("etcd-verify.prom")),
              AllOf(HasSubstr("place=\"nas\"} 5\n"), HasSubstr("place=\"local\"} 7\n")));
  struct stat info{};
  ASSERT_EQ(::stat(dir.path("etcd-verify.prom").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0644U);
  EXPECT_FALSE(write_reproofs(dir.path("no/etcd.prom"), "prod-east", {{"nas", kNow}}, kPlaces));
}

}  // namespace
}  // namespace snap::report
