// The bytes of a file on a mirror, several pieces in flight. Private to this room.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "dest/destination.h"
#include "dest/sftp_channel.h"
#include "stream/stream.h"

namespace snap::dest {

// Creates a file, mode 0600, and writes ahead; finish() syncs, where the server can, and closes it.
// The name may be taken where the error is `internal`: servers do not say.
Result<std::unique_ptr<stream::Sink>> sftp_sink(std::shared_ptr<SftpChannel> channel,
                                                const std::string& path, const std::string& doing);

// The same for a file that is there and has `size_bytes`.
Result<std::unique_ptr<Patch>> sftp_patch(std::shared_ptr<SftpChannel> channel,
                                          const std::string& path, uint64_t size_bytes,
                                          const std::string& doing);

// Reads a file of `size_bytes` ahead.
Result<std::unique_ptr<stream::Source>> sftp_source(std::shared_ptr<SftpChannel> channel,
                                                    const std::string& path, uint64_t size_bytes,
                                                    const std::string& doing);

// Syncs what an earlier writer of the file may have left unsynced, where the server can.
Result<void> sftp_sync(std::shared_ptr<SftpChannel> channel, const std::string& path,
                       uint64_t size_bytes, const std::string& doing);

}  // namespace snap::dest
