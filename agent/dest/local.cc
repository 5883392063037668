#include "dest/local.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <format>
#include <utility>

#include "base/file.h"
#include "base/handle.h"
#include "base/text.h"
#include "dest/new_file.h"
#include "stream/file.h"

namespace snap::dest {
namespace {

constexpr std::string_view kIncoming = ".incoming-";
constexpr const char* kState = ".state";
constexpr off_t kLargeBytes = 1 << 20;

// A directory held open, with the path that errors name.
struct Dir {
  Fd fd;
  std::string path;

  std::string name_of(const std::string& child) const { return path + "/" + escaped(child); }
};

Result<Dir> open_dir(const Dir& parent, const std::string& name) {
  auto fd = TRY(open_file_at(parent.fd.get(), name, O_RDONLY | O_DIRECTORY).context(parent.path));
  return Dir{std::move(fd), parent.name_of(name)};
}

// Opens a directory below `parent`, making it when it is missing.
Result<Dir> make_dir(const Dir& parent, const std::string& name) {
  if (::mkdirat(parent.fd.get(), name.c_str(), 0700) == 0) {
    TRY(sync_file(parent.fd.get(), parent.path));
  } else if (errno != EEXIST) {
    return fail_errno(errno, std::format("create {}", parent.name_of(name)));
  }
  return open_dir(parent, name);
}

Result<void> unlink_at(const Dir& dir, const std::string& name, int flags = 0) {
  if (::unlinkat(dir.fd.get(), name.c_str(), flags) == 0 || errno == ENOENT) return {};
  return fail_errno(errno, std::format("remove {}", dir.name_of(name)));
}

struct DirEntry {
  std::string name;
  unsigned char type;
};

// All names in a directory but "." and "..".
Result<std::vector<DirEntry>> entries(const Dir& dir) {
  // A descriptor of its own: reading moves the position that duplicates share.
  auto fd = TRY(open_file_at(dir.fd.get(), ".", O_RDONLY | O_DIRECTORY).context(dir.path));
  Handle<DIR, &::closedir> stream(::fdopendir(fd.get()));
  if (!stream) return fail_errno(errno, std::format("list {}", dir.path));
  fd.release();
  std::vector<DirEntry> found;
  while (true) {
    errno = 0;
    const auto* entry = ::readdir(stream.get());
    if (!entry && errno != 0) return fail_errno(errno, std::format("list {}", dir.path));
    if (!entry) return found;
    std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    auto type = entry->d_type;
    struct stat info{};
    if (type == DT_UNKNOWN &&
        ::fstatat(dir.fd.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
      type = static_cast<unsigned char>(IFTODT(info.st_mode));
    }
    found.push_back({std::move(name), type});
  }
}

Result<std::unique_ptr<stream::Source>> open_regular(const Dir& dir, const std::string& name,
                                                     bool past_page_cache) {
  TRY(check_name(name));
  auto path = dir.name_of(name);
  struct stat info{};
  if (::fstatat(dir.fd.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
    return fail_errno(errno, std::format("open {}", path));
  if (!S_ISREG(info.st_mode))
    return fail(Code::corrupt, std::format("{} is not a regular file", path));
  auto fd = TRY(open_file_at(dir.fd.get(), name, O_RDONLY | O_NONBLOCK).context(dir.path));
  // What was synced leaves the page cache, so that the disk itself is read.
  if (past_page_cache) ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
  // A snapshot on its way to other places must not push etcd's own pages out of memory.
  if (!past_page_cache && info.st_size >= kLargeBytes)
    return stream::disk_source(std::move(fd), path);
  return stream::file_source(std::move(fd), path);
}

// Removes the regular files and links of a directory that holds no directories, then itself.
Result<void> remove_flat(const Dir& parent, const std::string& name) {
  auto dir = open_dir(parent, name);
  if (!dir && dir.error().code == Code::not_found) return {};
  if (!dir) return std::unexpected(dir.error());
  for (const auto& entry : TRY(entries(*dir))) TRY(unlink_at(*dir, entry.name));
  TRY(unlink_at(parent, name, AT_REMOVEDIR));
  return sync_file(parent.fd.get(), parent.path);
}

Result<std::vector<FileInfo>> files_of(const Dir& dir) {
  std::vector<FileInfo> found;
  for (const auto& entry : TRY(entries(dir))) {
    struct stat info{};
    if (::fstatat(dir.fd.get(), entry.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return fail_errno(errno, std::format("look at {}", dir.name_of(entry.name)));
    }
    found.push_back({entry.name, static_cast<uint64_t>(info.st_size), S_ISREG(info.st_mode)});
  }
  return found;
}

class LocalIncoming : public Incoming {
 public:
  // `taken_over`: files may be left of an earlier try.
  LocalIncoming(Dir root, Dir dir, std::string group, bool taken_over)
      : root_(std::move(root)),
        dir_(std::move(dir)),
        group_(std::move(group)),
        taken_over_(taken_over) {}

  ~LocalIncoming() override {
    if (!published_) (void)remove_flat(root_, incoming_name(group_));
  }

  Result<std::unique_ptr<stream::Sink>> create(const std::string& file) override {
    TRY(check_name(file));
    if (taken_over_) TRY(unlink_at(dir_, file));
    auto fd = TRY(
        open_file_at(dir_.fd.get(), file, O_WRONLY | O_CREAT | O_EXCL, 0600).context(dir_.path));
    auto directory =
        TRY(open_file_at(dir_.fd.get(), ".", O_RDONLY | O_DIRECTORY).context(dir_.path));
    // It stays in memory for the proof that comes next.
    auto sink = stream::file_sink(std::move(fd), dir_.name_of(file), stream::Caching::keep);
    auto held = std::make_shared<Fd>(std::move(directory));
    return std::make_unique<NewFile>(std::move(sink),
                                     [held, file] { ::unlinkat(held->get(), file.c_str(), 0); });
  }

  Result<std::unique_ptr<stream::Source>> open(const std::string& file) override {
    return open_regular(dir_, file, true);
  }

  Result<std::vector<FileInfo>> files() override { return files_of(dir_); }

  Result<void> sync(const std::string& file) override {
    TRY(check_name(file));
    auto fd = TRY(open_file_at(dir_.fd.get(), file, O_RDONLY | O_NONBLOCK).context(dir_.path));
    return sync_file(fd.get(), dir_.name_of(file));
  }

  Result<void> publish() override {
    TRY(sync_file(dir_.fd.get(), dir_.path));
    if (::renameat2(root_.fd.get(), incoming_name(group_).c_str(), root_.fd.get(), group_.c_str(),
                    RENAME_NOREPLACE) != 0) {
      return fail_errno(errno, std::format("publish {}", root_.name_of(group_)));
    }
    published_ = true;
    auto synced = sync_file(root_.fd.get(), root_.path);
    // A name that may not survive a power loss is taken back: nothing is published that is not
    // durable.
    if (!synced && ::renameat2(root_.fd.get(), group_.c_str(), root_.fd.get(),
                               incoming_name(group_).c_str(), RENAME_NOREPLACE) == 0) {
      published_ = false;
    }
    return synced;
  }

 private:
  Dir root_;
  Dir dir_;
  std::string group_;
  bool taken_over_;
  bool published_ = false;
};

class Local : public Destination {
 public:
  explicit Local(Dir root) : root_(std::move(root)) {}

  std::string label() const override { return root_.path; }

  Result<std::unique_ptr<Incoming>> begin(const std::string& group) override {
    TRY(check_name(group));
    struct stat info{};
    if (::fstatat(root_.fd.get(), group.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
      return fail(Code::exists, std::format("{} exists", root_.name_of(group)));
    }
    auto name = incoming_name(group);
    if (::mkdirat(root_.fd.get(), name.c_str(), 0700) != 0) {
      return fail_errno(errno, std::format("create {}", root_.name_of(name)));
    }
    auto dir = open_dir(root_, name);
    auto root = open_dir(root_, ".");
    if (!dir || !root) {
      ::unlinkat(root_.fd.get(), name.c_str(), AT_REMOVEDIR);
      return std::unexpected(dir ? root.error() : dir.error());
    }
    root->path = root_.path;
    return std::make_unique<LocalIncoming>(std::move(*root), std::move(*dir), group, false);
  }

  Result<std::unique_ptr<Incoming>> resume(const std::string& group) override {
    TRY(check_name(group));
    struct stat info{};
    if (::fstatat(root_.fd.get(), group.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0)
      return fail(Code::exists, std::format("{} exists", root_.name_of(group)));
    auto dir = TRY(open_dir(root_, incoming_name(group)));
    auto root = TRY(open_dir(root_, "."));
    root.path = root_.path;
    return std::make_unique<LocalIncoming>(std::move(root), std::move(dir), group, true);
  }

  Result<std::unique_ptr<stream::Source>> open(const std::string& group,
                                               const std::string& file) override {
    TRY(check_name(group));
    TRY(check_name(file));
    auto dir = TRY(open_dir(root_, group));
    return open_regular(dir, file, false);
  }

  Result<std::vector<FileInfo>> files(const std::string& group) override {
    TRY(check_name(group));
    return files_of(TRY(open_dir(root_, group)));
  }

  Result<std::vector<Entry>> list() override {
    std::vector<Entry> found;
    for (auto& entry : TRY(entries(root_))) {
      if (entry.name.front() != '.') found.push_back({std::move(entry.name), entry.type == DT_DIR});
    }
    return found;
  }

  Result<Space> space() override {
    struct statvfs info{};
    if (::fstatvfs(root_.fd.get(), &info) != 0)
      return fail_errno(errno, std::format("ask for the free space of {}", root_.path));
    Space space{.total_bytes = info.f_blocks * info.f_frsize,
                .free_bytes = info.f_bavail * info.f_frsize,
                .free_files = {}};
    // btrfs and others without a fixed number of inodes say 0 of 0.
    if (info.f_files != 0) space.free_files = info.f_favail;
    return space;
  }

  Result<std::vector<std::string>> remove(const std::string& group,
                                          const std::vector<std::string>& names) override {
    TRY(check_name(group));
    for (const auto& name : names) TRY(check_name(name));
    auto opened = open_dir(root_, group);
    if (!opened && opened.error().code == Code::not_found) return std::vector<std::string>{};
    auto dir = TRY(std::move(opened));
    if (::flock(dir.fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return fail_errno(errno, std::format("lock {}", dir.path));
      return fail(Code::busy, std::format("{} is being read by another command", dir.path),
                  "run this again when that has ended");
    }
    for (const auto& name : names) {
      TRY(unlink_at(dir, name));
      // The first file marks the group as whole: its absence is durable before anything else goes.
      if (&name == names.data()) TRY(sync_file(dir.fd.get(), dir.path));
    }
    std::vector<std::string> left;
    for (auto& entry : TRY(entries(dir))) left.push_back(std::move(entry.name));
    if (!left.empty()) return left;
    TRY(unlink_at(root_, group, AT_REMOVEDIR));
    TRY(sync_file(root_.fd.get(), root_.path)
            .context(std::format("{} is removed, but may be back after a power loss",
                                 root_.name_of(group))));
    return left;
  }

  Result<std::vector<Leftover>> leftovers() override {
    std::vector<Leftover> found;
    for (const auto& entry : TRY(entries(root_))) {
      if (!entry.name.starts_with(kIncoming) || entry.type != DT_DIR) continue;
      struct stat info{};
      if (::fstatat(root_.fd.get(), entry.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
        continue;  // gone meanwhile
      found.push_back({entry.name.substr(kIncoming.size()),
                       Seconds(std::chrono::seconds(info.st_mtim.tv_sec))});
    }
    return found;
  }

  Result<void> discard(const std::string& group) override {
    TRY(check_name(group));
    return remove_flat(root_, incoming_name(group));
  }

  Result<std::vector<std::string>> notes(const std::string& kind) override {
    TRY(check_name(kind));
    std::vector<std::string> names;
    auto state = open_dir(root_, kState);
    if (!state && state.error().code == Code::not_found) return names;
    if (!state) return std::unexpected(state.error());
    auto dir = open_dir(*state, kind);
    if (!dir && dir.error().code == Code::not_found) return names;
    if (!dir) return std::unexpected(dir.error());
    for (auto& entry : TRY(entries(*dir))) {
      // A name with a dot first is no note of ours.
      if (entry.type == DT_REG && entry.name.front() != '.') names.push_back(std::move(entry.name));
    }
    return names;
  }

  Result<void> put_note(const std::string& kind, const std::string& name,
                        const std::string& text) override {
    TRY(check_name(kind));
    TRY(check_name(name));
    auto state = TRY(make_dir(root_, kState));
    auto dir = TRY(make_dir(state, kind));
    // Under its own name from the start: the name is what counts, and nothing is left to clean up
    // after a crash. A note that is there already keeps its name whatever happens to the text.
    auto flags = O_WRONLY | O_CREAT | O_NONBLOCK;
    auto made = open_file_at(dir.fd.get(), name, flags | O_EXCL, 0600);
    bool fresh = made.has_value();
    if (!made && made.error().code == Code::exists)
      made = open_file_at(dir.fd.get(), name, flags | O_TRUNC, 0600);
    auto fd = TRY(std::move(made).context(dir.path));
    auto written = write_full(fd.get(), as_bytes(text), dir.name_of(name));
    if (written) written = sync_file(fd.get(), dir.name_of(name));
    if (written) written = sync_file(dir.fd.get(), dir.path);
    if (!written && fresh) ::unlinkat(dir.fd.get(), name.c_str(), 0);
    return written;
  }

  Result<void> remove_note(const std::string& kind, const std::string& name) override {
    TRY(check_name(kind));
    TRY(check_name(name));
    auto state = open_dir(root_, kState);
    if (!state && state.error().code == Code::not_found) return {};
    auto dir = open_dir(TRY(std::move(state)), kind);
    if (!dir && dir.error().code == Code::not_found) return {};
    if (!dir) return std::unexpected(dir.error());
    TRY(unlink_at(*dir, name));
    return sync_file(dir->fd.get(), dir->path);
  }

 private:
  Dir root_;
};

Result<std::string> real_path(const std::string& path) {
  Handle<char, &std::free> resolved(::realpath(path.c_str(), nullptr));
  if (!resolved) return fail_errno(errno, std::format("open {}", path));
  return std::string(resolved.get());
}

Error cannot_create(int reason, const std::string& directory) {
  if (reason == ENOENT || reason == ENOTDIR) {
    return {Code::invalid, std::format("{}: the parent directory is missing", directory),
            std::format("create it: mkdir -p {}", parent_directory(directory))};
  }
  return errno_error(reason, std::format("create {}", directory));
}

Result<void> create_directory(const std::string& directory) {
  // It may be there by now: another command was faster.
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return std::unexpected(cannot_create(errno, directory));
  return sync_directory(parent_directory(directory));
}

}  // namespace

Result<LocalPlace> open_local(const std::string& directory, bool create) {
  auto trimmed = directory;
  while (trimmed.size() > 1 && trimmed.back() == '/') trimmed.pop_back();
  auto real = real_path(trimmed);
  if (!real && real.error().code == Code::not_found && create) {
    TRY(create_directory(trimmed));
    real = real_path(trimmed);
  }
  LocalPlace result;
  result.directory = TRY(std::move(real));
  if (result.directory != std::filesystem::path(trimmed).lexically_normal())
    result.warnings.push_back(
        std::format("{} leads to {} through a symbolic link", trimmed, result.directory));

  auto opened = open_file(result.directory, O_RDONLY | O_DIRECTORY);
  if (!opened && opened.error().code == Code::not_found) {
    return fail(Code::invalid, std::format("{} is not a directory", result.directory));
  }
  Dir root{TRY(std::move(opened)), result.directory};
  struct stat info{};
  if (::fstat(root.fd.get(), &info) != 0)
    return fail_errno(errno, std::format("look at {}", root.path));
  if ((info.st_mode & S_IWOTH) != 0) {
    return fail(Code::invalid, std::format("{} may be written by every user", root.path),
                std::format("chmod 0700 {}", root.path));
  }
  if (info.st_uid != ::geteuid() && info.st_uid != 0) {
    result.warnings.push_back(std::format(
        "{} belongs to user {}, who can change or remove the sets in it", root.path, info.st_uid));
  }
  result.place = std::make_unique<Local>(std::move(root));
  return result;
}

Result<void> can_create_local(const std::string& directory) {
  auto parent = parent_directory(directory);
  struct stat info{};
  if (::stat(parent.c_str(), &info) != 0) return std::unexpected(cannot_create(errno, directory));
  if (!S_ISDIR(info.st_mode)) return std::unexpected(cannot_create(ENOTDIR, directory));
  if (::access(parent.c_str(), W_OK) != 0) return std::unexpected(cannot_create(errno, directory));
  return {};
}

}  // namespace snap::dest
