// The SFTP channel of an SSH connection. Private to this room.
#pragma once

#include <libssh/sftp.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/handle.h"
#include "base/result.h"
#include "dest/sftp_aside.h"
#include "dest/ssh_session.h"

namespace snap::dest {

using Sftp = Handle<sftp_session_struct, &sftp_free>;

// Shared by the tree and its open files.
struct SftpChannel {
  // On a session that is logged in. Error: invalid  the server speaks no SFTP.
  static Result<std::shared_ptr<SftpChannel>> open(std::unique_ptr<SshSession> session);
  explicit SftpChannel(std::unique_ptr<SshSession> over) : session(std::move(over)) {}
  ~SftpChannel();
  SftpChannel(const SftpChannel&) = delete;

  [[nodiscard]] Watchdog::Watch watch(std::chrono::milliseconds extra = {}) {
    return session->watch(extra);
  }
  // The status that the last call left. Servers say "failure" for almost everything: what it was is
  // asked for by the callers.
  Error error_of(std::string_view doing);
  // Of a refused write to `path`: full, over a quota or a limit, or what the server does not tell.
  Error write_error(const std::string& doing, const std::string& path);

  // A second one, opened when it is first asked for. Nothing: the server allows none.
  Result<SftpAside*> aside();

  std::unique_ptr<SshSession> session;
  Sftp sftp;
  // In one packet: powers of two. Every server takes so much; more where it says so.
  size_t write_bytes = 32768, read_bytes = 32768;
  bool fsync = false, statvfs = false;

 private:
  std::unique_ptr<SftpAside> aside_;
  bool aside_asked_ = false;

  Result<void> start();
  std::optional<uint64_t> free_bytes(const std::string& path);
};

using SftpStatVfs = Handle<sftp_statvfs_struct, &sftp_statvfs_free>;

}  // namespace snap::dest
