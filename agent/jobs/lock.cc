#include "jobs/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <format>
#include <fstream>
#include <thread>

#include "base/text.h"

namespace snap::jobs {
namespace {

constexpr int kLooks = 5;
constexpr std::chrono::milliseconds kBetweenLooks{40};
// Starts that are remembered: more than a day of sets that are made every ten minutes.
constexpr size_t kStarts = 200;
constexpr size_t kMaxFileBytes = 16384;

std::string lock_path(const std::string& directory, const std::string& cluster) {
  return std::format("{}/.lock-{}", directory, cluster);
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data())
                                                          : "unknown host";
}

// What the holder wrote about itself. It does that right after it got the lock: what is read at
// once may be nothing yet, or the name of the one before it.
std::string holder_of(int fd) {
  for (int i = 0; i < kLooks; ++i) {
    std::this_thread::sleep_for(kBetweenLooks);
    std::array<char, 512> text{};
    auto n = ::pread(fd, text.data(), text.size(), 0);
    auto whole = std::string_view(text.data(), n > 0 ? static_cast<size_t>(n) : 0);
    auto holder = trim(whole.substr(0, whole.find('\n')));
    if (!holder.empty()) return escaped(holder);
  }
  return "a process that left no name";
}

// The starts that earlier holders left. Lines that are none, of a write that was cut short, say
// nothing.
std::vector<Seconds> starts_in(int fd) {
  std::string text(kMaxFileBytes, '\0');
  auto n = ::pread(fd, text.data(), text.size(), 0);
  text.resize(n > 0 ? static_cast<size_t>(n) : 0);
  std::vector<Seconds> starts;
  for (const auto& line : split(text, '\n')) {
    if (auto start = from_rfc3339(line)) starts.push_back(*start);
  }
  return starts;
}

// The device of the file system, "08:01" as /proc/locks has it: st_dev where that is the same. On
// btrfs every subvolume has an st_dev of its own; there the mount's line in mountinfo has it.
std::string device_of(int fd, const struct stat& info) {
  auto device = std::format("{:02x}:{:02x}", major(info.st_dev), minor(info.st_dev));
  struct statx mount{};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &mount) != 0) return device;
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {  // "36 35 98:0 /root /at options ..."
    unsigned long id = 0, parent = 0;
    unsigned upper = 0, lower = 0;
    if (std::sscanf(line.c_str(), "%lu %lu %u:%u ", &id, &parent, &upper, &lower) == 4 &&
        id == mount.stx_mnt_id)
      return std::format("{:02x}:{:02x}", upper, lower);
  }
  return device;
}

}  // namespace

bool leads_to(const std::string& path, int fd) {
  struct stat open_file_info{};
  struct stat path_info{};
  return ::fstat(fd, &open_file_info) == 0 && ::lstat(path.c_str(), &path_info) == 0 &&
         open_file_info.st_ino == path_info.st_ino && open_file_info.st_dev == path_info.st_dev;
}

std::optional<std::string> lock_holder(const std::string& directory, const std::string& cluster) {
  auto path = lock_path(directory, cluster);
  auto fd = open_file(path, O_RDONLY);
  struct stat info{};
  if (!fd || ::fstat(fd->get(), &info) != 0) return {};
  // Trying the lock would keep a run that begins now from getting it. The kernel's list has a line
  // as "1: FLOCK  ADVISORY  WRITE 812 08:01:131 0 EOF".
  std::ifstream locks("/proc/locks");
  auto inode = std::format(" {}:{} ", device_of(fd->get(), info), info.st_ino);
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
    if (!leads_to(path, fd.get())) continue;
    auto holder = std::format("pid {} on {} since {}\n", ::getpid(), host_name(), to_rfc3339(now));
    RunLock lock(std::move(fd), path, std::move(holder));
    lock.starts_ = starts_in(lock.fd_.get());
    // Who holds it is a courtesy to the next one: a full disk must not keep a prune from making
    // room.
    (void)lock.write();
    return lock;
  }
}

// Over what is there, and shortened only then: a process that is killed in between loses nothing.
Result<void> RunLock::write() const {
  auto text = holder_;
  for (auto start : starts_) text += to_rfc3339(start) + "\n";
  if (::lseek(fd_.get(), 0, SEEK_SET) < 0) return fail_errno(errno, std::format("write {}", path_));
  TRY(write_full(fd_.get(), as_bytes(text), path_));
  if (::ftruncate(fd_.get(), static_cast<off_t>(text.size())) != 0)
    return fail_errno(errno, std::format("write {}", path_));
  return {};
}

bool RunLock::had(Seconds start) const { return std::ranges::contains(starts_, start); }

Result<void> RunLock::remember(Seconds start) {
  if (starts_.size() >= kStarts)
    starts_.erase(starts_.begin(), starts_.end() - static_cast<std::ptrdiff_t>(kStarts - 1));
  starts_.push_back(start);
  return write();
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
