// Host files into one deterministic tar.gz.
//
// The same input gives the same bytes: entries sorted by path, numeric owners only, times in whole
// seconds, no time and no name in the gzip header. Paths in the archive are those on the host
// without the leading slash, or those below CollectOptions::relative_to; their bytes are not
// changed.
//
// The walk never follows a symlink below a root: links are stored as links, and every file is
// opened component by component without following any, so a directory swapped for a link in
// mid-walk is an error and not a way out. Only a path that was named itself, or lies behind a
// link, is resolved: the links on its way are archived as links and the tree behind them with its
// real path.
// Sockets, fifos and devices are never opened. File systems mounted below a root are left out
// (name the mount point as a root of its own to have it), /proc and /sys always.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "node/certificate.h"
#include "node/discover.h"
#include "stream/stream.h"

namespace snap::node {

// Far beyond any control plane: they stop a root such as "/" before it fills the disk.
struct CollectLimits {
  uint64_t file_bytes = 64ULL << 20;
  uint64_t total_bytes = 256ULL << 20;  // content of all files; check_archive() accepts as much
  uint64_t entries = 100'000;           // files and directories looked at
  size_t depth = 64;                    // directories below a root
};

struct CollectOptions {
  std::string host_root = "/";
  std::vector<Root> roots{};  // may overlap: each file is archived once
  // Paths in the archive are relative to this directory of the host; what lies elsewhere is left
  // out, and the archive is incomplete.
  std::string relative_to = "/";
  // What to leave out, with everything below it. A pattern that begins with "/" is matched against
  // the whole path on the host, any other against the last component: "/etc/kubernetes/tmp",
  // "*.bak", "/etc/kubernetes/pki/*/old". As fnmatch(3) has it, with "*" and "?" stopping at "/".
  std::vector<std::string> exclude{};
  // Never archived, whatever name leads there: where the backup sets lie. As this process opens
  // them, without host_root.
  std::vector<std::string> own_directories{};
  CollectLimits limits{};
  std::stop_token stop{};
};

// All texts and paths are escaped.
struct Collected {
  std::vector<std::string> paths{};  // roots that were there, as they were named; sorted
  uint64_t entries = 0;              // files, directories and links in the archive
  uint64_t bytes = 0;                // content of the files
  // Harmless: skipped sockets, links that lead out, missing paths of the profile, file systems not
  // crossed, own directories, certificates that cannot be read as such.
  std::vector<Note> notes{};
  // The archive is not what was asked for: missing paths of the configuration and of flags,
  // unreadable files, files that changed during both reads, limits. The set is incomplete.
  std::vector<Note> incomplete{};
  std::vector<Certificate> certificates{};  // in the archive's order
};

// Whether CollectOptions::exclude leaves `path`, an absolute one, out: it or a directory above it.
bool is_excluded(const std::string& path, const std::vector<std::string>& exclude);

// Writes the archive; finishing the sink is left to the caller. An archive without entries is valid
// and has a note.
//
// Errors: those of the sink; cancelled; invalid  a root that is no absolute path, or a host_root
//         that cannot be opened
Result<Collected> collect(const CollectOptions& options, stream::Sink& archive);

}  // namespace snap::node
