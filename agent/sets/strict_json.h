// JSON from anybody, read strictly. Private to this room.
//
// The values are our own, for the day that memory runs out: those of nlohmann::json (3.11) allocate
// when they are destroyed, which ends the program, and follow a null pointer when one of them was
// left half made. Here it ends in bad_alloc, wherever it happens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace snap::sets {

struct JsonValue {
  struct Other {};  // true, false, a number below 0 or no whole one: nothing of ours is written so
  struct List {
    std::vector<JsonValue> items;
  };
  struct Object {
    std::vector<JsonValue> members;  // by key
  };

  std::string key;  // of a member of an object
  std::variant<std::nullptr_t, Other, uint64_t, std::string, List, Object> held = nullptr;

  // Null where the value is of another kind.
  template <class T>
  const T* as() const {
    return std::get_if<T>(&held);
  }
  // The member of an object. Null: there is none, or the value is no object.
  const JsonValue* find(std::string_view name) const;
};

// RFC 8259 without what readers understand in different ways: a key twice in one object, a byte
// order mark, NUL bytes, more than `max_depth` levels. Memory is bounded by the text's size, stack
// by `max_depth`.
//
// Errors: corrupt
Result<JsonValue> parse_strict(std::string_view text, size_t max_depth);

}  // namespace snap::sets
