// TCP connections in bounded time.
#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>

#include "base/file.h"
#include "base/result.h"

namespace snap::net {

// Resolves and connects, one address after the other; name and connection together take no longer
// than `limit`. The socket blocks and sends small packets at once (TCP_NODELAY).
//
// Errors: not_found    no such name
//         unavailable  refused, no route
//         timeout      nobody answered within the limit; cancelled
Result<Fd> connect_tcp(const std::string& host, uint16_t port, std::chrono::milliseconds limit,
                       const std::stop_token& stop);

}  // namespace snap::net
