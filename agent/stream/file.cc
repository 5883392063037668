#include "stream/file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <format>
#include <utility>

namespace snap::stream {
namespace {

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

class FileSink : public Sink {
 public:
  FileSink(Fd fd, std::string what) : fd_(std::move(fd)), what_(std::move(what)) {}

  Result<void> write(Bytes data) override {
    TRY(write_full(fd_.get(), data, what_));
    written_ += data.size();
    // Early write-back, never waited for here: an error of it is reported by the fsync.
    if (written_ - started_ >= kWriteBackBytes) {
      ::sync_file_range(fd_.get(), static_cast<off_t>(started_),
                        static_cast<off_t>(written_ - started_), SYNC_FILE_RANGE_WRITE);
      started_ = written_;
    }
    return {};
  }

  Result<void> finish() override {
    TRY(sync_file(fd_.get(), what_));
    return std::move(fd_).close(what_);
  }

 private:
  static constexpr uint64_t kWriteBackBytes = 8 << 20;
  Fd fd_;
  std::string what_;
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

std::unique_ptr<Sink> file_sink(Fd fd, std::string what) {
  return std::make_unique<FileSink>(std::move(fd), std::move(what));
}

}  // namespace snap::stream
