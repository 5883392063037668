// The bytes of a file on an NFS export, several blocks in flight. Private to this room.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "dest/nfs_mount.h"
#include "stream/stream.h"

namespace snap::dest {

// Creates a file, mode 0600, and writes ahead; finish() commits and closes it. `probe`: a name that
// may be used for a moment to find out why a write was refused. Error: exists.
Result<std::unique_ptr<stream::Sink>> nfs_sink(std::shared_ptr<NfsMount> mount,
                                               const std::string& path, const std::string& doing,
                                               const std::string& probe);

// Reads a file of `size_bytes` ahead, never out of a cache on this side.
Result<std::unique_ptr<stream::Source>> nfs_source(std::shared_ptr<NfsMount> mount,
                                                   const std::string& path, uint64_t size_bytes,
                                                   const std::string& doing);

// Commits what an earlier writer of the file may have left uncommitted. Error: not_found.
Result<void> nfs_sync(std::shared_ptr<NfsMount> mount, const std::string& path, uint64_t size_bytes,
                      const std::string& doing);

}  // namespace snap::dest
