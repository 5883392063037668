#include "base/time.h"

#include <array>
#include <format>
#include <span>

namespace snap {
namespace {

// Reads `text` against `form`, in which 'd' stands for a digit and anything else for itself;
// returns year, month, day, hour, minute, second in this order.
std::optional<Seconds> parse(std::string_view text, std::string_view form) {
  if (text.size() != form.size()) return std::nullopt;
  std::array<int, 14> digits{};
  size_t n = 0;
  for (size_t i = 0; i < form.size(); ++i) {
    if (form[i] != 'd') {
      if (text[i] != form[i]) return std::nullopt;
    } else if (text[i] < '0' || text[i] > '9') {
      return std::nullopt;
    } else {
      digits[n++] = text[i] - '0';
    }
  }
  auto number = [&](size_t from, size_t count) {
    int value = 0;
    for (auto d : std::span(digits).subspan(from, count)) value = value * 10 + d;
    return value;
  };
  std::chrono::year_month_day date{std::chrono::year(number(0, 4)),
                                   std::chrono::month(static_cast<unsigned>(number(4, 2))),
                                   std::chrono::day(static_cast<unsigned>(number(6, 2)))};
  int hour = number(8, 2);
  int minute = number(10, 2);
  int second = number(12, 2);
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

}  // namespace

Seconds now_utc() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::string to_rfc3339(Seconds at) { return std::format("{:%Y-%m-%dT%H:%M:%SZ}", at); }
std::string to_set_stamp(Seconds at) { return std::format("{:%Y-%m-%dT%H%M%SZ}", at); }
std::string to_file_stamp(Seconds at) { return std::format("{:%Y-%m-%d_%H%M%S}", at); }

std::optional<Seconds> from_rfc3339(std::string_view text) {
  return parse(text, "dddd-dd-ddTdd:dd:ddZ");
}
std::optional<Seconds> from_set_stamp(std::string_view text) {
  return parse(text, "dddd-dd-ddTddddddZ");
}

}  // namespace snap
