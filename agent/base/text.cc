#include "base/text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <format>
#include <numeric>
#include <utility>

namespace snap {
namespace {

// Length of the well-formed UTF-8 sequence at the start of `text`; 0 if there is none.
size_t utf8_length(std::string_view text) {
  auto at = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  auto continues = [&](size_t count) {
    if (text.size() <= count) return false;
    for (size_t i = 1; i <= count; ++i) {
      if ((at(i) & 0xC0) != 0x80) return false;
    }
    return true;
  };
  unsigned char first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF && continues(1)) return 2;
  if ((first & 0xF0) == 0xE0 && continues(2)) {
    bool overlong = first == 0xE0 && at(1) < 0xA0;
    bool surrogate = first == 0xED && at(1) >= 0xA0;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xF0 && first <= 0xF4 && continues(3)) {
    bool overlong = first == 0xF0 && at(1) < 0x90;
    bool too_high = first == 0xF4 && at(1) >= 0x90;
    return overlong || too_high ? 0 : 4;
  }
  return 0;
}

// U+0080 to U+009F are control characters too; U+202A to U+202E and U+2066 to U+2069 turn the
// direction of a line.
bool misleading(std::string_view sequence) {
  if (sequence.size() == 2)
    return sequence[0] == '\xC2' && static_cast<unsigned char>(sequence[1]) < 0xA0;
  if (sequence.size() != 3 || sequence[0] != '\xE2') return false;
  auto last = static_cast<unsigned char>(sequence[2]);
  return (sequence[1] == '\x80' && last >= 0xA8 && last <= 0xAE) ||
         (sequence[1] == '\x81' && last >= 0xA6 && last <= 0xA9);
}

size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({changed, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row.back();
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    size_t length = utf8_length(text.substr(i));
    auto sequence = text.substr(i, std::max<size_t>(length, 1));
    auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '\n') {
      out += "\\n";
    } else if (byte == '\t') {
      out += "\\t";
    } else if (byte == '\\') {
      out += "\\\\";
    } else if (length == 0 || byte < 0x20 || byte == 0x7F || misleading(sequence)) {
      for (char c : sequence) out += std::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += sequence;
    }
    i += sequence.size();
  }
  return out;
}

std::string human_size(uint64_t bytes) {
  constexpr std::array<std::string_view, 7> kUnits = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  if (unit == 0) return std::format("{} B", bytes);
  return value < 9.95 ? std::format("{:.1f} {}", value, kUnits[unit])
                      : std::format("{:.0f} {}", value, kUnits[unit]);
}

std::string human_duration(std::chrono::seconds duration) {
  auto s = duration.count();
  if (s < 0) return "-" + human_duration(-duration);
  if (s < 60) return std::format("{}s", s);
  if (s < 3600) return std::format("{}m {}s", s / 60, s % 60);
  if (s < 86400) return std::format("{}h {}m", s / 3600, s / 60 % 60);
  return std::format("{}d {}h", s / 86400, s / 3600 % 24);
}

std::optional<std::string> nearest(std::string_view word, std::span<const std::string_view> known) {
  std::optional<std::string> best;
  size_t least = std::max<size_t>(2, word.size() / 3) + 1;
  for (auto candidate : known) {
    auto d = distance(word, candidate);
    if (d < least) {
      least = d;
      best = std::string(candidate);
    }
  }
  return best;
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  std::string out;
  for (const auto& part : parts) {
    if (&part != parts.data()) out += separator;
    out += part;
  }
  return out;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    auto end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
    if (text.empty()) parts.emplace_back();
  }
  return parts;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string redacted_url(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  auto scheme_end = url.find("://");
  auto host = scheme_end == std::string_view::npos ? 0 : scheme_end + 3;
  auto authority_end = std::min(url.find('/', host), url.size());
  auto at = url.substr(0, authority_end).rfind('@');
  if (at == std::string_view::npos || at < host) return std::string(url);
  return std::string(url.substr(0, host)) + std::string(url.substr(at + 1));
}

}  // namespace snap
