// A file that must stay the same while it is read. Private to the room.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include "base/file.h"

namespace snap::snapshot {

// Opens a regular file for reading; symlinks are followed. Never waits for a fifo or device.
Result<Fd> open_regular(const std::string& path);

class WatchedFile {
 public:
  // Errors: invalid  not a regular file
  static Result<WatchedFile> watch(int fd, const std::string& name);

  uint64_t size_bytes() const { return static_cast<uint64_t>(before_.st_size); }
  // In words, what is different since watch(); `path`, if given, must still name this file.
  Result<std::optional<std::string>> change(const std::string* path) const;

 private:
  WatchedFile(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}
  int fd_;  // not owned
  std::string name_;
  struct stat before_ = {};
};

}  // namespace snap::snapshot
