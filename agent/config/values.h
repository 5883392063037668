// What a single value may be. Private to this room.
//
// Every function takes the text of one value and returns it checked. Its Error is `invalid` with
// the rest of a sentence that begins with the value ("is not a size"): the caller knows whether the
// value may be printed. Numbers never depend on the locale.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace snap::config {

// Bytes: "1048576", "500MB" (base 1000), "10GiB" or "10Gi" (base 1024); less than 2^63.
Result<uint64_t> parse_size(std::string_view text);

// "5d", "1h30m", "60s", "0"; at most 100 years.
Result<std::chrono::seconds> parse_duration(std::string_view text);

// A limit on silence: a duration from 1s to 1d.
Result<std::chrono::seconds> parse_stall_limit(std::string_view text);

// A whole number from 0 to 1,000,000.
Result<uint64_t> parse_count(std::string_view text);

// "https://HOST:PORT" or "http://HOST:PORT", scheme in lower case, without a slash at its end.
// HOST is a name, an IPv4 address or an IPv6 address in brackets.
Result<std::string> parse_endpoint(std::string_view text);

// "http://HOST", "https://HOST:PORT/PATH": a server whose paths begin there; slashes at its end
// removed.
Result<std::string> parse_base_url(std::string_view text);

// Whether that is 127.0.0.0/8, [::1] or localhost.
bool is_loopback(std::string_view endpoint);

// An absolute path other than "/", slashes at its end removed.
Result<std::string> parse_path(std::string_view text);

// A pattern for leaving files out: an absolute path, or a name without a slash.
Result<std::string> parse_pattern(std::string_view text);

// A host name or address, as it stands in a certificate.
Result<std::string> parse_host(std::string_view text);

// "true" or "false".
Result<bool> parse_bool(std::string_view text);

// The name of an object of Kubernetes: up to 253 of a-z, 0-9, '.' and '-'.
Result<std::string> parse_object_name(std::string_view text);

// A label selector of Kubernetes. It must ask for something: one that is empty or that only
// excludes would pick every node. The API server judges the rest.
Result<std::string> parse_selector(std::string_view text);

// "10GiB", or "1234" where no unit divides it; "5d", "1h30m": what the functions above read.
std::string show_size(uint64_t bytes);
std::string show_duration(std::chrono::seconds duration);

}  // namespace snap::config
