#include "support/names.h"

#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <stdexcept>
#include <utility>

#include "support/process.h"
#include "support/temp_dir.h"

namespace snap::test {

void know_only_hosts() {
  static bool known = false;  // the file below the mount is gone: it takes no second one
  if (std::exchange(known, true)) return;
  TempDir dir;
  auto file = dir.path("nsswitch.conf");
  write_file(file, "hosts: files\n");
  // Making mounts private is refused in a chroot, where scripts/root has done it already.
  if (::unshare(CLONE_NEWNS) != 0 ||
      (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 && errno != EINVAL) ||
      ::mount(file.c_str(), "/etc/nsswitch.conf", nullptr, MS_BIND, nullptr) != 0)
    throw std::runtime_error("mount over /etc/nsswitch.conf: run the tests as root");
}

}  // namespace snap::test
