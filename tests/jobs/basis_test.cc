// The set that a place begins a copy of another with.
#include "jobs/basis.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "jobs/make_set.h"

namespace snap::jobs {
namespace {

// Sets by their hour and node at both places; what is copied for the one of hour 10 on master-0.
struct Row {
  std::string name;
  std::vector<Wish> local, there;
  int basis;  // its hour; -1: none
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
class Basis : public testing::TestWithParam<Row> {};

Wish at(int hour, const std::string& node = "master-0", const std::string& cluster = "prod-east") {
  return {.cluster = cluster, .start = test::kSampleStart + hour * 1h, .node = node};
}

TEST_P(Basis, IsTheNearestOfThisNodeThatIsGoodAtBoth) {
  test::TempDir local, there;
  auto set = make_set(local.path(), at(10));
  for (const auto& wish : GetParam().local) make_set(local.path(), wish);
  for (const auto& wish : GetParam().there) make_set(there.path(), wish);
  if (GetParam().name == "damaged_there")
    std::filesystem::resize_file(
        there.path(sets::SetName{"prod-east", at(9).start, "master-0"}.text() + "/" +
                   sets::snapshot_file_name(at(9).start)),
        100);
  auto wanted = GetParam().basis < 0
                    ? ""
                    : sets::SetName{"prod-east", at(GetParam().basis).start, "master-0"}.text();
  EXPECT_EQ(basis_of(set, read_inventory(*open_place(local.path())).value(),
                     read_inventory(*open_place(there.path())).value()),
            wanted);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, Basis,
    testing::Values(Row{"nothing_there", {at(9)}, {}, -1}, Row{"nothing_here", {}, {at(9)}, -1},
                    Row{"the_newest_before", {at(8), at(9)}, {at(8), at(9)}, 9},
                    Row{"the_nearest_after", {at(1), at(12)}, {at(1), at(12)}, 12},
                    Row{"only_one_at_both", {at(8), at(9)}, {at(8)}, 8},
                    Row{"not_itself", {}, {at(10)}, -1},
                    Row{"another_node", {at(9, "master-1")}, {at(9, "master-1")}, -1},
                    Row{"another_cluster",
                        {at(9, "master-0", "prod-west")},
                        {at(9, "master-0", "prod-west")},
                        -1},
                    Row{"damaged_there", {at(8), at(9)}, {at(8), at(9)}, 8}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace snap::jobs
