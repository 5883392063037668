#include "config/secret.h"

#include <sys/stat.h>

#include <algorithm>
#include <format>

#include "base/file.h"
#include "base/text.h"

namespace snap::config {
namespace {

constexpr uint64_t kMaxBytes = 64 << 10;

}  // namespace

Result<Secret> read_secret(const std::string& path) {
  auto name = escaped(path);
  auto text = read_small_file(path, kMaxBytes);
  if (!text) {
    auto error = std::move(text).error();
    error.message = "secret: " + escaped(error.message);
    return std::unexpected(std::move(error));
  }
  Secret secret{.value = std::move(*text), .warning = {}};
  if (secret.value.ends_with('\n')) secret.value.pop_back();
  if (secret.value.ends_with('\r')) secret.value.pop_back();
  if (secret.value.empty())
    return fail(Code::invalid, std::format("secret {}: is empty", name),
                "write the secret into it, as one line");
  if (std::ranges::any_of(secret.value,
                          [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }))
    return fail(Code::invalid,
                std::format("secret {}: holds more than one line, or control characters", name),
                "write the secret into it, as one line");
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0 && (info.st_mode & (S_IROTH | S_IWOTH)) != 0)
    secret.warning = std::format("secret {}: every user of this host may read it", name);
  return secret;
}

}  // namespace snap::config
