#include "base/file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <format>
#include <system_error>

#include "base/part.h"

namespace snap {
namespace {

std::string lower_first(std::string text) {
  if (text.size() > 1 && !(text[1] >= 'A' && text[1] <= 'Z') && text[0] >= 'A' && text[0] <= 'Z') {
    text[0] = static_cast<char>(text[0] - 'A' + 'a');
  }
  return text;
}

Code code_of(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return Code::no_space;
    case EACCES:
    case EPERM:
    case EROFS: return Code::denied;
    case ENOENT:
    case ENOTDIR: return Code::not_found;
    case EEXIST:
    case ENOTEMPTY: return Code::exists;
    default: return Code::internal;
  }
}

std::string hint_of(int error_number) {
  switch (error_number) {
    case EDQUOT:
      return "the disk quota of this user or project is used up: raise it or free some of it";
    case EFBIG: return "a file size limit applies: see ulimit -f";
    case EACCES: return "run it as root, or as the user it belongs to";
    case EROFS:
      return "the file system is read-only here: see dmesg, or, in a service of systemd, name the "
             "directory in its ReadWritePaths=";
    case EMFILE:
      return "this process may not open more: raise its limit with ulimit -n, or with LimitNOFILE= "
             "of its systemd unit";
    case ENFILE: return "the whole host has reached its limit: see sysctl fs.file-max";
    case ELOOP: return "a symbolic link is not followed here: name the real path";
    default: return "";
  }
}

}  // namespace

Error errno_error(int error_number, std::string_view doing) {
  auto reason = lower_first(std::generic_category().message(error_number));
  return {code_of(error_number), std::string(doing) + ": " + reason, hint_of(error_number)};
}

std::unexpected<Error> fail_errno(int error_number, std::string_view doing) {
  return std::unexpected(errno_error(error_number, doing));
}

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

Result<void> Fd::close(std::string_view what) && {
  int fd = release();
  // Linux frees the descriptor whatever close returns; EINTR means no more than that a signal came.
  if (fd >= 0 && ::close(fd) != 0 && errno != EINTR)
    return fail_errno(errno, std::format("close {}", what));
  return {};
}

Result<Fd> open_file(const std::string& path, int flags, mode_t mode) {
  return open_file_at(AT_FDCWD, path, flags, mode);
}

Result<Fd> open_file_at(int directory, const std::string& name, int flags, mode_t mode) {
  int fd = -1;
  do {
    fd = ::openat(directory, name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, mode);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0)
    return fail_errno(errno, std::format("{} {}", (flags & O_CREAT) ? "create" : "open", name));
  return Fd(fd);
}

Result<size_t> read_full(int fd, MutableBytes into, std::string_view what) {
  size_t done = 0;
  while (done < into.size()) {
    auto n = ::read(fd, into.data() + done, into.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno(errno, std::format("read {}", what));
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  return done;
}

Result<size_t> pread_full(int fd, MutableBytes into, uint64_t offset, std::string_view what) {
  size_t done = 0;
  while (done < into.size()) {
    auto at = static_cast<off_t>(offset + done);
    auto n = ::pread(fd, into.data() + done, into.size() - done, at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno(errno, std::format("read {} at byte {}", what, offset + done));
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  return done;
}

Result<void> write_full(int fd, Bytes data, std::string_view what) {
  while (!data.empty()) {
    auto n = ::write(fd, data.data(), data.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno(errno, std::format("write {}", what));
    data = data.subspan(static_cast<size_t>(n));
  }
  return {};
}

Result<uint64_t> file_size(int fd, std::string_view what) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return fail_errno(errno, std::format("look at {}", what));
  return static_cast<uint64_t>(info.st_size);
}

Result<void> sync_file(int fd, std::string_view what) {
  if (::fsync(fd) != 0) return fail_errno(errno, std::format("fsync {}", what));
  return {};
}

Result<void> sync_directory(const std::string& path) {
  auto directory = TRY(open_file(path, O_RDONLY | O_DIRECTORY));
  return sync_file(directory.get(), path);
}

Result<std::string> read_small_file(const std::string& path, uint64_t max_bytes) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return fail_errno(errno, std::format("open {}", path));
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return fail_errno(errno, std::format("look at {}", path));
  if (!S_ISREG(info.st_mode)) {
    return fail(Code::invalid, std::format("read {}: not a regular file", path));
  }
  std::string content;
  std::array<char, 16384> chunk;
  while (true) {
    auto n = TRY(read_full(fd.get(), std::as_writable_bytes(std::span(chunk)), path));
    if (n == 0) return content;
    content.append(chunk.data(), n);
    if (content.size() > max_bytes) {
      return fail(Code::invalid, std::format("read {}: larger than {} bytes", path, max_bytes));
    }
  }
}

Result<void> replace_file(const std::string& path, std::string_view content, mode_t mode) {
  auto part = part_name(path);
  auto fd = TRY(open_file(part, O_WRONLY | O_CREAT | O_EXCL, mode));
  auto written = [&]() -> Result<void> {
    if (::fchmod(fd.get(), mode) != 0) return fail_errno(errno, std::format("chmod {}", part));
    TRY(write_full(fd.get(), as_bytes(content), part));
    TRY(sync_file(fd.get(), part));
    TRY(std::move(fd).close(part));
    if (::rename(part.c_str(), path.c_str()) != 0)
      return fail_errno(errno, std::format("rename {} to {}", part, path));
    return {};
  }();
  if (!written) {
    ::unlink(part.c_str());
    return written;
  }
  return sync_directory(parent_directory(path));
}

std::string random_token() {
  std::array<std::byte, 8> bytes{};
  size_t done = 0;
  while (done < bytes.size()) {
    auto n = ::getrandom(bytes.data() + done, bytes.size() - done, 0);
    if (n > 0) done += static_cast<size_t>(n);
  }
  return to_hex(bytes);
}

std::string parent_directory(const std::string& path) {
  auto slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace snap
