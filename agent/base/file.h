// POSIX files: descriptors that close themselves, whole reads and writes, durable renames, errno as
// an Error.
//
// Every descriptor is O_CLOEXEC. Paths come from the configuration or are checked names; functions
// that take one follow no symlink in the last component unless they say so.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"

namespace snap {

// An Error out of errno: ENOSPC, EDQUOT and EFBIG are no_space, EACCES, EPERM and EROFS denied,
// ENOENT and ENOTDIR not_found, EEXIST and ENOTEMPTY exists, everything else internal. The text is
// "doing: no space left on device".
Error errno_error(int error_number, std::string_view doing);
std::unexpected<Error> fail_errno(int error_number, std::string_view doing);

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Fd(const Fd&) = delete;
  ~Fd();  // closes; an error is lost, so files that were written are closed by name before

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  // Gives the descriptor up, unclosed.
  int release() { return std::exchange(fd_, -1); }
  // Reports the error that close gives: a network file system may refuse what was written only
  // here.
  Result<void> close(std::string_view what) &&;

 private:
  int fd_ = -1;
};

// open(2) with O_CLOEXEC and O_NOFOLLOW added. `mode` counts with O_CREAT only.
Result<Fd> open_file(const std::string& path, int flags, mode_t mode = 0);
Result<Fd> open_file_at(int directory, const std::string& name, int flags, mode_t mode = 0);

// Reads until `into` is full or the file ends; returns what was read.
Result<size_t> read_full(int fd, MutableBytes into, std::string_view what);
Result<size_t> pread_full(int fd, MutableBytes into, uint64_t offset, std::string_view what);
// Writes all of it: short writes and EINTR are looped over.
Result<void> write_full(int fd, Bytes data, std::string_view what);

Result<uint64_t> file_size(int fd, std::string_view what);
Result<void> sync_file(int fd, std::string_view what);
// fsync of the directory itself: makes names in it durable.
Result<void> sync_directory(const std::string& path);

// The whole of a regular file of at most `max_bytes`; larger is `invalid`, a fifo or device is
// refused without being read. Follows symlinks: mounted Secrets are symlinks.
Result<std::string> read_small_file(const std::string& path, uint64_t max_bytes);

// Replaces `path` by a file with this content: a temporary file beside it, fsync, rename, fsync of
// the directory. After an error the old content stands and no temporary file is left.
Result<void> replace_file(const std::string& path, std::string_view content, mode_t mode);

// 16 random hexadecimal digits: for temporary names that nobody can prepare a trap for.
std::string random_token();

// "a/b" of "a/b/c"; "." when there is no slash; "/" of "/c".
std::string parent_directory(const std::string& path);

}  // namespace snap
