#include "report/table.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace snap::report {
namespace {

TEST(Table, AlignsItsColumns) {
  Table table({{"SET"}, {"SIZE", Align::right}, {"NOTE"}});
  EXPECT_TRUE(table.empty());
  table.add({"a", "1.4 GB", "pinned"});
  table.add({"größer", "7 B", ""});
  EXPECT_EQ(table.text(),
            "SET       SIZE  NOTE\n"
            "a       1.4 GB  pinned\n"
            "größer     7 B\n");
}

TEST(Table, ShowsOnlyTheTitlesWithoutRows) {
  EXPECT_EQ(Table({{"SET"}, {"SIZE"}}).text(), "SET  SIZE\n");
}

TEST(Table, FillsMissingCellsAndEscapesHostileOnes) {
  Table table({{"A"}, {"B"}});
  table.add({"x\n\x1b[2J"});
  EXPECT_EQ(table.text(), "A           B\nx\\n\\x1b[2J\n");
}

TEST(Json, IsAsciiOnOneLineAndNeverFails) {
  nlohmann::ordered_json value = {{"b", "ö\n"}, {"a", "\xff"}};
  EXPECT_EQ(json_line(value), "{\"b\":\"\\u00f6\\n\",\"a\":\"\\ufffd\"}\n");
  EXPECT_EQ(json_text(nlohmann::json{{"b", 1}, {"a", 2}}), "{\n  \"a\": 2,\n  \"b\": 1\n}\n");
}

}  // namespace
}  // namespace snap::report
