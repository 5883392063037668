// Everything that is wrong with a configuration, so that an administrator mends the file once and
// not key by key. Private to this room.
#pragma once

#include <algorithm>
#include <format>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/text.h"

namespace snap::config {

// A key or value for a message.
inline std::string shown(std::string_view text) {
  constexpr size_t kShown = 60;  // bytes
  return text.size() <= kShown ? escaped(text) : escaped(text.substr(0, kShown)) + "...";
}

// No value of a configuration holds control characters.
inline bool has_control(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}
inline Result<void> control_refused() { return fail(Code::invalid, "holds control characters"); }

class Problems {
 public:
  // `where`: "config.yaml:12: " or "--set: ".
  void add(const std::string& where, std::string message, std::string hint = {}) {
    constexpr size_t kMost = 10;
    if (all_.size() < kMost)
      all_.push_back({Code::invalid, where + std::move(message), std::move(hint)});
  }

  // A value that `error` refuses, as the rest of a sentence that begins with it.
  void refuse(const std::string& where, std::string_view key, std::string_view value, bool print,
              const Error& error) {
    auto subject = print ? std::format("\"{}\"", shown(value)) : std::string("the value");
    add(where, std::format("{}: {} {}", key, subject, error.message), error.hint);
  }

  Result<void> result() const {
    if (all_.empty()) return {};
    if (all_.size() == 1) return std::unexpected(all_.front());
    std::string message;
    for (const auto& problem : all_) message += (message.empty() ? "" : "; ") + describe(problem);
    return fail(Code::invalid, std::move(message));
  }

 private:
  std::vector<Error> all_;
};

}  // namespace snap::config
