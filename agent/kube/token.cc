#include "kube/token.h"

#include <algorithm>

#include "base/file.h"
#include "base/text.h"

namespace snap::kube {
namespace {

constexpr uint64_t kMaxTokenBytes = 1U << 20;
constexpr std::chrono::seconds kFresh{60};

}  // namespace

const std::string& Token::at(std::chrono::steady_clock::time_point now) {
  if (!file_.empty() && (!ever_ || now - looked_ >= kFresh)) renew(now);
  return token_;
}

bool Token::renew(std::chrono::steady_clock::time_point now) {
  if (file_.empty()) return false;
  looked_ = now;
  ever_ = true;
  auto text = read_small_file(file_, kMaxTokenBytes);
  if (!text) return false;
  auto token = trim(*text);
  // It becomes a line of the request: nothing that would make two of it.
  bool one_line = std::ranges::all_of(token, [](char c) { return c > ' ' && c < 0x7F; });
  if (token.empty() || !one_line || token == token_) return false;
  token_ = token;
  return true;
}

}  // namespace snap::kube
