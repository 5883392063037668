// Places that hold groups of files.
//
// A group is a directory of files that appears as a whole or not at all. This room knows nothing of
// what the files mean. Every implementation passes tests/dest/contract.h. A destination is used by
// one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "stream/sha256.h"
#include "stream/stream.h"

namespace snap::dest {

struct FileInfo {
  std::string name;
  uint64_t size_bytes = 0;
  bool regular = true;  // false: a link, a directory, a device; never opened
};

// Anything with a visible name at the place. Names are data: whoever prints one escapes it.
struct Entry {
  std::string name;
  bool directory = false;  // only a directory can be a group
};

// A group that was begun and not published.
struct Leftover {
  std::string group;
  Seconds changed;  // by our clock, as far as the place's can be told from it
};

struct Space {
  std::optional<uint64_t> total_bytes;  // nothing: the place does not say
  std::optional<uint64_t> free_bytes;   // for us, now
  std::optional<uint64_t> free_files;   // inodes
};

// A new file that began as a copy of another: its bytes in order, those that are the same skipped.
class Patch : public stream::Sink {
 public:
  // The next `bytes` are those of the copy. finish() ends the file where the last byte was skipped
  // or written.
  virtual Result<void> skip(uint64_t bytes) = 0;
};

// A group of files on its way in. Nothing is visible under its name before publish().
class Incoming {
 public:
  virtual ~Incoming() = default;  // without publish(): removes what it wrote
  // One file after the other; the sink's finish() makes it durable, a sink destroyed without it
  // takes the file away again, so that it may be created anew; so may what an earlier try left in a
  // group that was taken over. The file written last marks the group as whole where the place has
  // no rename.
  virtual Result<std::unique_ptr<stream::Sink>> create(const std::string& file) = 0;
  // The same for a file that the place begins by itself as a copy of `from` in the published group
  // `basis`. Nothing: the place cannot.
  virtual Result<std::unique_ptr<Patch>> derive(const std::string& file, const std::string& basis,
                                                const std::string& from) {
    (void)file, (void)basis, (void)from;
    return nullptr;
  }
  // What was written so far, read from the place itself, past any cache that can be passed: proof
  // comes before publish().
  virtual Result<std::unique_ptr<stream::Source>> open(const std::string& file) = 0;
  // What lies there so far, by name and size: of a group that was taken over, what an earlier try
  // left. It proves nothing.
  virtual Result<std::vector<FileInfo>> files() = 0;
  // Makes a file durable whose sink may never have been finished: one of a group that was taken
  // over. What the place gives back of it before may come from memory alone. Error: not_found.
  virtual Result<void> sync(const std::string& file) = 0;
  // The SHA-256 of a file, computed by the place itself from what it stores; nothing where it
  // cannot: then open() reads it back.
  virtual Result<std::optional<stream::Digest>> far_digest(const std::string& file) {
    (void)file;
    return std::nullopt;
  }
  // All or nothing, durable. Call once. Errors: exists  a group of this name is there; it stays
  // untouched.
  virtual Result<void> publish() = 0;
};

// Where the files of published groups are read.
class GroupReader {
 public:
  virtual ~GroupReader() = default;
  virtual Result<std::unique_ptr<stream::Source>> open(const std::string& group,
                                                       const std::string& file) = 0;
};

class Destination : public GroupReader {
 public:
  virtual std::string label() const = 0;  // "nfs://filer/backups"; never a secret

  // Errors: exists (published or being written), no_space, denied, unavailable.
  virtual Result<std::unique_ptr<Incoming>> begin(const std::string& group) = 0;
  // Takes over a group that was begun, not published, and whose writer is gone: the caller knows
  // that it is. Errors: not_found  there is none; exists  it is published.
  virtual Result<std::unique_ptr<Incoming>> resume(const std::string& group) = 0;
  // As Incoming::far_digest, of a published group.
  virtual Result<std::optional<stream::Digest>> far_digest(const std::string& group,
                                                           const std::string& file) {
    (void)group, (void)file;
    return std::nullopt;
  }
  virtual Result<std::vector<FileInfo>> files(const std::string& group) = 0;
  // Everything visible but names that start with a dot, in any order: complete, or an Error.
  virtual Result<std::vector<Entry>> list() = 0;
  virtual Result<Space> space() = 0;
  // Removes these files of a group in this order, then the group. Returns the names of other files
  // that are in its way: they stay, and with them the emptied group. Removing what is absent
  // succeeds, so that an interrupted removal can run again. Errors: busy  somebody reads the group
  // right now.
  virtual Result<std::vector<std::string>> remove(const std::string& group,
                                                  const std::vector<std::string>& files) = 0;

  virtual Result<std::vector<Leftover>> leftovers() = 0;
  virtual Result<void> discard(const std::string& group) = 0;  // a leftover, with everything in it

  // Notes: small texts about groups, kept beside them in .state/KIND/NAME (pins, removals).
  virtual Result<std::vector<std::string>> notes(const std::string& kind) = 0;
  virtual Result<void> put_note(const std::string& kind, const std::string& name,
                                const std::string& text) = 0;
  virtual Result<void> remove_note(const std::string& kind, const std::string& name) = 0;

  // What was learned about the place so far that an administrator should know: "the server offers
  // no fsync". Empty: nothing.
  virtual std::vector<std::string> remarks() const { return {}; }
};

// The hint of `not_found` where nothing is missing but the directory of the place itself, which
// whoever brings a group would make.
inline constexpr std::string_view kWouldBeMade = "is it spelled right? the first run makes it";

// Refuses names that could leave the place or hide in it: empty, longer than 255 bytes, '/',
// control characters, a dot first. Every implementation asks it for every group, file and note.
// Error: invalid.
Result<void> check_name(const std::string& name);

// ".incoming-GROUP", where there are directories.
std::string incoming_name(const std::string& group);

}  // namespace snap::dest
