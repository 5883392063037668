// Is a tar.gz of host files whole, and safe to unpack?
//
// Reads it as data: nothing is written, no path of it is opened. Format of the outer layer: RFC
// 1952; the tar inside is read by libarchive.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "stream/stream.h"

namespace snap::node {

struct ArchiveLimits {
  uint64_t entries = 200'000;
  uint64_t total_bytes = 4ULL << 30;  // unpacked, tar headers included
  // A bomb: unpacks to more than `ratio` times its size, looked at beyond `ratio_from_bytes`.
  uint64_t ratio = 100;
  uint64_t ratio_from_bytes = 512ULL << 20;
};

enum class EntryType { file, directory, symlink, hardlink, other };

struct ArchiveEntry {
  std::string name;  // as in the archive: data, print it through escaped()
  EntryType type = EntryType::file;
  uint64_t size_bytes = 0;  // content of a file that was read to its end
};

struct ArchiveFinding {
  std::string entry;  // escaped name; empty: the archive as a whole
  std::string text;   // lower case, no full stop, safe to print
};

struct ArchiveReport {
  std::vector<ArchiveEntry>
      entries;         // in the archive's order, up to the place where reading stopped
  uint64_t bytes = 0;  // content of all files
  std::vector<ArchiveFinding> findings;  // empty: sound
  bool sound() const { return findings.empty(); }
};

// Reads every entry to its end. Findings: absolute names, "..", empty or repeated names, devices
// and fifos, hard links to anything that is not in the archive before them, entries that lie below
// a symlink or a file of the archive (unpacking would write through it), a damaged or cut gzip
// stream or tar, bytes after the end of either, limits exceeded. Symlinks that lead out are what
// hosts have, and no finding as long as nothing lies below them.
//
// Errors: those of the source; cancelled
Result<ArchiveReport> check_archive(stream::Source& source, const ArchiveLimits& limits = {},
                                    std::stop_token stop = {});

}  // namespace snap::node
