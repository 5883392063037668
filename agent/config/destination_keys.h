// The keys of a destination: those of every type, and a table for each type. Private to this room.
//
// A new key is a field of its place in config.h, a row in destination_keys.cc and its rows in the
// tests.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/config.h"
#include "config/keys.h"

namespace snap::config {

// In the order of the alternatives of Destination::place.
inline constexpr std::array<std::string_view, 3> kDestinationTypes = {"nfs", "ssh", "s3"};

// What a destination is while its keys are read: the fields of all types.
struct Draft {
  Destination common;
  NfsPlace nfs;
  SshPlace ssh;
  S3Place s3;
};

struct ItemKey {
  std::string_view name;
  bool required = false;
  bool list = false;
  Print print = Print::yes;
  // Checks one value and stores it; of a list one element, appended. Errors as in values.h.
  Result<void> (*set)(Draft&, const std::string& text) = nullptr;
};

std::span<const ItemKey> common_keys();
// `type`: index in kDestinationTypes.
std::span<const ItemKey> keys_of(size_t type);

}  // namespace snap::config
