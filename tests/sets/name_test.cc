#include "sets/name.h"

#include <gtest/gtest.h>

#include <string>

namespace snap::sets {
namespace {

constexpr Seconds kStart = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) +
                           std::chrono::hours(1) + std::chrono::minutes(30);

TEST(SetName, ReadsBackWhatItWrites) {
  SetName name{"prod-east", kStart, "master-0"};
  EXPECT_EQ(name.text(), "prod-east_2026-11-21T013000Z_master-0");
  EXPECT_EQ(SetName::parse(name.text()), name);
}

TEST(SetName, HasAtMost146Bytes) {
  SetName name{std::string(63, 'a'), kStart, std::string(63, 'b')};
  EXPECT_EQ(name.text().size(), 146u);
  EXPECT_EQ(SetName::parse(name.text()), name);
}

TEST(SetName, OfOneClusterSortByTime) {
  SetName a{"c", kStart, "z"}, b{"c", kStart + std::chrono::seconds(1), "a"};
  EXPECT_LT(a.text(), b.text());
}

struct Case {
  std::string name;
  std::string text;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
std::string case_name(const testing::TestParamInfo<Case>& test) { return test.param.name; }

// F-V08, F-C03
class NoSetName : public testing::TestWithParam<Case> {};
TEST_P(NoSetName, IsRefused) {
  auto name = SetName::parse(GetParam().text);
  ASSERT_FALSE(name);
  EXPECT_EQ(name.error().code, Code::invalid);
  EXPECT_EQ(name.error().message.find_first_of(std::string("\0\n\x1b", 3)), std::string::npos);
}
INSTANTIATE_TEST_SUITE_P(
    NearMisses, NoSetName,
    testing::Values(Case{"empty", ""}, Case{"no_underscore", "prod-east"},
                    Case{"one_underscore", "prod_2026-11-21T013000Z"},
                    Case{"three_underscores", "prod_2026-11-21T013000Z_master_0"},
                    Case{"underscore_in_cluster", "prod_20_2026-11-21T013000Z_m"},
                    Case{"empty_cluster", "_2026-11-21T013000Z_m"},
                    Case{"empty_node", "prod_2026-11-21T013000Z_"},
                    Case{"upper_case", "Prod_2026-11-21T013000Z_m"},
                    Case{"colons_in_time", "prod_2026-11-21T01:30:00Z_m"},
                    Case{"no_such_day", "prod_2026-02-30T013000Z_m"},
                    Case{"local_time", "prod_2026-11-21T013000_m"},
                    Case{"dot_last", "prod._2026-11-21T013000Z_m"},
                    Case{"dash_first", "prod_2026-11-21T013000Z_-m"},
                    Case{"traversal", "../prod_2026-11-21T013000Z_m"},
                    Case{"slash", "a/b_2026-11-21T013000Z_m"},
                    Case{"long_cluster", std::string(64, 'a') + "_2026-11-21T013000Z_m"},
                    Case{"trailing_line_break", "prod_2026-11-21T013000Z_m\n"},
                    Case{"escape_code", "prod\x1b[2J_2026-11-21T013000Z_m"},
                    Case{"nul", std::string("prod_2026-11-21T013000Z_m\0x", 27)},
                    Case{"incoming", ".incoming-prod_2026-11-21T013000Z_m"},
                    Case{"utf8", "pröd_2026-11-21T013000Z_m"},
                    Case{"copy_of_a_user", "prod_2026-11-21T013000Z_m (copy)"}),
    case_name);

TEST(ClusterName, IsOfLettersDigitsDotsAndDashes) {
  for (auto name : {"a", "0", "prod-east", "a.b", "a--b", "1.2.3"}) {
    EXPECT_TRUE(check_cluster_name(name)) << name;
  }
  EXPECT_TRUE(check_cluster_name(std::string(63, 'x')));
  EXPECT_FALSE(check_cluster_name(std::string(64, 'x')));
  for (auto name : {"", "-", ".", "..", "a-", ".a", "A", "a_b", "a b", "a/b", "ä", "_20"}) {
    auto checked = check_cluster_name(name);
    ASSERT_FALSE(checked) << name;
    EXPECT_EQ(checked.error().code, Code::invalid);
    EXPECT_FALSE(checked.error().hint.empty());
  }
}

TEST(NodePart, IsLowerCaseAndCutTo63) {
  EXPECT_EQ(node_part("master-0"), "master-0");
  EXPECT_EQ(node_part("Master-0.Example.COM"), "master-0.example.com");
  EXPECT_EQ(node_part(std::string(80, 'n')), std::string(63, 'n'));
  // The cut falls behind "-." here.
  EXPECT_EQ(node_part(std::string(61, 'n') + "-.example.com"), std::string(61, 'n'));
}

TEST(NodePart, RefusesWhatNoNameCanCarry) {
  for (auto name : {"", "master_0", "localhost.", "-a", "a b", "mästër"}) {
    EXPECT_FALSE(node_part(name)) << name;
  }
  EXPECT_FALSE(node_part(std::string(80, '.')));
}

TEST(FileName, RefusesWhatLeavesTheSetOrHides) {  // F-V08
  EXPECT_TRUE(check_file_name(snapshot_file_name(kStart)));
  EXPECT_TRUE(check_file_name(std::string(255, 'x')));
  for (auto name : {std::string(), std::string("."), std::string(".."), std::string("../x"),
                    std::string("/etc/passwd"), std::string("a/b"), std::string(".hidden"),
                    std::string("a\nb"), std::string("a\x1b[2J"), std::string("a\0b", 3),
                    std::string("a\x7f"), std::string(256, 'x'), std::string("manifest.json")}) {
    EXPECT_FALSE(check_file_name(name)) << testing::PrintToString(name);
  }
}

TEST(FileNames, AreThoseThatOpenShiftExpects) {
  EXPECT_EQ(snapshot_file_name(kStart), "snapshot_2026-11-21_013000.db");
  EXPECT_EQ(static_resources_file_name(kStart), "static_kuberesources_2026-11-21_013000.tar.gz");
  EXPECT_EQ(host_files_file_name(kStart), "host_files_2026-11-21_013000.tar.gz");
}

TEST(NoteText, IsOneLine) {
  EXPECT_EQ(note_text(kStart, "master-0", ""), "2026-11-21T01:30:00Z master-0\n");
  EXPECT_EQ(note_text(kStart, "master-0", "before\nupgrade"),
            "2026-11-21T01:30:00Z master-0: before\\nupgrade\n");
}

}  // namespace
}  // namespace snap::sets
