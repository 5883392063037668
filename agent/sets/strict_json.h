// JSON from anybody, read strictly. Private to this room.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/result.h"

namespace snap::sets {

// RFC 8259 without what readers understand in different ways: a key twice in one object, a byte
// order mark, NUL bytes, more than `max_depth` levels. Memory is bounded by the text's size, stack
// by nothing of it.
//
// Errors: corrupt
Result<nlohmann::json> parse_strict(std::string_view text, size_t max_depth);

}  // namespace snap::sets
