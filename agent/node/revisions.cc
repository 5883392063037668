#include "node/revisions.h"

#include <charconv>
#include <filesystem>
#include <format>
#include <optional>

#include "base/file.h"
#include "base/text.h"

namespace snap::node {
namespace {

constexpr uint64_t kMaxManifestBytes = 1 << 20;

// The number at the beginning of `text`.
std::optional<uint64_t> leading_number(std::string_view text) {
  uint64_t number = 0;
  auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc{}) return std::nullopt;
  return number;
}

std::optional<uint64_t> number_in(std::string_view manifest, std::string_view prefix) {
  for (size_t at = manifest.find(prefix); at != manifest.npos; at = manifest.find(prefix, at + 1)) {
    if (auto number = leading_number(manifest.substr(at + prefix.size()))) return number;
  }
  return std::nullopt;
}

std::optional<uint64_t> highest(const std::string& root, std::string_view prefix) {
  auto slash = prefix.rfind('/');
  auto name = prefix.substr(slash + 1);
  std::optional<uint64_t> best;
  std::error_code error;
  std::filesystem::directory_iterator entries(root + std::string(prefix.substr(0, slash)), error);
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    auto file = entries->path().filename().string();
    if (!file.starts_with(name)) continue;
    auto number = leading_number(std::string_view(file).substr(name.size()));
    if (number && (!best || *best < *number)) best = number;
  }
  return best;
}

}  // namespace

Revision revision_in_use(const std::string& root, const Revisions& row) {
  auto manifest = read_small_file(root + std::string(row.manifest), kMaxManifestBytes);
  auto number = manifest ? number_in(*manifest, row.prefix) : std::nullopt;
  if (number) return {std::format("{}{}", row.prefix, *number), ""};
  auto why = manifest ? std::format("{} names no {}N", row.manifest, row.prefix)
                      : escaped(manifest.error().message);
  auto newest = highest(root, row.prefix);
  if (!newest) {
    return {std::format("{}*", row.prefix),
            std::format("{}, and there is none: cluster-restore.sh cannot use the archive", why)};
  }
  return {std::format("{}{}", row.prefix, *newest),
          std::format("{}: the revision with the highest number is taken, {}{}", why, row.prefix,
                      *newest)};
}

}  // namespace snap::node
