// The file calls that every place with directories offers.
//
// NFS and SFTP implement this; directory_place() makes a Destination of it. Paths are relative to
// the directory that holds the groups, of one to three components: ".incoming-G/file",
// ".state/pins/G". Components were checked: none is empty, ".", ".." or holds a slash. Every call
// ends within the limits of the place, and with `cancelled` soon after a stop was asked for. Used
// by one thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "dest/destination.h"
#include "stream/sha256.h"
#include "stream/stream.h"

namespace snap::dest {

enum class NodeKind { file, directory, other };

struct Node {
  std::string name;  // as the server said it: data, to be checked and escaped
  NodeKind kind = NodeKind::other;
  uint64_t size_bytes = 0;
  Seconds changed{};  // by the server's clock
};

class Tree {
 public:
  virtual ~Tree() = default;
  virtual std::string label() const = 0;

  // A new file, mode 0600. The sink writes ahead; finish() returns when all of it is as durable as
  // the place can make it, and closed. Destroyed before, it closes the file and leaves it. Errors:
  // exists.
  virtual Result<std::unique_ptr<stream::Sink>> create(const std::string& path) = 0;
  // As create(), of a file that the server copies from `from`. Nothing: it cannot, and `path` is
  // not there.
  virtual Result<std::unique_ptr<Patch>> derive(const std::string& path, const std::string& from) {
    (void)path, (void)from;
    return nullptr;
  }
  // A regular file, read ahead, never out of a cache on this side. Errors: not_found; corrupt  it
  // is no regular file.
  virtual Result<std::unique_ptr<stream::Source>> open(const std::string& path) = 0;
  // Makes a file as durable as the place can make it. Error: not_found.
  virtual Result<void> sync(const std::string& path) = 0;
  virtual Result<std::optional<stream::Digest>> far_digest(const std::string& path) {
    (void)path;
    return std::nullopt;
  }

  // Links are not followed. Error: not_found.
  virtual Result<Node> look(const std::string& path) = 0;
  // All of a directory but "." and "..": complete, or an Error. Error: not_found. "" is the root.
  virtual Result<std::vector<Node>> list(const std::string& path) = 0;
  virtual Result<void> make_directory(const std::string& path) = 0;  // 0700. Error: exists
  // Error: exists  `to` is a directory that is not empty. A caller that must not replace anything
  // else looks first.
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> remove_file(const std::string& path) = 0;       // absent: success
  virtual Result<void> remove_directory(const std::string& path) = 0;  // absent: success
  virtual Result<Space> space() = 0;
  virtual std::vector<std::string> remarks() const { return {}; }
};

// Groups as directories of a tree: files in .incoming-GROUP, each finished, then one rename.
std::unique_ptr<Destination> directory_place(std::unique_ptr<Tree> tree);

}  // namespace snap::dest
