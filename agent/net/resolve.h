// Host names to addresses, in bounded time.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"

namespace snap::net {

// Numeric addresses of `host`, in the order to try them; a literal address is itself. A resolver
// that stays silent ends with `timeout` after `limit`, not when it gives up.
//
// Errors: not_found  no such name; unavailable  the resolver failed; timeout; cancelled
Result<std::vector<std::string>> resolve(const std::string& host, std::chrono::milliseconds limit,
                                         const std::stop_token& stop);

}  // namespace snap::net
