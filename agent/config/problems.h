// Everything that is wrong with a configuration, so that an administrator mends the file once and
// not key by key. Private to this room.
#pragma once

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

class Problems {
 public:
  // `where`: "config.yaml:12: " or "--set: ".
  void add(const std::string& where, std::string message, std::string hint = {}) {
    constexpr size_t kMost = 10;
    if (all_.size() < kMost)
      all_.push_back({Code::invalid, where + std::move(message), std::move(hint)});
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
