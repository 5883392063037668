#include "base/part.h"

#include <filesystem>
#include <string_view>
#include <system_error>

#include "base/file.h"

namespace snap {
namespace {

constexpr std::string_view kPart = ".part";
constexpr size_t kTokenDigits = 16;  // of random_token()

}  // namespace

std::string part_name(const std::string& path) {
  return path + "." + random_token() + std::string(kPart);
}

std::vector<std::string> parts_of(const std::string& path) {
  namespace fs = std::filesystem;
  auto slash = path.rfind('/');
  auto prefix = path.substr(slash == std::string::npos ? 0 : slash + 1) + ".";
  auto is_part = [&](std::string_view name) {
    if (!name.starts_with(prefix) || !name.ends_with(kPart)) return false;
    name.remove_prefix(prefix.size());
    return name.size() == kTokenDigits + kPart.size() &&
           name.find_first_not_of("0123456789abcdef") == kTokenDigits;
  };
  std::vector<std::string> parts;
  std::error_code ignored;
  for (fs::directory_iterator at(parent_directory(path), ignored), end; !ignored && at != end;
       at.increment(ignored)) {
    if (is_part(at->path().filename().string())) parts.push_back(at->path().string());
  }
  return parts;
}

}  // namespace snap
