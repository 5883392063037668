#include "net/endpoint.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/names.h"
#include "base/text.h"

namespace snap::net {
namespace {

std::unexpected<Error> bad(std::string_view text, const std::string& why, std::string hint = {}) {
  return fail(Code::invalid, "endpoint " + escaped(redacted_url(text)) + ": " + why,
              std::move(hint));
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

// Splits "host:port" or "[v6]:port"; the port stays empty when there is none.
Result<std::pair<std::string, std::string>> split_port(std::string_view text,
                                                       std::string_view rest) {
  if (rest.starts_with('[')) {
    auto close = rest.find(']');
    if (close == rest.npos) return bad(text, "no ] after the IPv6 address");
    std::string host(rest.substr(1, close - 1));
    if (!is_ipv6(host)) return bad(text, "no IPv6 address between the brackets");
    auto after = rest.substr(close + 1);
    if (after.empty()) return std::pair(host, std::string());
    if (!after.starts_with(':')) return bad(text, "unexpected text after ]");
    return std::pair(host, std::string(after.substr(1)));
  }
  if (std::ranges::count(rest, ':') > 1)
    return bad(text, "an IPv6 address without brackets", "write it as https://[2001:db8::1]:2379");
  auto colon = rest.find(':');
  auto port = colon == rest.npos ? std::string() : std::string(rest.substr(colon + 1));
  std::string host(rest.substr(0, colon));
  if (host.empty()) return bad(text, "no host");
  if (!std::ranges::all_of(host, is_host_character)) return bad(text, "not the name of a host");
  if (colon != rest.npos && port.empty()) return bad(text, "no port after the colon");
  return std::pair(host, port);
}

}  // namespace

std::string Endpoint::url() const {
  if (!unix_socket.empty()) return (tls ? "unixs://" : "unix://") + unix_socket;
  auto shown = host.contains(':') ? "[" + host + "]" : host;
  return (tls ? "https://" : "http://") + shown + ":" + std::to_string(port);
}

bool Endpoint::is_local() const {
  if (!unix_socket.empty() || host == "localhost" || host == "::1") return true;
  std::array<unsigned char, 4> address;
  return ::inet_pton(AF_INET, host.c_str(), address.data()) == 1 && address[0] == 127;
}

Result<Endpoint> parse_endpoint(std::string_view text, uint16_t default_port, bool tls_by_default) {
  Endpoint endpoint;
  endpoint.tls = tls_by_default;
  auto rest = text;
  if (auto scheme_end = text.find("://"); scheme_end != text.npos) {
    auto scheme = text.substr(0, scheme_end);
    rest = text.substr(scheme_end + 3);
    endpoint.tls = scheme == "https" || scheme == "unixs";
    if (scheme == "unix" || scheme == "unixs") {
      if (!rest.starts_with('/')) return bad(text, "a unix socket needs a path from /");
      endpoint.unix_socket = rest;
      return endpoint;
    }
    if (scheme != "https" && scheme != "http")
      return bad(text, "unknown scheme " + escaped(scheme), "use https://HOST:2379");
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.contains('@')) return bad(text, "user and password do not belong into an endpoint");
  if (rest.find_first_of("/?#") != rest.npos) return bad(text, "unexpected path");
  auto [host, port] = TRY(split_port(text, rest));
  endpoint.host = host;
  endpoint.port = default_port;
  if (!port.empty()) {
    auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
    if (error != std::errc() || end != port.data() + port.size() || endpoint.port == 0)
      return bad(text, "the port is no number from 1 to 65535");
  }
  return endpoint;
}

}  // namespace snap::net
