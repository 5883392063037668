#include "dest/sigv4.h"

#include <algorithm>
#include <array>
#include <format>

#include "base/encode.h"

namespace snap::dest {
namespace {

// RFC 2104 with SHA-256, whose block is 64 bytes.
stream::Digest hmac(Bytes key, std::string_view text) {
  std::array<std::byte, 64> inner{}, outer{};
  auto shortened = key.size() > inner.size() ? stream::sha256(key) : stream::Digest{};
  if (key.size() > inner.size()) key = shortened;
  std::ranges::copy(key, inner.begin());
  outer = inner;
  for (auto& byte : inner) byte ^= std::byte{0x36};
  for (auto& byte : outer) byte ^= std::byte{0x5c};
  stream::Sha256 first, second;
  first.update(inner);
  first.update(as_bytes(text));
  second.update(outer);
  second.update(first.digest());
  return second.digest();
}

std::string canonical_query(const Query& query) {
  std::vector<std::pair<std::string, std::string>> encoded;
  encoded.reserve(query.size());
  for (const auto& [name, value] : query)
    encoded.emplace_back(percent_encoded(name), percent_encoded(value));
  std::ranges::sort(encoded);
  std::string out;
  for (const auto& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    out.append(name).append("=").append(value);
  }
  return out;
}

// Runs of blanks count as one.
std::string squeezed(std::string_view value) {
  std::string out;
  for (char c : value) {
    if (c == ' ' && (out.empty() || out.back() == ' ')) continue;
    out += c;
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

struct CanonicalHeaders {
  std::string lines, names;
};

CanonicalHeaders canonical_headers(const Unsigned& request) {
  auto sorted = request.headers;
  std::ranges::stable_sort(sorted, {}, &std::pair<std::string, std::string>::first);
  CanonicalHeaders out;
  for (size_t i = 0; i < sorted.size(); ++i) {
    bool again = i > 0 && sorted[i].first == sorted[i - 1].first;
    if (again) {
      out.lines.back() = ',';
    } else {
      out.lines += sorted[i].first + ":";
      out.names += (out.names.empty() ? "" : ";") + sorted[i].first;
    }
    out.lines += squeezed(sorted[i].second) + "\n";
  }
  return out;
}

}  // namespace

std::string authorization(const Unsigned& request, const Credentials& credentials,
                          std::string_view region, std::string_view service, Seconds at) {
  auto headers = canonical_headers(request);
  auto canonical = std::format("{}\n{}\n{}\n{}\n{}\n{}", request.method,
                               percent_encoded(request.path, "/"), canonical_query(request.query),
                               headers.lines, headers.names, request.payload_hash);
  auto date = amz_date(at);
  auto day = std::string_view(date).substr(0, 8);
  auto scope = std::format("{}/{}/{}/aws4_request", day, region, service);
  auto to_sign = std::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", date, scope,
                             to_hex(stream::sha256(as_bytes(canonical))));
  auto key = hmac(as_bytes("AWS4" + credentials.secret_key), day);
  for (auto part : {region, service, std::string_view("aws4_request")}) key = hmac(key, part);
  return std::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
                     credentials.access_key, scope, headers.names, to_hex(hmac(key, to_sign)));
}

std::string amz_date(Seconds at) { return std::format("{:%Y%m%dT%H%M%SZ}", at); }

std::string encoded_target(const std::string& path, const Query& query) {
  auto out = percent_encoded(path, "/");
  if (!query.empty()) out += "?" + canonical_query(query);
  return out;
}

}  // namespace snap::dest
