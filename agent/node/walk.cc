#include "node/walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <format>

#include "base/handle.h"
#include "base/text.h"

namespace snap::node {
namespace {

using Directory = Handle<DIR, &closedir>;

std::string shown(const std::string& path) { return escaped("/" + path); }

std::string last_component(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string_view kind_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFSOCK: return "socket";
    case S_IFIFO: return "fifo";
    case S_IFCHR: return "character device";
    case S_IFBLK: return "block device";
    default: return "file of unknown kind";
  }
}

// File systems that show the kernel and not what somebody stored.
bool is_kernel_view(const Fd& fd) {
  struct statfs info{};
  if (::fstatfs(fd.get(), &info) != 0) return false;
  constexpr std::array<decltype(info.f_type), 8> kTypes = {
      PROC_SUPER_MAGIC,   SYSFS_MAGIC,   CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
      DEVPTS_SUPER_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC,      SECURITYFS_MAGIC};
  return std::ranges::contains(kTypes, info.f_type);
}

// Whether a pattern fits `path`, which begins with a slash.
bool matches_any(const std::string& path, const std::vector<std::string>& patterns) {
  auto name = last_component(path);
  return std::ranges::any_of(patterns, [&](std::string pattern) {
    while (pattern.size() > 1 && pattern.ends_with('/')) pattern.pop_back();
    const auto& subject = pattern.starts_with('/') ? path : name;
    return ::fnmatch(pattern.c_str(), subject.c_str(), FNM_PATHNAME) == 0;
  });
}

class Walker {
 public:
  Walker(const HostTree& tree, const CollectOptions& options);
  Result<Walk> run();

 private:
  struct Step {
    std::string path;
    size_t depth;
  };
  struct Start {
    Root root;
    HostTree::Resolved resolved;
  };

  void note(const std::string& path, std::string text) {
    walk_.notes.push_back({shown(path), std::move(text)});
  }
  void problem(const std::string& path, std::string text) {
    walk_.incomplete.push_back({shown(path), std::move(text)});
  }

  Result<void> find_starts();
  void not_found(const Root& root, const Error& error);
  void start(const Start& start);
  Result<void> directory(const Step& step);
  std::vector<std::string> names_in(const Fd& fd, const std::string& path);
  void visit(const Fd& parent, const std::string& path, size_t depth);
  void add(const std::string& path, const FileInfo& info, std::string target = {});
  bool is_own(const FileInfo& info) const;
  bool inside_own(const std::string& path) const;
  void note_links();

  const HostTree& tree_;
  const CollectOptions& options_;
  std::vector<FileInfo> own_;
  std::vector<Start> starts_;
  std::vector<Step> ahead_;
  uint64_t mount_ = 0;  // of the root that is being walked
  uint64_t looked_at_ = 0;
  bool full_ = false;  // the limit was reached
  Walk walk_;
};

Walker::Walker(const HostTree& tree, const CollectOptions& options)
    : tree_(tree), options_(options) {
  for (const auto& path : options.own_directories) {
    // Followed on purpose: the snapshot directory may be named through a link.
    Fd fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!fd) continue;
    if (auto info = look_at(fd.get(), "")) own_.push_back(*info);
  }
}

Result<Walk> Walker::run() {
  TRY(find_starts());
  for (const auto& next : starts_) {
    start(next);
    while (!ahead_.empty()) {
      auto step = std::move(ahead_.back());
      ahead_.pop_back();
      TRY(directory(step));
    }
  }
  if (full_) {
    problem("", std::format("more than {} files and directories: the rest is left out",
                            options_.limits.entries));
  }
  note_links();
  std::ranges::sort(walk_.paths);
  return std::move(walk_);
}

// Roots that lie in others come first, so that each is walked by its own rules (a mount point that
// is named is crossed) and the outer one finds it done.
Result<void> Walker::find_starts() {
  for (const auto& root : options_.roots) {
    if (!root.path.starts_with('/')) {
      return fail(Code::invalid, std::format("{}: not an absolute path", escaped(root.path)),
                  "begin the path with a slash");
    }
    auto resolved = tree_.resolve(root.path);
    if (!resolved) {
      not_found(root, resolved.error());
      continue;
    }
    walk_.paths.push_back(escaped(root.path));
    starts_.push_back({root, std::move(*resolved)});
  }
  std::ranges::stable_sort(starts_, [](const auto& a, const auto& b) {
    return a.resolved.path.size() > b.resolved.path.size();
  });
  return {};
}

void Walker::not_found(const Root& root, const Error& error) {
  bool absent = error.code == Code::not_found;
  Note text{escaped(root.path), absent ? "is not on this host" : error.message};
  auto demand = demand_for(root);
  if (absent && !demand.empty()) text.text += ": " + demand;
  // What the profile knows may be absent, and a flag's file where the configuration leaves it out;
  // what cannot be looked at may be there.
  bool left_out = root.named_by == NamedBy::flag && is_excluded(root.path, options_.exclude);
  bool harmless = absent && (root.named_by == NamedBy::profile || left_out);
  (harmless ? walk_.notes : walk_.incomplete).push_back(std::move(text));
}

