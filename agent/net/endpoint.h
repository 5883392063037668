// Addresses of servers as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace snap::net {

struct Endpoint {
  bool tls = false;
  std::string host;         // name or literal, IPv6 without brackets; empty for a unix socket
  uint16_t port = 0;        // 0 for a unix socket
  std::string unix_socket;  // path of the socket; empty for TCP

  // "https://[::1]:2379", "unix:///run/etcd.sock": without user info, path or query.
  std::string url() const;
  // A loopback address, "localhost" or a unix socket: what is sent there does not leave the host.
  bool is_local() const;
};

// Reads "https://host:port", "http://...", "unix://PATH", "unixs://PATH" (TLS over a unix socket),
// or "host:port" whose scheme is then `tls_by_default`. A missing port is `default_port`.
//
// Errors: invalid  another scheme, user info, a path or query, a bad port, IPv6 without brackets
Result<Endpoint> parse_endpoint(std::string_view text, uint16_t default_port, bool tls_by_default);

}  // namespace snap::net
