#include "report/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <format>
#include <fstream>

#include "base/file.h"
#include "base/text.h"
#include "sample.h"
#include "support/parts.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace snap::report {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr auto kSuccess =
    "etcd_snapshot_last_success_timestamp_seconds{cluster=\"prod-east\"} 1795224641\n";

TEST(Metrics, TellTheNumbersOfTheRun) {
  auto text = metrics_text(sample_outcome(), "");
  for (auto* line :
       {kSuccess, "etcd_snapshot_build_info{cluster=\"prod-east\",version=\"0.1.0\"} 1\n",
        "etcd_snapshot_last_attempt_timestamp_seconds{cluster=\"prod-east\"} 1795224641\n",
        "etcd_snapshot_last_exit_code{cluster=\"prod-east\"} 0\n",
        "etcd_snapshot_last_run_warnings{cluster=\"prod-east\"} 1\n",
        "etcd_snapshot_last_run_duration_seconds{cluster=\"prod-east\"} 41\n",
        "etcd_snapshot_stage_duration_seconds{cluster=\"prod-east\",stage=\"take\"} 40.250\n",
        "etcd_snapshot_snapshot_bytes{cluster=\"prod-east\"} 9007199254740993\n",
        "etcd_snapshot_snapshot_revision{cluster=\"prod-east\"} 17\n",
        "etcd_snapshot_certificate_earliest_end_timestamp_seconds{cluster=\"prod-east\"} "
        "1798761600\n",
        "etcd_snapshot_place_ok{cluster=\"prod-east\",place=\"local\"} 1\n",
        "etcd_snapshot_place_sets{cluster=\"prod-east\",place=\"local\",proven=\"true\"} 5\n",
        "etcd_snapshot_place_sets{cluster=\"prod-east\",place=\"local\",proven=\"false\"} 1\n",
        "etcd_snapshot_place_newest_proven_timestamp_seconds{cluster=\"prod-east\",place="
        "\"local\"} 1795224600\n"})
    EXPECT_THAT(text, HasSubstr(line));
}

