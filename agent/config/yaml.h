// A YAML text as a tree that remembers lines. Private to this room.
//
// Takes what a configuration needs and JSON has: maps with text as keys, lists, scalars. Refuses
// what makes files ambiguous or expensive: anchors, aliases, tags, repeated keys, several
// documents, depth, size. yaml-cpp itself keeps the last of two equal keys without a word.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace snap::config {

inline constexpr size_t kMaxFileBytes = 256 << 10;

struct Node {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  int line = 0;             // from 1
  std::string text;         // of a scalar
  std::vector<Node> items;  // of a list; of a map its values
  struct Key {
    std::string text;
    int line = 0;
  };
  std::vector<Key> keys;  // of a map, as many as items
};

// The one document of `text`, never null. Error: invalid  with `file` and line. Takes under a
// second for any text.
Result<Node> read_yaml(std::string_view text, std::string_view file);

// "config.yaml:12: ": the start of every message about a place in a file.
std::string at_line(std::string_view file, int line);

}  // namespace snap::config
