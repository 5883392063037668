// An NFS export, in user space: nothing is mounted.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "dest/destination.h"
#include "dest/patience.h"

namespace snap::dest {

struct NfsConfig {
  std::string server;       // name or address
  std::string path;         // of the export: "/exports/etcd"
  std::string directory;    // below it; empty: the export itself
  bool create = true;       // the directory, when it is missing
  int version = 4;          // 3 or 4
  uint16_t port = 0;        // of NFS; 0: 2049 (version 4) or what the portmapper says
  uint16_t mount_port = 0;  // version 3: of MOUNT; 0: what the portmapper says
  uint32_t uid = 0, gid = 0;
  Patience patience;
};

// Connects and mounts.
//
// Errors: invalid      the export is not a directory, version is neither 3 nor 4
//         not_found    there is no such export; the directory is missing and `create` is false
//         denied       the export is not ours to use
//         unavailable, timeout  with the step that failed: resolve, connect, mount
Result<std::unique_ptr<Destination>> open_nfs(const NfsConfig& config);

}  // namespace snap::dest
