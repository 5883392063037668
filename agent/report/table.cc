#include "report/table.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace snap::report {
namespace {

// Characters, not bytes: close enough to columns for the names that occur here.
size_t width(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

template <class Json>
std::string dumped(const Json& value, int indent) {
  return value.dump(indent, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (auto& cell : cells) cell = escaped(cell);
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    widths.push_back(width(columns_[i].title));
    for (const auto& row : rows_) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string out;
  auto add_line = [&](auto&& cell_of) {
    std::string line;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string& cell = cell_of(i);
      auto padding = std::string(widths[i] - width(cell), ' ');
      if (i > 0) line += "  ";
      line += columns_[i].align == Align::right ? padding + cell : cell + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  add_line([&](size_t i) -> const std::string& { return columns_[i].title; });
  for (const auto& row : rows_) add_line([&](size_t i) -> const std::string& { return row[i]; });
  return out;
}

std::string json_text(const nlohmann::json& value) { return dumped(value, 2); }
std::string json_line(const nlohmann::json& value) { return dumped(value, -1); }
std::string json_text(const nlohmann::ordered_json& value) { return dumped(value, 2); }
std::string json_line(const nlohmann::ordered_json& value) { return dumped(value, -1); }

}  // namespace snap::report
