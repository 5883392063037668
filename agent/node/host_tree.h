// The host's file tree, opened without following a symlink. Private to this room.
//
// Paths here have no leading slash and are relative to the host's root; "" is the root itself.
// Every function walks component by component from one descriptor, so a directory that is swapped
// for a link is refused, and no path can lead out of the tree.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace snap::node {

// What statx says of a file, and where it is mounted.
struct FileInfo {
  mode_t mode = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  uint64_t size = 0;
  int64_t mtime_s = 0;
  uint32_t mtime_ns = 0;
  int64_t ctime_s = 0;
  uint32_t ctime_ns = 0;
  uint64_t inode = 0;
  uint64_t device = 0;
  uint64_t mount = 0;  // two files with equal values lie in the same mount

  bool same_file(const FileInfo& other) const {
    return inode == other.inode && device == other.device;
  }
  // Nothing was written to it, and no name of it was changed, between the two looks.
  bool unchanged(const FileInfo& later) const {
    return same_file(later) && size == later.size && mtime_s == later.mtime_s &&
           mtime_ns == later.mtime_ns && ctime_s == later.ctime_s && ctime_ns == later.ctime_ns;
  }
};

// `name` in the open directory `directory`, or the open file itself when it is "". Links are not
// followed, automounts not triggered.
Result<FileInfo> look_at(int directory, const std::string& name);

// The target of a symlink, as it is stored.
Result<std::string> link_target(int directory, const std::string& name);

class HostTree {
 public:
  static Result<HostTree> open(const std::string& host_root);

  Result<Fd> open_path(const std::string& path, int flags) const;
  Result<FileInfo> look(const std::string& path) const;
  Result<std::string> link(const std::string& path) const;

  struct Resolved {
    std::string path;                // without any link
    std::vector<std::string> links;  // those on the way, each by its own path without links
  };
  // Follows the links of an absolute path by name, as if host_root were "/". For paths that a
  // person named. Errors: not_found; invalid  more than 40 links
  Result<Resolved> resolve(const std::string& absolute) const;

 private:
  explicit HostTree(Fd root) : root_(std::move(root)) {}
  // The directory that holds `path`, open; its last component.
  struct Place {
    Fd directory;
    std::string name;
  };
  Result<Place> place_of(const std::string& path) const;

  Fd root_;
};

}  // namespace snap::node
