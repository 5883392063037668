#include "jobs/whole_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <format>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/part.h"
#include "base/text.h"
#include "jobs/lock.h"
#include "stream/file.h"

namespace snap::jobs {
namespace {

struct Part {
  std::string path;
  Fd data;
  Fd lock;  // a duplicate: holds the part until it has its final name
};

// Nothing: somebody who looked for stale parts had it in hand before we held it.
Result<std::optional<Part>> try_part(const std::string& path) {
  auto part = part_name(path);
  auto fd = TRY(open_file(part, O_RDWR | O_CREAT | O_EXCL, 0600));
  bool taken = ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  if (taken || !leads_to(part, fd.get())) return std::nullopt;
  Fd lock(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!lock) {
    auto error = errno;
    ::unlink(part.c_str());
    return fail_errno(error, std::format("hold {}", part));
  }
  return Part{std::move(part), std::move(fd), std::move(lock)};
}

class WholeFile : public stream::Sink {
 public:
  WholeFile(Part part, std::string path)
      : sink_(stream::file_sink(std::move(part.data), part.path, stream::Caching::bypass)),
        lock_(std::move(part.lock)),
        part_(std::move(part.path)),
        path_(std::move(path)) {}
  ~WholeFile() override {
    if (!part_.empty()) ::unlink(part_.c_str());
  }

  Result<void> write(Bytes data) override { return sink_->write(data); }

  Result<void> finish() override {
    TRY(sink_->finish());
    if (::rename(part_.c_str(), path_.c_str()) != 0)
      return fail_errno(errno, std::format("rename {} to {}", part_, path_));
    part_.clear();
    return sync_directory(parent_directory(path_));
  }

 private:
  std::unique_ptr<stream::Sink> sink_;
  Fd lock_;
  std::string part_;  // empty: it has its final name
  std::string path_;
};

// Of a process that has ended, and of this user.
bool is_stale(const std::string& part, int fd) {
  struct stat info{};
  return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == ::geteuid() &&
         info.st_nlink == 1 && ::flock(fd, LOCK_EX | LOCK_NB) == 0 && leads_to(part, fd);
}

}  // namespace

Result<std::unique_ptr<stream::Sink>> create_whole_file(const std::string& path) {
  while (true) {
    auto part = TRY(try_part(path));
    if (part) return std::make_unique<WholeFile>(std::move(*part), path);
  }
}

StaleParts remove_stale_parts(const std::string& path) {
  StaleParts done;
  for (const auto& part : parts_of(path)) {
    // Locks of NFS want a file that is open for writing; O_NONBLOCK: it may be a pipe.
    auto fd = open_file(part, O_RDWR | O_NONBLOCK);
    if (!fd || !is_stale(part, fd->get())) continue;
    if (::unlink(part.c_str()) == 0) {
      done.removed.push_back(escaped(part));
    } else {
      done.problems.push_back(errno_error(errno, std::format("remove {}", escaped(part))).message);
    }
  }
  return done;
}

}  // namespace snap::jobs
