#include "report/exit.h"

#include <gtest/gtest.h>

#include <set>

namespace snap::report {
namespace {

TEST(Exit, HasANameAndAMeaningOfItsOwnForEveryStatus) {
  std::set<std::string_view> names;
  std::set<std::string_view> meanings;
  int expected = 0;
  for (auto exit : all_exits()) {
    EXPECT_EQ(static_cast<int>(exit), expected++);
    names.insert(name_of(exit));
    meanings.insert(meaning_of(exit));
  }
  EXPECT_EQ(names.size(), 10u);
  EXPECT_EQ(meanings.size(), 10u);
}

TEST(Graver, FollowsThePrecedenceOfTheContract) {
  std::vector<Exit> order;
  for (int status : {2, 7, 3, 8, 4, 1, 5, 6, 0}) order.push_back(static_cast<Exit>(status));
  for (size_t i = 0; i < order.size(); ++i) {
    for (size_t j = 0; j < order.size(); ++j)
      EXPECT_EQ(graver(order[i], order[j]), order[std::min(i, j)]) << i << " " << j;
  }
}

}  // namespace
}  // namespace snap::report