TEST(Metrics, OfAFailedRunKeepTheLastSuccessAndTheLastSnapshot) {
  auto text = metrics_text(failed_outcome(), metrics_text(sample_outcome(), ""));
  EXPECT_THAT(text, HasSubstr(kSuccess));
  EXPECT_THAT(text, HasSubstr("last_exit_code{cluster=\"prod-east\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("snapshot_bytes{cluster=\"prod-east\"} 9007199254740993\n"));
  EXPECT_THAT(text, HasSubstr("certificate_earliest_end_timestamp_seconds{cluster=\"prod-east\"} "
                              "1798761600\n"));
  EXPECT_THAT(text, Not(HasSubstr("etcd_snapshot_place_sets")));
  EXPECT_THAT(metrics_text(failed_outcome(), text), HasSubstr(kSuccess));
}

// A clock that was wrong for one run, in whichever direction, is no reason to forget a success.
TEST(Metrics, OfAFailedRunKeepTheLastSuccessWhateverTheClockSays) {  // F-L12
  auto previous = metrics_text(sample_outcome(), "");
  for (auto off : {std::chrono::years(-6), std::chrono::years(0), std::chrono::years(73)}) {
    auto failed = failed_outcome();
    failed.started += std::chrono::duration_cast<std::chrono::seconds>(off);
    failed.finished += std::chrono::duration_cast<std::chrono::seconds>(off);
    auto text = metrics_text(failed, previous);
    EXPECT_THAT(text, HasSubstr(kSuccess)) << off.count() << " years off";
    EXPECT_THAT(metrics_text(failed_outcome(), text), HasSubstr(kSuccess));
  }
}

TEST(Metrics, OfAFirstRunThatFailsClaimNoSuccess) {
  auto text = metrics_text(failed_outcome(), "");
  EXPECT_THAT(text, Not(HasSubstr("last_success")));
  EXPECT_THAT(text, Not(HasSubstr("snapshot_bytes")));
  EXPECT_THAT(text, HasSubstr("last_attempt_timestamp_seconds"));
}

// The success moves if and only if the exit status is 0.
TEST(Metrics, MoveTheLastSuccessOnlyWithExitStatusZero) {
  auto previous = metrics_text(sample_outcome(), "");
  for (auto exit : all_exits()) {
    auto later = sample_outcome();
    later.started += std::chrono::hours(1);
    later.finished += std::chrono::hours(1);
    later.exit = exit;
    EXPECT_EQ(metrics_text(later, previous).contains(kSuccess), exit != Exit::done)
        << name_of(exit);
  }
}

struct Case {
  std::string name;
  std::string value;  // what stands behind the last success in the old file
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
class HostilePrevious : public testing::TestWithParam<Case> {};

TEST_P(HostilePrevious, IsNotTakenOver) {
  auto previous = "etcd_snapshot_last_success_timestamp_seconds{cluster=\"prod-east\"} " +
                  GetParam().value + "\n";
  auto text = metrics_text(failed_outcome(), previous);
  EXPECT_EQ(text, metrics_text(failed_outcome(), ""));
}

INSTANTIATE_TEST_SUITE_P(Values, HostilePrevious,
                         testing::Values(Case{"nothing", ""}, Case{"nan", "NaN"},
                                         Case{"infinite", "+Inf"}, Case{"negative", "-1"},
                                         Case{"fraction", "1.5"}, Case{"exponent", "1e9"},
                                         Case{"too_large", "18446744073709551616"},
                                         Case{"second_value", "1795224641 1795224641"},
                                         Case{"space", " 1795224641"},
                                         Case{"carriage_return", "1795224641\r"},
                                         Case{"more_text", "1795224641\x1b[31m"}),
                         [](const auto& test) { return test.param.name; });

TEST(Metrics, IgnoreAPreviousFileThatIsNotOurs) {
  auto without = metrics_text(failed_outcome(), "");
  auto other = sample_outcome();
  other.cluster = "prod-west";
  for (const auto& previous :
       {std::string(1 << 20, 'x'), std::string("\0\xff\n\n{}", 6), metrics_text(other, ""),
        std::string("# etcd_snapshot_last_success_timestamp_seconds{cluster=\"prod-east\"} 1\n"),
        std::string("etcd_snapshot_last_success_timestamp_seconds{cluster=\"prod-east\"}")})
    EXPECT_EQ(metrics_text(failed_outcome(), previous), without);
}

Outcome hostile_labels() {
  auto outcome = sample_outcome();
  outcome.places[0].name = "a\"b\\c\nd\xff";
  outcome.stages[0].name = "\"} 1\n";
  outcome.version = "";
  return outcome;
}

TEST(Metrics, EscapeLabels) {
  auto text = metrics_text(hostile_labels(), "");
  EXPECT_THAT(text, HasSubstr("place=\"a\\\"b\\\\\\\\c\\\\nd\\\\xff\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("stage=\"\\\"} 1\\\\n\"} 0.001\n"));
}

TEST(Metrics, FileIsReplacedWholeAndReadableForTheExporter) {
  test::TempDir dir;
  auto path = dir.path("etcd-snapshot.prom");
  ASSERT_TRUE(write_metrics(path, sample_outcome()));
  ASSERT_TRUE(write_metrics(path, failed_outcome()));
  EXPECT_THAT(read_small_file(path, 1 << 20).value(), HasSubstr(kSuccess));
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0644u);
  EXPECT_EQ(dir.names(), std::vector<std::string>{"etcd-snapshot.prom"});
}

TEST(Metrics, TakesAwayWhatAKilledRunLeftAndNothingElse) {
  test::TempDir dir;
  for (const auto* name : {"a.prom.0123456789abcdef.part", "a.prom.part", "a.prom.0123.part",
                           "b.prom.0123456789abcdef.part", "a.prom.0123456789abcdef.part.bak"})
    ASSERT_TRUE(replace_file(dir.path(name), "", 0600));
  ASSERT_TRUE(write_metrics(dir.path("a.prom"), sample_outcome()));
  EXPECT_EQ(dir.names(), (std::vector<std::string>{"a.prom", "a.prom.0123.part",
                                                   "a.prom.0123456789abcdef.part.bak",
                                                   "a.prom.part", "b.prom.0123456789abcdef.part"}));
}

TEST(Metrics, FileThatCannotBeWrittenIsAnErrorThatNamesIt) {
  auto written = write_metrics("/nonexistent/x.prom", sample_outcome());
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().message, HasSubstr("/nonexistent/x.prom"));
}

TEST(Metrics, ArePromtoolsLiking) {
  auto promtool = test::part("bin/promtool", "promtool");
  auto success = metrics_text(sample_outcome(), "");
  for (const auto& text :
       {success, metrics_text(failed_outcome(), ""), metrics_text(failed_outcome(), success),
        metrics_text(hostile_labels(), "")}) {
    auto checked = test::run({.argv = {promtool, "check", "metrics"}, .input = text});
    EXPECT_TRUE(checked.ok()) << checked.text() << text;
    EXPECT_EQ(checked.err, "") << text;
  }
}

TEST(Metrics, AreDocumentedOneByOne) {
  auto documented = read_small_file(SNAP_SOURCE_DIR "/docs/metrics.md", 1 << 20);
  ASSERT_TRUE(documented) << documented.error().message;
  size_t names = 0;
  for (const auto& line : split(metrics_text(sample_outcome(), ""), '\n')) {
    if (!line.starts_with("# TYPE ")) continue;
    ++names;
    EXPECT_TRUE(documented->contains("`" + split(line, ' ')[2] + "`")) << line;
  }
  EXPECT_EQ(names, 19u);
}

}  // namespace
}  // namespace snap::report
