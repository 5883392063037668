#include "support/parts.h"

#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

namespace snap::test {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// As the scripts have it.
std::string cache() {
  auto own = variable("ETCD_SNAPSHOT_CACHE"), all = variable("XDG_CACHE_HOME"),
       home = variable("HOME");
  if (!own.empty()) return own;
  if (all.empty()) all = (home.empty() ? "/root" : home) + "/.cache";
  return all + "/etcd-snapshot";
}

std::string brought(const std::string& path, const std::string& name) {
  if (::access(path.c_str(), X_OK) != 0)
    throw std::runtime_error("no " + path + ": run scripts/parts " + name);
  return path;
}

}  // namespace

std::string part(const std::string& path, const std::string& name) {
  return brought(cache() + "/parts/" + path, name);
}

std::string kube_part(const std::string& program) {
  auto kube = variable("KUBE_CACHE");
  if (kube.empty()) kube = cache() + "/kube-" SNAP_KUBE_VERSION;
  return brought(kube + "/bin/" + program, "kube");
}

}  // namespace snap::test
