#include "dest/nfs.h"

#include <sys/stat.h>

#include <cstring>
#include <format>
#include <utility>
#include <vector>

#include "base/text.h"
#include "dest/nfs_mount.h"
#include "dest/nfs_stream.h"
#include "dest/tree.h"

namespace snap::dest {
namespace {

NodeKind kind_of(uint64_t mode) {
  if (S_ISREG(mode)) return NodeKind::file;
  return S_ISDIR(mode) ? NodeKind::directory : NodeKind::other;
}

class NfsTree : public Tree {
 public:
  NfsTree(std::shared_ptr<NfsMount> mount, std::string root)
      : mount_(std::move(mount)), root_(std::move(root)) {}

  std::string label() const override { return mount_->label(); }

  Result<std::unique_ptr<stream::Sink>> create(const std::string& path) override {
    auto doing = doing_to("write", path);
    return nfs_sink(mount_, at(path), doing, at(".incoming-probe"));
  }

  Result<std::unique_ptr<stream::Source>> open(const std::string& path) override {
    auto node = TRY(look(path));
    auto doing = doing_to("read", path);
    if (node.kind != NodeKind::file)
      return fail(Code::corrupt, std::format("{}: it is not a regular file", doing));
    return nfs_source(mount_, at(path), node.size_bytes, doing);
  }

  Result<void> sync(const std::string& path) override {
    auto size = TRY(look(path)).size_bytes;
    return nfs_sync(mount_, at(path), size, doing_to("sync", path));
  }

  Result<Node> look(const std::string& path) override {
    Node node{.name = path.substr(path.rfind('/') + 1)};
    TRY(mount_->call(
        doing_to("look at", path),
        [&](nfs_context* context, nfs_cb ended, void* data) {
          return nfs_lstat64_async(context, at(path).c_str(), ended, data);
        },
        [&](void* data) {
          nfs_stat_64 info{};
          std::memcpy(&info, data, sizeof info);
          node.kind = kind_of(info.nfs_mode);
          node.size_bytes = info.nfs_size;
          node.changed = Seconds(std::chrono::seconds(info.nfs_mtime));
        }));
    return node;
  }

  Result<std::vector<Node>> list(const std::string& path) override {
    std::vector<Node> nodes;
    TRY(mount_->call(
        doing_to("list", path),
        [&](nfs_context* context, nfs_cb ended, void* data) {
          return nfs_opendir_async(context, at(path).c_str(), ended, data);
        },
        [&](void* data) {
          auto* directory = static_cast<nfsdir*>(data);
          while (const auto* entry = nfs_readdir(mount_->context(), directory)) {
            std::string name = entry->name;
            if (name == "." || name == "..") continue;
            nodes.push_back({std::move(name), kind_of(entry->mode), entry->size,
                             Seconds(std::chrono::seconds(entry->mtime.tv_sec))});
          }
          nfs_closedir(mount_->context(), directory);
        }));
    return nodes;
  }

  Result<void> make_directory(const std::string& path) override {
    TRY(mount_->call(doing_to("create", path), [&](nfs_context* context, nfs_cb ended, void* data) {
      return nfs_mkdir2_async(context, at(path).c_str(), 0700, ended, data);
    }));
    return {};
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    TRY(mount_->call(doing_to("publish", to), [&](nfs_context* context, nfs_cb ended, void* data) {
      return nfs_rename_async(context, at(from).c_str(), at(to).c_str(), ended, data);
    }));
    return {};
  }

  Result<void> remove_file(const std::string& path) override {
    return gone(
        mount_->call(doing_to("remove", path), [&](nfs_context* context, nfs_cb ended, void* data) {
          return nfs_unlink_async(context, at(path).c_str(), ended, data);
        }));
  }

  Result<void> remove_directory(const std::string& path) override {
    return gone(
        mount_->call(doing_to("remove", path), [&](nfs_context* context, nfs_cb ended, void* data) {
          return nfs_rmdir_async(context, at(path).c_str(), ended, data);
        }));
  }

  Result<Space> space() override {
    nfs_statvfs_64 info{};
    TRY(mount_->call(
        std::format("ask for the free space of {}", label()),
        [&](nfs_context* context, nfs_cb ended, void* data) {
          return nfs_statvfs64_async(context, at("").c_str(), ended, data);
        },
        [&](void* data) { std::memcpy(&info, data, sizeof info); }));
    Space space{.total_bytes = info.f_blocks * info.f_frsize,
                .free_bytes = info.f_bavail * info.f_frsize,
                .free_files = {}};
    if (info.f_files != 0) space.free_files = info.f_favail;
    return space;
  }

 private:
  // Paths of libnfs begin at the export.
  std::string at(const std::string& path) const {
    if (path.empty()) return root_.empty() ? "/" : "/" + root_;
    return root_.empty() ? "/" + path : std::format("/{}/{}", root_, path);
  }

  std::string doing_to(std::string_view verb, const std::string& path) const {
    return std::format("{} {}{}{}", verb, label(), path.empty() ? "" : "/", escaped(path));
  }

  static Result<void> gone(const Result<int>& removed) {
    if (removed || removed.error().code == Code::not_found) return {};
    return std::unexpected(removed.error());
  }

  std::shared_ptr<NfsMount> mount_;
  std::string root_;  // below the export; empty: the export itself
};

// Makes the directories of a path below the export that are missing.
Result<void> make_root(NfsMount& mount, const std::string& directory) {
  std::string path;
  for (const auto& part : split(directory, '/')) {
    TRY(check_name(part));
    path += "/" + part;
    auto made = mount.call(std::format("create {} at {}", escaped(path), mount.label()),
                           [&](nfs_context* context, nfs_cb ended, void* data) {
                             return nfs_mkdir2_async(context, path.c_str(), 0700, ended, data);
                           });
    if (!made && made.error().code != Code::exists) {
      // Whoever may not create may still use what is there.
      auto there = mount.call("look", [&](nfs_context* context, nfs_cb ended, void* data) {
        return nfs_stat64_async(context, path.c_str(), ended, data);
      });
      if (!there) return std::unexpected(made.error());
    }
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Destination>> open_nfs(const NfsConfig& config) {
  std::shared_ptr<NfsMount> mount = TRY(NfsMount::open(config));
  if (config.create) TRY(make_root(*mount, config.directory));
  auto tree = std::make_unique<NfsTree>(mount, config.directory);
  auto looked = tree->look("");
  if (!looked && looked.error().code == Code::not_found) looked.error().hint = kWouldBeMade;
  auto root = TRY(std::move(looked));
  if (root.kind != NodeKind::directory)
    return fail(Code::invalid, std::format("{} is not a directory", mount->label()));
  return directory_place(std::move(tree));
}

}  // namespace snap::dest
