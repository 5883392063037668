#include "base/encode.h"

#include <cstdint>

namespace snap {
namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string in_sixes(Bytes bytes, std::string_view digits) {
  std::string out;
  uint32_t bits = 0;
  unsigned held = 0;
  for (auto byte : bytes) {
    bits = (bits << 8U | std::to_integer<uint32_t>(byte)) & 0xFFFFU;
    for (held += 8; held >= 6; held -= 6) out += digits[bits >> (held - 6) & 63U];
  }
  if (held > 0) out += digits[bits << (6 - held) & 63U];
  return out;
}

}  // namespace

std::string percent_encoded(std::string_view text, std::string_view also_plain) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                 std::string_view("-._~").contains(c) || also_plain.contains(c);
    auto byte = static_cast<unsigned char>(c);
    if (plain)
      out += c;
    else
      out.append({'%', kDigits[byte >> 4U], kDigits[byte & 15U]});
  }
  return out;
}

std::string base64(Bytes bytes) {
  auto out = in_sixes(bytes, kBase64);
  while (out.size() % 4 != 0) out += '=';
  return out;
}

std::string base64url(Bytes bytes) { return in_sixes(bytes, kBase64Url); }

std::optional<std::string> from_base64(std::string_view text) {
  std::string bytes;
  uint32_t bits = 0;
  unsigned held = 0;
  bool ended = false;
  for (char c : text) {
    if (c == '\n' || c == '\r' || c == ' ') continue;
    if (c == '=') {
      ended = true;
      continue;
    }
    auto value = kBase64.find(c);
    if (ended || value == kBase64.npos) return std::nullopt;
    bits = (bits << 6U | static_cast<uint32_t>(value)) & 0xFFFFU;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes += static_cast<char>(bits >> held & 0xFFU);
  }
  if (held == 6) return std::nullopt;  // one digit is no byte
  return bytes;
}

}  // namespace snap
