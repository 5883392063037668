// Every fault of the catalogue is told of in the table of causes, or stands here with the test that
// asserts its words.
#include <fstream>
#include <map>
#include <regex>
#include <set>

#include "base/text.h"
#include "cli/causes.h"

namespace snap::cli {
namespace {

// By file below tests/. Without a file: they make no command fail, or kill it before it can speak.
const std::map<std::string, std::string> kToldElsewhere{
    {"",
     "N08 N10 N11 N12 H10 E02 E05 E24 L08 L10 L12 L13 L14 L15 L18 L21 H08 H14 O07 R03 R06 P01 P02 "
     "P05 P07 P10 P12 C05 "
     "C07 C09"},
    {"bolt/walk_test.cc", "V04"},
    {"cli/cluster_test.cc", "E19"},
    {"cli/fault_test.cc", "L23"},
    {"cli/sets_test.cc", "P04 P06 P08"},
    {"cli/surroundings_test.cc", "R07 P03 C08"},
    {"crash/errors_test.cc", "L03 L04 L05 L06"},
    {"crash/full_disk_test.cc", "L02"},
    {"crash/limits_test.cc", "L22 L24"},
    {"crash/quota_test.cc", "L07"},
    {"dest/s3_fault_test.cc", "O01 O03 O04 O05 O10 O11 O14 O15"},
    {"dest/s3_server_test.cc", "O02 O06 O08 O09 O12"},
    {"dest/sftp_test.cc", "H02 H03 H04 H05 H06 H07"},
    {"faults/cluster_test.cc", "E18"},
    {"faults/fetch_test.cc", "X04"},
    {"faults/nfs_test.cc", "N02 N03 N04 N06 N07"},
    {"faults/places_reach_test.cc", "N05"},
    {"faults/ssh_test.cc", "H11 H12"},
    {"faults/stall_test.cc", "E26"},
    {"faults/taken_test.cc", "N09 H09"},
    {"jobs/deliver_test.cc", "H13"},
    {"jobs/lock_test.cc", "L16 L17"},
    {"jobs/prune_test.cc", "P09"},
    {"jobs/take_test.cc", "E06"},
    {"jobs/verify_set_test.cc", "L19 L20 V05"},
    {"net/http_test.cc", "E20"},
    {"node/archive_check_test.cc", "V09"},
    {"node/collect_race_test.cc", "R04"},
    {"node/collect_test.cc", "R02 R05"},
    {"sets/manifest_hostile_test.cc", "V06 V07 V08"},
    {"snapshot/damage_test.cc", "V01 V02 V03 V10"},
};

// The ids of tests/FAULTS.md, and whether what the fault hits is built yet. Without F-K: what a
// cluster does to a pod is told by the cluster, and by tests/chart and e2e.
std::map<std::string, bool> catalogue() {
  std::map<std::string, bool> ids;
  std::ifstream file(std::string(SNAP_SOURCE_DIR) + "/tests/FAULTS.md");
  static const std::regex kRow(R"(\| F-([A-JL-Z]\d\d) \|.*\|(.*)\|)");
  std::smatch row;
  for (std::string line; std::getline(file, line);)
    if (std::regex_match(line, row, kRow)) ids[row.str(1)] = !row.str(2).contains("later:");
  return ids;
}

TEST(Catalogue, IsToldOfInTheTableOrItIsNamedWhereElse) {
  auto known = catalogue();
  ASSERT_GT(known.size(), 100U);
  std::map<std::string, std::set<std::string>> told;  // id, where
  for (const auto& cause : causes()) told[cause.name.substr(0, 3)].insert("cli/causes.cc");
  for (const auto& [file, ids] : kToldElsewhere)
    for (const auto& id : split(ids, ' ')) told[id].insert(file);
  for (const auto& [id, where] : told) EXPECT_TRUE(known.contains(id)) << id;
  for (const auto& [id, built] : known) {
    if (!built) continue;
    EXPECT_EQ(told[id].size(), 1U) << "F-" << id
                                   << " belongs either into tests/cli/causes.cc, or here beside "
                                      "the test that asserts its words";
  }
}

TEST(Catalogue, NamesTestsThatNameTheFault) {
  for (const auto& [file, ids] : kToldElsewhere) {
    if (file.empty()) continue;
    auto text = test::read_file(std::string(SNAP_SOURCE_DIR) + "/tests/" + file);
    for (const auto& id : split(ids, ' ')) EXPECT_THAT(text, testing::HasSubstr("F-" + id)) << file;
  }
}

}  // namespace
}  // namespace snap::cli
