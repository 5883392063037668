#include "base/names.h"

#include <arpa/inet.h>

#include <algorithm>

namespace snap {

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool is_dns_name(std::string_view text, size_t most) {
  auto letter_or_digit = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  auto allowed = [&](char c) { return letter_or_digit(c) || c == '.' || c == '-'; };
  return !text.empty() && text.size() <= most && letter_or_digit(text.front()) &&
         letter_or_digit(text.back()) && std::ranges::all_of(text, allowed);
}

bool is_ipv6(std::string_view text) {
  in6_addr address{};
  return ::inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
}

}  // namespace snap
