#include "stream/file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <format>
#include <utility>

namespace snap::stream {
namespace {

constexpr uintptr_t kAlignment = 4096;  // of memory, offset and size for O_DIRECT, at most

bool aligned(Bytes data) {
  return reinterpret_cast<uintptr_t>(data.data()) % kAlignment == 0 &&
         data.size() % kAlignment == 0;
}

bool set_direct(int fd, bool on) {
  int flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && ::fcntl(fd, F_SETFL, on ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
}

class FileSource : public Source {
 public:
  FileSource(Fd fd, std::string what) : fd_(std::move(fd)), what_(std::move(what)) {
    ::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  Result<size_t> read(MutableBytes into) override { return read_full(fd_.get(), into, what_); }

 private:
  Fd fd_;
  std::string what_;
};

class DiskSource : public Source {
 public:
  DiskSource(Fd fd, std::string what) : fd_(std::move(fd)), what_(std::move(what)) {
    ::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_DONTNEED);
    direct_ = set_direct(fd_.get(), true);
  }
  // What was read through the page cache after all has no business there.
  ~DiskSource() override { ::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_DONTNEED); }

  Result<size_t> read(MutableBytes into) override {
    while (true) {
      if (direct_ && !(aligned(into) && at_ % kAlignment == 0)) through_cache();
      auto n = ::pread(fd_.get(), into.data(), into.size(), static_cast<off_t>(at_));
      if (n < 0 && errno == EINTR) continue;
      // A file system may accept the flag and refuse the read.
      if (n < 0 && errno == EINVAL && direct_) {
        through_cache();
        continue;
      }
      if (n < 0) return fail_errno(errno, std::format("read {}", what_));
      at_ += static_cast<uint64_t>(n);
      return static_cast<size_t>(n);
    }
  }

 private:
  void through_cache() {
    set_direct(fd_.get(), false);
    direct_ = false;
  }

  Fd fd_;
  std::string what_;
  bool direct_ = false;
  uint64_t at_ = 0;
};

// Writes past the page cache where the file system allows it: a snapshot of gigabytes must not push
// etcd's own pages out of memory, and costs a third less time of the processor. Data that is not
// aligned, the last piece as a rule, goes through the cache. So does everything that is read again
// at once: filling the cache by reading costs several times as much as by writing.
class FileSink : public Sink {
 public:
  FileSink(Fd fd, std::string what, Caching caching) : fd_(std::move(fd)), what_(std::move(what)) {
    direct_ = caching == Caching::bypass && set_direct(fd_.get(), true);
  }

  Result<void> write(Bytes data) override {
    while (!data.empty()) {
      if (direct_ && !aligned(data)) direct_ = !set_direct(fd_.get(), false);
      auto n = ::write(fd_.get(), data.data(), data.size());
      if (n < 0 && errno == EINTR) continue;
      // A file system may accept the flag and refuse the write, or an odd short write came before:
      // the cache takes the rest.
      if (n < 0 && errno == EINVAL && direct_ && set_direct(fd_.get(), false)) {
        direct_ = false;
        continue;
      }
      if (n < 0) return fail_errno(errno, std::format("write {}", what_));
      data = data.subspan(static_cast<size_t>(n));
      advance(static_cast<uint64_t>(n));
    }
    return {};
  }

  Result<void> finish() override {
    TRY(sync_file(fd_.get(), what_));
    return std::move(fd_).close(what_);
  }

 private:
  static constexpr uint64_t kWriteBackBytes = 8 << 20;

  void advance(uint64_t bytes) {
    written_ += bytes;
    if (direct_) {
      started_ = written_;
    } else if (written_ - started_ >= kWriteBackBytes) {
      // Early write-back, never waited for here: an error of it is reported by the fsync.
      ::sync_file_range(fd_.get(), static_cast<off_t>(started_),
                        static_cast<off_t>(written_ - started_), SYNC_FILE_RANGE_WRITE);
      started_ = written_;
    }
  }

  Fd fd_;
  std::string what_;
  bool direct_ = false;
  uint64_t written_ = 0;
  uint64_t started_ = 0;  // write-back was started up to here
};

}  // namespace

std::unique_ptr<Source> file_source(Fd fd, std::string what) {
  return std::make_unique<FileSource>(std::move(fd), std::move(what));
}

Result<std::unique_ptr<Source>> open_file_source(const std::string& path) {
  auto fd = TRY(open_file(path, O_RDONLY | O_NONBLOCK));
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return fail_errno(errno, std::format("look at {}", path));
  if (!S_ISREG(info.st_mode))
    return fail(Code::invalid, std::format("open {}: not a regular file", path));
  return file_source(std::move(fd), path);
}

std::unique_ptr<Source> disk_source(Fd fd, std::string what) {
  return std::make_unique<DiskSource>(std::move(fd), std::move(what));
}

std::unique_ptr<Sink> file_sink(Fd fd, std::string what, Caching caching) {
  return std::make_unique<FileSink>(std::move(fd), std::move(what), caching);
}

}  // namespace snap::stream
