#include "jobs/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <format>
#include <fstream>
#include <thread>

#include "base/text.h"

namespace snap::jobs {
namespace {

constexpr int kLooks = 5;
constexpr std::chrono::milliseconds kBetweenLooks{40};

std::string lock_path(const std::string& directory, const std::string& cluster) {
  return std::format("{}/.lock-{}", directory, cluster);
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data())
                                                          : "unknown host";
}

// The path still leads to the file that we have open: nobody deleted or replaced it between open
// and flock.
bool still_there(int fd, const std::string& path) {
  struct stat open_file_info{};
  struct stat path_info{};
  return ::fstat(fd, &open_file_info) == 0 && ::lstat(path.c_str(), &path_info) == 0 &&
         open_file_info.st_ino == path_info.st_ino && open_file_info.st_dev == path_info.st_dev;
}

// What the holder wrote about itself. It does that right after it got the lock: what is read at
// once may be nothing yet, or the name of the one before it.
std::string holder_of(int fd) {
  for (int i = 0; i < kLooks; ++i) {
    std::this_thread::sleep_for(kBetweenLooks);
    std::array<char, 512> text{};
    auto n = ::pread(fd, text.data(), text.size(), 0);
    auto holder = trim(std::string_view(text.data(), n > 0 ? static_cast<size_t>(n) : 0));
    if (!holder.empty()) return escaped(holder);
  }
  return "a process that left no name";
}

}  // namespace

std::optional<std::string> lock_holder(const std::string& directory, const std::string& cluster) {
  auto path = lock_path(directory, cluster);
  auto fd = open_file(path, O_RDONLY);
  struct stat info{};
  if (!fd || ::fstat(fd->get(), &info) != 0) return {};
  // Trying the lock would keep a run that begins now from getting it. The kernel's list has a line
  // as "1: FLOCK  ADVISORY  WRITE 812 08:01:131 0 EOF"; the device there is not st_dev on btrfs.
  std::ifstream locks("/proc/locks");
  auto inode = std::format(":{} ", info.st_ino);
  for (std::string line; std::getline(locks, line);) {
    if (line.contains(" FLOCK ") && line.contains(" WRITE ") && !line.contains("->") &&
        line.contains(inode))
      return holder_of(fd->get());
  }
  return {};
}

Result<RunLock> RunLock::acquire(const std::string& directory, const std::string& cluster,
                                 Seconds now) {
  auto path = lock_path(directory, cluster);
  while (true) {
    auto fd = TRY(open_file(path, O_RDWR | O_CREAT, 0600).context("lock"));
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno != EWOULDBLOCK) return fail_errno(errno, std::format("lock {}", path));
      return fail(Code::unavailable,
                  std::format("another command is at work: {}", holder_of(fd.get())),
                  "wait until it has ended, or stop it");
    }
    if (!still_there(fd.get(), path)) continue;
    auto holder = std::format("pid {} on {} since {}\n", ::getpid(), host_name(), to_rfc3339(now));
    // Who holds it is a courtesy to the next one: a full disk must not keep a prune from making
    // room.
    if (::ftruncate(fd.get(), 0) == 0) (void)write_full(fd.get(), as_bytes(holder), path);
    return RunLock(std::move(fd));
  }
}

Result<Fd> hold_set(const std::string& set_directory) {
  auto fd = TRY(open_file(set_directory, O_RDONLY | O_DIRECTORY));
  if (::flock(fd.get(), LOCK_SH | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fail_errno(errno, std::format("lock {}", set_directory));
    return fail(Code::unavailable, std::format("{} is being removed right now", set_directory));
  }
  return fd;
}

}  // namespace snap::jobs
