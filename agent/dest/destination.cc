#include "dest/destination.h"

#include <algorithm>
#include <format>

#include "base/text.h"

namespace snap::dest {

Result<void> check_name(const std::string& name) {
  auto control = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '/';
  };
  if (name.empty() || name.size() > 255 || name.front() == '.' ||
      std::ranges::any_of(name, control)) {
    return fail(Code::invalid,
                std::format("'{}' is no valid name at a destination", escaped(name)));
  }
  return {};
}

std::string incoming_name(const std::string& group) { return ".incoming-" + group; }

}  // namespace snap::dest
