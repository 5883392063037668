#include "kube/token.h"

#include <algorithm>
#include <format>

#include "base/file.h"
#include "base/text.h"

namespace snap::kube {
namespace {

constexpr uint64_t kMaxTokenBytes = 1U << 20;
constexpr std::chrono::seconds kFresh{60};

}  // namespace

Result<std::string> Token::at(std::chrono::steady_clock::time_point now) {
  if (!file_.empty() && (!ever_ || now - looked_ >= kFresh)) renew(now);
  if (token_.empty() && !last_read_) return std::unexpected(last_read_.error());
  return token_;
}

bool Token::renew(std::chrono::steady_clock::time_point now) {
  if (file_.empty()) return false;
  looked_ = now;
  ever_ = true;
  auto token = read();
  last_read_ = token ? Result<void>() : std::unexpected(token.error());
  if (!token || *token == token_) return false;
  token_ = std::move(*token);
  return true;
}

Result<std::string> Token::read() const {
  auto text = read_small_file(file_, kMaxTokenBytes);
  if (!text)
    return fail(Code::denied, "token file: " + text.error().message,
                "without it the API takes us for nobody: let this user read it");
  auto token = trim(*text);
  // It becomes a line of the request: nothing that would make two of it.
  bool one_line = std::ranges::all_of(token, [](char c) { return c > ' ' && c < 0x7F; });
  if (token.empty() || !one_line)
    return fail(Code::denied, std::format("token file: {} holds no token", escaped(file_)),
                "write the token of a service account into it");
  return std::string(token);
}

}  // namespace snap::kube
