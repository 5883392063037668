#include <array>
#include <utility>

#include "base/text.h"
#include "config/config.h"

namespace snap::config {

Result<Override> parse_set(std::string_view text) {
  auto equals = text.find('=');
  // The text may be a secret that lost its key: it is not printed.
  if (equals == std::string_view::npos || equals == 0)
    return fail(Code::invalid, "--set without a key and a value",
                "write it as --set retention.keepLast=7");
  return Override{.key = std::string(trim(text.substr(0, equals))),
                  .value = std::string(text.substr(equals + 1)),
                  .origin = "--set"};
}

Overrides etcdctl_environment(const std::function<const char*(const char*)>& get) {
  constexpr std::array<std::pair<const char*, const char*>, 4> kVariables = {
      {{"ETCDCTL_ENDPOINTS", "etcd.endpoints"},
       {"ETCDCTL_CACERT", "etcd.cacert"},
       {"ETCDCTL_CERT", "etcd.cert"},
       {"ETCDCTL_KEY", "etcd.key"}}};
  Overrides found;
  for (auto [variable, key] : kVariables) {
    const char* value = get(variable);
    if (value && *value)
      found.push_back({.key = key, .value = value, .origin = variable, .from_environment = true});
  }
  return found;
}

}  // namespace snap::config
