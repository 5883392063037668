// A file system that loses its power: what was synced is on the disk, of the rest a part.
//
// Paths are relative to one directory, "" is that itself. A file's bytes are durable after a sync
// of the file; a name in a directory after a sync of the directory. A rename is one change: both
// names or none. Pessimistic where file systems differ: changes of one directory that were not
// synced may be kept in any combination, and bytes may be missing, or be zeros.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace snap::crash {

struct DiskCall {
  enum Kind { create, make_directory, write, truncate, sync, rename, remove };
  Kind kind = sync;
  std::string path;
  std::string to = {};    // rename
  std::string data = {};  // write
  uint64_t offset = 0;    // write at; truncate to
  std::string text = {};  // for messages
};

// By path; a directory ends with '/'.
using Disk = std::map<std::string, std::string>;

class DiskModel {
 public:
  using State = Disk;

  // Everything of `now` is durable.
  explicit DiskModel(const Disk& now);
  void apply(const DiskCall& call);

  State nothing_more() const;  // only what was synced
  State everything() const;    // as if all of it had been
  State draw(std::mt19937& random) const;

 private:
  struct Node {
    bool directory = false;
    std::string bytes, durable;  // of a file
    std::map<std::string, std::shared_ptr<Node>> names, durable_names;
    // Changes of names that were not synced: a name and what it leads to; null takes it away. A
    // rename within a directory is one change of two names.
    std::vector<std::vector<std::pair<std::string, std::shared_ptr<Node>>>> changes;
  };
  using NodePtr = std::shared_ptr<Node>;

  NodePtr find(const std::string& path) const;
  NodePtr parent(const std::string& path) const;
  template <class Names, class Bytes>
  static void collect(const Node& node, const std::string& path, State& state, Names names,
                      Bytes bytes);

  NodePtr root_;
};

Disk read_disk(const std::string& directory);
// Makes the directory with what `disk` says in it, files 0600 and directories 0700.
void write_disk(const Disk& disk, const std::string& directory);

// The calls that change something below `directory`, out of what strace -y -xx -s writes.
std::vector<DiskCall> parse_calls(const std::string& trace, const std::string& directory);

}  // namespace snap::crash
