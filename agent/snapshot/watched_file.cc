#include "snapshot/watched_file.h"

#include <fcntl.h>

#include <cerrno>
#include <format>

#include "base/text.h"

namespace snap::snapshot {
namespace {

Result<void> require_regular(const struct stat& file, const std::string& name) {
  if (S_ISREG(file.st_mode)) return {};
  return fail(Code::invalid,
              escaped(name) + (S_ISDIR(file.st_mode) ? ": is a directory" : ": not a regular file"),
              "name a snapshot file");
}

}  // namespace

Result<Fd> open_regular(const std::string& path) {
  struct stat file = {};
  if (::stat(path.c_str(), &file) != 0) return fail_errno(errno, "open " + escaped(path));
  TRY(require_regular(file, path));  // before opening: opening alone moves a tape
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return fail_errno(errno, "open " + escaped(path));
  return fd;
}

Result<WatchedFile> WatchedFile::watch(int fd, const std::string& name) {
  WatchedFile file(fd, name);
  if (::fstat(fd, &file.before_) != 0) return fail_errno(errno, "look at " + escaped(name));
  TRY(require_regular(file.before_, name));
  return file;
}

Result<std::optional<std::string>> WatchedFile::change(const std::string* path) const {
  struct stat now = {};
  if (::fstat(fd_, &now) != 0) return fail_errno(errno, "look at " + escaped(name_));
  if (now.st_size != before_.st_size)
    return std::format("changed while reading: it was {} bytes, now it is {}", before_.st_size,
                       now.st_size);
  if (now.st_mtim.tv_sec != before_.st_mtim.tv_sec ||
      now.st_mtim.tv_nsec != before_.st_mtim.tv_nsec)
    return "changed while reading: it was written to";
  if (path && (::stat(path->c_str(), &now) != 0 || now.st_ino != before_.st_ino ||
               now.st_dev != before_.st_dev))
    return "changed while reading: its name was removed or given to another file";
  return std::nullopt;
}

}  // namespace snap::snapshot
