// Is a text a JSON object? Private to the room, for the few that etcd stores.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace snap::snapshot {

struct JsonObject {
  std::optional<uint64_t> id;  // the number of its own field "id", which may exceed 2^53
};

// Nothing when it is no JSON, or something else than an object, or nested deeper than 32 levels.
std::optional<JsonObject> read_json_object(std::string_view text);

}  // namespace snap::snapshot
