// Text tables and JSON for verbs that show data.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace snap::report {

enum class Align { left, right };

struct Column {
  std::string title;
  Align align = Align::left;
};

// Columns padded to their widest cell, two spaces between them, no spaces at the end of a line.
// Cells are escaped: they may hold names from outside.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as there are columns; missing ones are empty.
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  // The title line and the rows, each ending in a line end.
  std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// JSON for people (indented) and for a log (one line). Both end in a line end, are plain ASCII
// beyond which everything is escaped, and never fail: bytes that are no UTF-8 become U+FFFD.
std::string json_text(const nlohmann::json& value);
std::string json_line(const nlohmann::json& value);
std::string json_text(const nlohmann::ordered_json& value);
std::string json_line(const nlohmann::ordered_json& value);

}  // namespace snap::report
