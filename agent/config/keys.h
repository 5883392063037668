// The table of keys. Private to this room.
//
// A new key is a field of Config, a row in keys.cc and its rows in the tests.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/config.h"

namespace snap::config {

// When a refused value may be printed.
enum class Print {
  yes,
  url,   // unless it looks like one with a password in it
  never  // where somebody may have put a secret instead of its file
};

struct Key {
  std::string_view name;  // "retention.keepLast"
  bool list = false;
  Print print = Print::yes;
  // Checks one value and stores it; of a list one element, appended. Errors as in values.h.
  Result<void> (*set)(Config&, const std::string& text) = nullptr;
  void (*clear)(Config&) = nullptr;              // lists only
  std::string (*show)(const Config&) = nullptr;  // the value as a file could hold it
};

std::span<const Key> keys();
const Key* find_key(std::string_view name);  // null: no such key
bool is_section(std::string_view name);      // "retention"

// The known name nearest to the last part of the unknown key `name`, among those of its section:
// "keepLast" for "retention.keeplast".
std::optional<std::string> suggestion(std::string_view name);

}  // namespace snap::config
