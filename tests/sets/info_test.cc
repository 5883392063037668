#include "sets/info.h"

#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>
#include <format>

#include "support/sample_manifest.h"

namespace snap::sets {
namespace {

constexpr std::string_view kName = "prod-east_2026-11-21T013000Z_master-0";

TEST(Classify, TellsAGoodSet) {
  auto info = classify(kName, to_json(test::sample_manifest()));
  EXPECT_EQ(info.state, State::good);
  EXPECT_EQ(info.name, kName);
  EXPECT_EQ(info.problem, "");
  EXPECT_TRUE(info.proven);
  EXPECT_FALSE(info.pinned);
  EXPECT_EQ(info.stream(), (Stream{"prod-east", 0xcdf818194e3a8c32}));
  EXPECT_EQ(info.parts.start, test::kSampleStart);
  EXPECT_EQ(info.parts.node, "master-0");
  EXPECT_EQ(info.total_bytes, 1363501088u + 48112u);
  EXPECT_EQ(info.snapshot_bytes, 1363501088u);
  EXPECT_EQ(info.revision, 41234567);
  EXPECT_EQ(info.files,
            (std::vector<std::string>{"snapshot_2026-11-21_013000.db",
                                      "static_kuberesources_2026-11-21_013000.tar.gz"}));
}

TEST(Classify, TellsWhyAGoodSetIsNotProven) {
  auto manifest = test::sample_manifest();
  manifest.proof.members = {Outcome::failed, "master-2 has another hash"};
  auto info = classify(kName, to_json(manifest));
  EXPECT_EQ(info.state, State::good);
  EXPECT_FALSE(info.proven);
  EXPECT_EQ(info.problem, "members: master-2 has another hash");
}

struct Case {
  std::string name;
  std::string directory;
  std::optional<std::string> manifest;
  State state;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
class ClassifyTable : public testing::TestWithParam<Case> {};
TEST_P(ClassifyTable, Says) {
  const auto& c = GetParam();
  auto info = classify(c.directory, c.manifest);
  EXPECT_EQ(name_of(info.state), name_of(c.state));
  EXPECT_EQ(info.name, c.directory);
  EXPECT_NE(info.problem, "");
  EXPECT_FALSE(info.proven);
  for (unsigned char byte : info.problem) EXPECT_GE(byte, 0x20) << info.problem;
}
std::string golden() { return to_json(test::sample_manifest()); }
INSTANTIATE_TEST_SUITE_P(
    States, ClassifyTable,
    testing::Values(
        Case{"of_another_set", "prod-east_2026-11-20T013000Z_master-0", golden(), State::damaged},
        Case{"of_another_node", "prod-east_2026-11-21T013000Z_master-1", golden(), State::damaged},
        Case{"empty_manifest", std::string(kName), "", State::damaged},
        Case{"half_manifest", std::string(kName), golden().substr(0, 500), State::damaged},
        Case{"newer_schema", std::string(kName), "{\"schema\": 2}", State::newer},
        Case{"no_manifest", std::string(kName), std::nullopt, State::remains},
        Case{"incoming", ".incoming-" + std::string(kName), std::nullopt, State::incoming},
        Case{"incoming_with_manifest", ".incoming-" + std::string(kName), golden(),
             State::incoming},
        Case{"incoming_junk", ".incoming-x", std::nullopt, State::incoming},
        Case{"foreign", "lost+found", std::nullopt, State::foreign},
        Case{"foreign_with_manifest", "backup", golden(), State::foreign},
        Case{"nearly_ours", "prod-east_2026-11-21T013000Z_master-0.bak", golden(), State::damaged},
        Case{"renamed_by_hand", "prod-east_2026-11-21T013000Z_master-0_old", golden(),
             State::foreign},
        Case{"hostile_name", "a\x1b[2J\n", std::nullopt, State::foreign},
        Case{"state_directory", ".state", std::nullopt, State::foreign}),
    [](const auto& test) { return test.param.name; });

TEST(DescribeSet, OfANameThatIsNoneOfOursIsForeignWhateverTheManifestSays) {
  auto info = describe_set("backup\n", test::sample_manifest());
  EXPECT_EQ(info.state, State::foreign);
  EXPECT_FALSE(info.proven);
  EXPECT_NE(info.problem.find("'backup\\n' is no name of a set"), std::string::npos)
      << info.problem;
}

TEST(Classify, NamesTheOwnerOfALeftover) {
  auto info = classify(".incoming-" + std::string(kName), std::nullopt);
  EXPECT_EQ(info.parts.cluster, "prod-east");
  EXPECT_EQ(info.parts.node, "master-0");
}

TEST(Classify, KnowsWhichFilesRemainsMayHave) {
  auto info = classify(kName, std::nullopt);
  EXPECT_EQ(info.files, (std::vector<std::string>{"snapshot_2026-11-21_013000.db",
                                                  "static_kuberesources_2026-11-21_013000.tar.gz",
                                                  "host_files_2026-11-21_013000.tar.gz"}));
}

TEST(NewerFirst, SortsByStartThenByName) {
  std::vector<SetInfo> sets;
  for (auto name : {"a_2026-11-20T000000Z_n", "a_2026-11-22T000000Z_n", "a_2026-11-21T000000Z_o",
                    "a_2026-11-21T000000Z_n"}) {
    sets.push_back(classify(name, std::nullopt));
  }
  std::ranges::sort(sets, newer_first);
  std::string order;
  for (const auto& set : sets) order += set.name.substr(10, 2) + set.name.back() + " ";
  EXPECT_EQ(order, "22n 21n 21o 20n ");
}

#if !defined(__SANITIZE_ADDRESS__)
// `list` shows 10,000 sets in a second, most of which is reading the files.
TEST(Classify, TakesTenThousandSetsInWellUnderASecond) {
  const auto text = golden();
  auto begin = ::clock();
  int good = 0;
  for (int i = 0; i < 10'000; ++i) good += classify(kName, text).state == State::good;
  auto cpu_seconds = static_cast<double>(::clock() - begin) / CLOCKS_PER_SEC;
  EXPECT_EQ(good, 10'000);
  EXPECT_LT(cpu_seconds, 0.6);
  RecordProperty("cpu_seconds", std::format("{:.3f}", cpu_seconds));
}
#endif

}  // namespace
}  // namespace snap::sets
