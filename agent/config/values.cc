#include "config/values.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <format>
#include <limits>
#include <optional>

#include "base/names.h"
#include "base/text.h"

namespace snap::config {
namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};

constexpr std::array<Unit, 17> kSizes = {{{"PiB", 1ULL << 50},
                                          {"TiB", 1ULL << 40},
                                          {"GiB", 1ULL << 30},
                                          {"MiB", 1ULL << 20},
                                          {"KiB", 1ULL << 10},
                                          {"Pi", 1ULL << 50},
                                          {"Ti", 1ULL << 40},
                                          {"Gi", 1ULL << 30},
                                          {"Mi", 1ULL << 20},
                                          {"Ki", 1ULL << 10},
                                          {"PB", 1'000'000'000'000'000},
                                          {"TB", 1'000'000'000'000},
                                          {"GB", 1'000'000'000},
                                          {"MB", 1'000'000},
                                          {"kB", 1'000},
                                          {"KB", 1'000},
                                          {"B", 1}}};
constexpr std::array<Unit, 4> kTimes = {{{"d", 86'400}, {"h", 3'600}, {"m", 60}, {"s", 1}}};

constexpr uint64_t kMaxBytes = std::numeric_limits<int64_t>::max();
constexpr uint64_t kMaxSeconds = 36'500ULL * 86'400;
constexpr uint64_t kMaxCount = 1'000'000;

// The digits at the start of `text`, taken off it; nothing when there are none or they pass 2^64.
std::optional<uint64_t> take_number(std::string_view& text) {
  uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return number;
}

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_host_name(std::string_view host) {
  return !host.empty() && host.size() <= 253 && is_alnum(host.front()) &&
         std::ranges::all_of(
             host, [](char c) { return is_alnum(c) || c == '.' || c == '-' || c == '_'; });
}

// HOST and PORT of an endpoint without its scheme; `host` keeps its brackets.
Result<void> check_authority(std::string_view authority, std::string_view scheme) {
  if (authority.find_first_of("/?#") != std::string_view::npos)
    return fail(Code::invalid, "has more than a host and a port", "remove what follows the port");
  std::string_view host = authority;
  std::string_view port;
  if (authority.starts_with('[')) {
    auto end = authority.find(']');
    if (end == std::string_view::npos || !is_ipv6(authority.substr(1, end - 1)))
      return fail(Code::invalid, "holds no IPv6 address between its brackets");
    host = authority.substr(0, end + 1);
    port = authority.substr(end + 1);
  } else {
    if (std::ranges::count(authority, ':') > 1) {
      auto last = authority.rfind(':');
      return fail(Code::invalid, "holds an IPv6 address without brackets",
                  std::format("write {}://[{}]{}", scheme, escaped(authority.substr(0, last)),
                              escaped(authority.substr(last))));
    }
    auto colon = std::min(authority.find(':'), authority.size());
    host = authority.substr(0, colon);
    port = authority.substr(colon);
    if (!is_host_name(host)) return fail(Code::invalid, "names no host");
  }
  if (port.empty()) return fail(Code::invalid, "names no port", "etcd's port is :2379");
  bool colon = port.front() == ':';
  port.remove_prefix(1);
  auto number = colon && port.size() <= 5 ? take_number(port) : std::nullopt;
  if (!number || !port.empty() || *number < 1 || *number > 65'535)
    return fail(Code::invalid, "names no port from 1 to 65535");
  return {};
}

}  // namespace

Result<uint64_t> parse_size(std::string_view text) {
  auto wrong = [] {
    return fail(Code::invalid, "is not a size", "write bytes, or a unit as in 10GiB or 500MB");
  };
  auto number = take_number(text);
  if (!number) return wrong();
  auto name = trim(text);
  uint64_t factor = 1;
  if (!name.empty()) {
    auto unit = std::ranges::find(kSizes, name, &Unit::name);
    if (unit == kSizes.end()) return wrong();
    factor = unit->factor;
  }
  if (*number > kMaxBytes / factor) return fail(Code::invalid, "is larger than any disk");
  return *number * factor;
}

Result<std::chrono::seconds> parse_duration(std::string_view text) {
  auto wrong = [] {
    return fail(Code::invalid, "is not a duration",
                "write whole days, hours, minutes or seconds, as in 5d, 1h30m or 60s");
  };
  if (text == "0") return std::chrono::seconds(0);
  if (text.empty()) return wrong();
  uint64_t total = 0;
  const Unit* last = nullptr;
  while (!text.empty()) {
    auto number = take_number(text);
    if (!number || text.empty()) return wrong();
    auto unit = std::ranges::find(kTimes, text.substr(0, 1), &Unit::name);
    if (unit == kTimes.end() || (last && unit->factor >= last->factor)) return wrong();
    if (*number > kMaxSeconds / unit->factor) return fail(Code::invalid, "is more than 100 years");
    total += *number * unit->factor;
    last = unit;
    text.remove_prefix(1);
  }
  if (total > kMaxSeconds) return fail(Code::invalid, "is more than 100 years");
  return std::chrono::seconds(total);
}

Result<std::chrono::seconds> parse_stall_limit(std::string_view text) {
  using namespace std::chrono_literals;
  auto limit = TRY(parse_duration(text));
  if (limit < 1s || limit > 24h) return fail(Code::invalid, "is not between 1s and 1d");
  return limit;
}

Result<uint64_t> parse_count(std::string_view text) {
  auto number = take_number(text);
  if (!number || !text.empty() || *number > kMaxCount)
    return fail(Code::invalid, std::format("is not a whole number from 0 to {}", kMaxCount));
  return *number;
}

Result<std::string> parse_endpoint(std::string_view text) {
  if (text.contains('@'))
    return fail(Code::invalid, "carries a user or a password",
                "use etcd.username and etcd.passwordFile");
  auto scheme_end = text.find("://");
  auto scheme = lower_case(text.substr(0, std::min(scheme_end, text.size())));
  bool socket = scheme == "unix" || scheme == "unixs";
  if (scheme_end != std::string_view::npos && socket) {
    return scheme + "://" + TRY(parse_path(text.substr(scheme_end + 3)));
  }
  if (scheme_end == std::string_view::npos || (scheme != "https" && scheme != "http"))
    return fail(Code::invalid, "does not begin with https:// or http://",
                "write it as https://127.0.0.1:2379");
  auto authority = text.substr(scheme_end + 3);
  if (authority.ends_with('/')) authority.remove_suffix(1);
  TRY(check_authority(authority, scheme));
  return scheme + "://" + std::string(authority);
}

Result<std::string> parse_base_url(std::string_view text) {
  if (text.contains('@'))
    return fail(Code::invalid, "carries a user or a password", "leave it out");
  auto scheme_end = std::min(text.find("://"), text.size());
  auto scheme = lower_case(text.substr(0, scheme_end));
  if (scheme != "https" && scheme != "http")
    return fail(Code::invalid, "does not begin with https:// or http://",
                "write it as http://pushgateway:9091");
  auto rest = text.substr(std::min(scheme_end + 3, text.size()));
  auto slash = std::min(rest.find('/'), rest.size());
  auto authority = rest.substr(0, slash);
  auto path = rest.substr(slash);
  while (path.ends_with('/')) path.remove_suffix(1);
  auto strange = [](char c) { return !is_alnum(c) && !std::string_view("/-._~%").contains(c); };
  if (std::ranges::any_of(path, strange))
    return fail(Code::invalid, "holds a character that no path of a server has");
  auto bracket = std::min(authority.find(']'), authority.size());
  bool port = authority.substr(bracket).contains(':') ||
              (bracket == authority.size() && authority.contains(':'));
  TRY(check_authority(std::string(authority) + (port ? "" : ":80"), scheme));
  return std::format("{}://{}{}", scheme, authority, path);
}

bool is_loopback(std::string_view endpoint) {
  auto authority = endpoint.substr(std::min(endpoint.find("://") + 3, endpoint.size()));
  if (authority.starts_with("[")) {
    in6_addr address{};
    auto host = std::string(authority.substr(1, authority.find(']') - 1));
    return ::inet_pton(AF_INET6, host.c_str(), &address) == 1 && IN6_IS_ADDR_LOOPBACK(&address);
  }
  auto host = lower_case(authority.substr(0, authority.find(':')));
  in_addr address{};
  if (host == "localhost") return true;
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

Result<std::string> parse_path(std::string_view text) {
  if (!text.starts_with('/')) {
    return fail(Code::invalid, "is not an absolute path",
                "write the whole path, beginning with a slash");
  }
  auto end = text.find_last_not_of('/');
  if (end == std::string_view::npos)
    return fail(Code::invalid, "is the root of the file system", "name a directory below it");
  return std::string(text.substr(0, end + 1));
}

Result<std::string> parse_pattern(std::string_view text) {
  if (text.empty() || text == "/") return fail(Code::invalid, "matches no file");
  if (!text.starts_with('/') && text.contains('/'))
    return fail(Code::invalid, "is neither an absolute path nor a name without a slash",
                "write it as /etc/kubernetes/tmp or *.bak");
  return std::string(text);
}

Result<std::string> parse_host(std::string_view text) {
  if (!is_host_name(text) && !is_ipv6(text))
    return fail(Code::invalid, "is not a host name or address");
  return std::string(text);
}

Result<bool> parse_bool(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return fail(Code::invalid, "is neither true nor false");
}

Result<std::string> parse_object_name(std::string_view text) {
  if (!is_dns_name(text, 253))
    return fail(Code::invalid, "is not the name of a Kubernetes object",
                "use up to 253 of a-z, 0-9, '.' and '-', the first and last a letter or digit");
  return std::string(text);
}

Result<std::string> parse_selector(std::string_view text) {
  constexpr std::string_view kSigns = "._/-=!,() ";
  auto allowed = [&](char c) { return is_alnum(c) || kSigns.contains(c); };
  if (!std::ranges::all_of(text, allowed) || std::ranges::none_of(text, is_alnum))
    return fail(Code::invalid, "is not a label selector",
                "write it as etcd-snapshot.example.com/role=mirror");
  int depth = 0;  // in the values of "in (a, b)"
  std::string outer;
  for (auto c : text) {
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (depth == 0) outer += c;
  }
  bool asks = std::ranges::any_of(split(outer, ','), [](const std::string& part) {
    return !trim(part).starts_with('!') && !part.contains("!=") && !part.contains(" notin ");
  });
  if (!asks)
    return fail(Code::invalid, "only excludes nodes, so that every other node would be picked",
                "name a label that the nodes carry");
  return std::string(trim(text));
}

std::string show_size(uint64_t bytes) {
  for (auto [name, factor] : kSizes) {
    if (factor > 1 && bytes > 0 && bytes % factor == 0)
      return std::format("{}{}", bytes / factor, name);
  }
  return std::format("{}", bytes);
}

std::string show_duration(std::chrono::seconds duration) {
  auto rest = static_cast<uint64_t>(duration.count());
  std::string out;
  for (auto [name, factor] : kTimes) {
    if (rest >= factor) out += std::format("{}{}", rest / factor, name);
    rest %= factor;
  }
  return out.empty() ? "0s" : out;
}

}  // namespace snap::config
