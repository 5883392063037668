// Text for people: hostile bytes made visible, sizes and durations, the nearest known word.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace snap {

// `text` with control characters, backslash and bytes that are no UTF-8 as \n, \x1b, \\: safe on a
// terminal and in a log. Names from archives, manifests, servers and directories go through this
// before they are printed.
std::string escaped(std::string_view text);

std::string human_size(uint64_t bytes);  // "1.4 GB", base 1000, at most 4 significant characters
std::string human_duration(std::chrono::seconds duration);  // "41s", "3m 20s", "5h 12m", "3d 4h"

// The first of `known` with the least edit distance to `word`, if it is near enough to be a slip of
// the finger.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string_view> known);

std::string join(std::span<const std::string> parts, std::string_view separator);
std::vector<std::string> split(std::string_view text,
                               char separator);  // "a,,b" gives three parts, "" gives none
std::string_view trim(std::string_view text);    // spaces, tabs, CR and LF at both ends

// "nfs://user:secret@host/path?a=b" as "nfs://host/path": user info and query of a URL never reach
// an output.
std::string redacted_url(std::string_view url);

}  // namespace snap
