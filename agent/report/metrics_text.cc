#include "report/metrics_text.h"

#include <algorithm>
#include <charconv>
#include <format>

#include "base/text.h"

namespace snap::report {
namespace {

std::string label_value(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

// {cluster="prod-east",place="local"}; names from outside are made printable first, since the
// format wants UTF-8 and has no other escapes than \\, \" and \n.
std::string label_text(const Labels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    out += out.empty() ? "{" : ",";
    out += std::format("{}=\"{}\"", name, label_value(escaped(value)));
  }
  return out + "}";
}

// The value of the line that begins with `series` in a file of ours; nothing when it is not there
// or does not read like a whole number that we wrote.
std::optional<uint64_t> previous_value(std::string_view previous, const std::string& series) {
  for (const auto& line : split(previous, '\n')) {
    if (!line.starts_with(series + " ")) continue;
    auto text = std::string_view(line).substr(series.size() + 1);
    uint64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
  }
  return std::nullopt;
}

}  // namespace

uint64_t unix_time(Seconds at) {
  return static_cast<uint64_t>(std::max<int64_t>(at.time_since_epoch().count(), 0));
}

void MetricsText::family(std::string_view name, std::string_view help) {
  name_ = "etcd_snapshot_" + std::string(name);
  header_ = std::format("# HELP {} {}\n# TYPE {} gauge\n", name_, help, name_);
}

void MetricsText::sample(const std::string& value, Labels more) {
  out_ += std::exchange(header_, "") + series(std::move(more)) + " " + value + "\n";
}

void MetricsText::sample(uint64_t value, Labels more) {
  sample(std::format("{}", value), std::move(more));
}

void MetricsText::kept(std::optional<uint64_t> value, const Labels& more) {
  if (!value) value = previous_value(previous_, series(more));
  if (value) sample(*value, more);
}

std::string MetricsText::series(Labels more) const {
  more.insert(more.begin(), {"cluster", cluster_});
  return name_ + label_text(more);
}

}  // namespace snap::report