void Walker::start(const Start& start) {
  const auto& path = start.resolved.path;
  for (const auto& link : start.resolved.links) {
    auto info = tree_.look(link);
    auto target = tree_.link(link);
    if (!info || !target || !S_ISLNK(info->mode)) continue;  // gone: the real path is archived
    note(link, std::format("is a link to {}; it is archived, and so is {}", escaped(*target),
                           shown(path)));
    add(link, *info, *target);
  }
  if (is_excluded("/" + path, options_.exclude)) return note(path, "is left out, as configured");
  if (inside_own(path)) return note(path, "lies where the backup sets are: left out");
  auto info = tree_.look(path);
  auto fd = info ? tree_.open_path(path, O_PATH) : Result<Fd>(std::unexpected(info.error()));
  if (!fd) return problem(path, fd.error().message);
  if (is_kernel_view(*fd)) {
    auto& list = start.root.named_by == NamedBy::profile ? walk_.notes : walk_.incomplete;
    list.push_back({shown(path), "shows the kernel, not files: left out"});
    return;
  }
  mount_ = info->mount;
  if (path.empty()) {
    ahead_.push_back({path, 0});
    return;
  }
  auto parent = tree_.open_path(parent_directory("/" + path).substr(1), O_PATH | O_DIRECTORY);
  if (!parent) return problem(path, parent.error().message);
  visit(*parent, path, 0);
}

Result<void> Walker::directory(const Step& step) {
  if (options_.stop.stop_requested()) return fail(Code::cancelled, "collect host files: stopped");
  auto fd = tree_.open_path(step.path, O_RDONLY | O_DIRECTORY);
  if (!fd) {
    problem(step.path, fd.error().message);
    return {};
  }
  for (const auto& name : names_in(*fd, step.path))
    visit(*fd, step.path.empty() ? name : step.path + "/" + name, step.depth + 1);
  return {};
}

std::vector<std::string> Walker::names_in(const Fd& fd, const std::string& path) {
  std::vector<std::string> names;
  Fd copy(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  Directory stream(::fdopendir(copy.get()));
  if (!stream) {
    problem(path, errno_error(errno, "list " + shown(path)).message);
    return names;
  }
  copy.release();  // closedir closes it
  while (names.size() <= options_.limits.entries) {
    errno = 0;
    const auto* entry = ::readdir(stream.get());
    if (!entry) {
      if (errno != 0) problem(path, errno_error(errno, "list " + shown(path)).message);
      break;
    }
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  std::ranges::sort(names);
  return names;
}

void Walker::visit(const Fd& parent, const std::string& path, size_t depth) {
  if (looked_at_ >= options_.limits.entries) {
    full_ = true;
    ahead_.clear();
    return;
  }
  ++looked_at_;
  if (walk_.entries.contains(path)) return;  // another root has it
  if (matches_any("/" + path, options_.exclude)) return;
  auto name = last_component(path);
  auto info = look_at(parent.get(), name);
  if (!info) return problem(path, info.error().message);
  if (info->mount != mount_) return note(path, "is another file system: left out");
  switch (info->mode & S_IFMT) {
    case S_IFREG: return add(path, *info);
    case S_IFLNK: {
      auto target = link_target(parent.get(), name);
      if (!target) return problem(path, target.error().message);
      return add(path, *info, std::move(*target));
    }
    case S_IFDIR: break;
    default: return note(path, std::format("is a {}: left out", kind_of(info->mode)));
  }
  if (is_own(*info)) return note(path, "holds the backup sets: left out");
  add(path, *info);
  if (depth < options_.limits.depth) {
    ahead_.push_back({path, depth});
  } else {
    problem(path, std::format("is deeper than {} directories: what it holds is left out",
                              options_.limits.depth));
  }
}

void Walker::add(const std::string& path, const FileInfo& info, std::string target) {
  walk_.entries.try_emplace(path, Found{info, std::move(target)});
}

bool Walker::is_own(const FileInfo& info) const {
  return std::ranges::any_of(own_, [&](const auto& own) { return own.same_file(info); });
}

bool Walker::inside_own(const std::string& path) const {
  for (size_t end = path.find('/'); end != path.npos; end = path.find('/', end + 1)) {
    auto info = tree_.look(path.substr(0, end));
    if (info && is_own(*info)) return true;
  }
  auto info = tree_.look(path);
  return info && is_own(*info);
}

// A link is worth a word when what it points to is not archived.
void Walker::note_links() {
  for (const auto& [path, found] : walk_.entries) {
    if (!S_ISLNK(found.info.mode)) continue;
    auto parent = parent_directory("/" + path);
    auto absolute = found.target.starts_with('/') ? found.target : parent + "/" + found.target;
    auto resolved = tree_.resolve(absolute);
    if (!resolved) {
      note(path, std::format("is a link to {}, which leads nowhere", escaped(found.target)));
    } else if (!resolved->path.empty() && !walk_.entries.contains(resolved->path)) {
      note(path, std::format("is a link to {}, which is not archived", escaped(found.target)));
    }
  }
}

}  // namespace

bool is_excluded(const std::string& path, const std::vector<std::string>& exclude) {
  for (size_t end = path.find('/', 1); end != path.npos; end = path.find('/', end + 1)) {
    if (matches_any(path.substr(0, end), exclude)) return true;
  }
  return matches_any(path, exclude);
}

Result<Walk> walk(const HostTree& tree, const CollectOptions& options) {
  return Walker(tree, options).run();
}

}  // namespace snap::node
