#include "node/host_tree.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <format>

#include "base/text.h"

namespace snap::node {
namespace {

constexpr int kMaxLinks = 40;  // as the kernel's own limit

std::vector<std::string> components(std::string_view path) {
  auto parts = split(path, '/');
  std::erase_if(parts, [](const auto& part) { return part.empty() || part == "."; });
  return parts;
}

}  // namespace

Result<FileInfo> look_at(int directory, const std::string& name) {
  struct statx info{};
  int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (name.empty() ? AT_EMPTY_PATH : 0);
  if (::statx(directory, name.c_str(), flags, STATX_BASIC_STATS | STATX_MNT_ID, &info) != 0)
    return fail_errno(errno, std::format("look at {}", escaped(name)));
  auto device = (uint64_t{info.stx_dev_major} << 32) | info.stx_dev_minor;
  // Before Linux 5.8 there is no mount id; a bind mount then looks like its surroundings.
  bool knows_mount = (info.stx_mask & STATX_MNT_ID) != 0;
  return FileInfo{.mode = info.stx_mode,
                  .uid = info.stx_uid,
                  .gid = info.stx_gid,
                  .size = info.stx_size,
                  .mtime_s = info.stx_mtime.tv_sec,
                  .mtime_ns = info.stx_mtime.tv_nsec,
                  .ctime_s = info.stx_ctime.tv_sec,
                  .ctime_ns = info.stx_ctime.tv_nsec,
                  .inode = info.stx_ino,
                  .device = device,
                  .mount = knows_mount ? info.stx_mnt_id : device};
}

Result<std::string> link_target(int directory, const std::string& name) {
  std::array<char, PATH_MAX> target;
  auto size = ::readlinkat(directory, name.c_str(), target.data(), target.size());
  if (size < 0) return fail_errno(errno, std::format("read link {}", escaped(name)));
  return std::string(target.data(), static_cast<size_t>(size));
}

Result<HostTree> HostTree::open(const std::string& host_root) {
  Fd root(::open(host_root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return fail_errno(errno, std::format("open {}", escaped(host_root)));
  return HostTree(std::move(root));
}

Result<HostTree::Place> HostTree::place_of(const std::string& path) const {
  auto parts = components(path);
  if (parts.empty()) parts.push_back(".");
  Place place{Fd(::fcntl(root_.get(), F_DUPFD_CLOEXEC, 0)), parts.back()};
  if (!place.directory) return fail_errno(errno, "open the root directory");
  parts.pop_back();
  for (const auto& part : parts) {
    Fd next(::openat(place.directory.get(), part.c_str(),
                     O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next) return fail_errno(errno, std::format("open /{}", escaped(path)));
    place.directory = std::move(next);
  }
  return place;
}

Result<Fd> HostTree::open_path(const std::string& path, int flags) const {
  auto place = TRY(place_of(path));
  int fd = -1;
  do {
    fd = ::openat(place.directory.get(), place.name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return fail_errno(errno, std::format("open /{}", escaped(path)));
  return Fd(fd);
}

Result<FileInfo> HostTree::look(const std::string& path) const {
  auto place = TRY(place_of(path));
  return look_at(place.directory.get(), place.name);
}

Result<std::string> HostTree::link(const std::string& path) const {
  auto place = TRY(place_of(path));
  return link_target(place.directory.get(), place.name);
}

Result<HostTree::Resolved> HostTree::resolve(const std::string& absolute) const {
  Resolved resolved;
  std::vector<std::string> real;
  auto first = components(absolute);
  std::deque<std::string> ahead(first.begin(), first.end());
  while (!ahead.empty()) {
    auto part = std::move(ahead.front());
    ahead.pop_front();
    if (part == "..") {
      if (!real.empty()) real.pop_back();
      continue;
    }
    real.push_back(part);
    auto path = join(real, "/");
    auto info = TRY(look(path));
    if (!S_ISLNK(info.mode)) continue;
    if (resolved.links.size() == kMaxLinks)
      return fail(Code::invalid, std::format("too many symbolic links in {}", escaped(absolute)));
    auto target = TRY(link(path));
    resolved.links.push_back(std::move(path));
    if (target.starts_with('/')) {
      real.clear();
    } else {
      real.pop_back();
    }
    auto more = components(target);
    ahead.insert(ahead.begin(), more.begin(), more.end());
  }
  resolved.path = join(real, "/");
  return resolved;
}

}  // namespace snap::node
