// Dates in the heads of answers.
#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"

namespace snap::net {

// "Sat, 21 Nov 2026 01:30:00 GMT"; anything else is nothing.
std::optional<Seconds> from_http_date(std::string_view text);

}  // namespace snap::net
