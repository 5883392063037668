// A logged-in SSH connection that cannot hang. Private to this room.
//
// libssh's own time-outs do not end a pipelined writer, so the socket is ours and a watchdog shuts
// it down when TCP itself sees no progress for the limit, when the login takes too long, or when a
// stop is asked for. What was shut down stays so.
#pragma once

#include <libssh/libssh.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "base/file.h"
#include "base/handle.h"
#include "base/result.h"
#include "dest/sftp.h"

namespace snap::dest {

using SshHandle = Handle<ssh_session_struct, &ssh_free>;
using SshKey = Handle<ssh_key_struct, &ssh_key_free>;
using SshChannel = Handle<ssh_channel_struct, &ssh_channel_free>;

// Shuts a socket down when a call on it makes no progress, or is still under way at `deadline`.
class Watchdog {
 public:
  Watchdog(int fd, const Patience& patience, std::chrono::steady_clock::time_point deadline);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;

  // A call is under way while one of these lives. `extra`: silence that the call may need on top of
  // the limit, because the server works without sending.
  class Watch {
   public:
    Watch(Watchdog& dog, std::chrono::milliseconds extra);
    ~Watch();
    Watch(const Watch&) = delete;

   private:
    Watchdog& dog_;
  };

  void lift_deadline();

  enum class Bite { none, late, stalled, stopped };
  Bite bite() const { return bite_; }

 private:
  void guard(const std::stop_token& ending);
  uint64_t moved_bytes() const;  // that the peer's TCP took or sent

  int fd_;  // not owned
  Patience patience_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  int watching_ = 0;
  std::chrono::steady_clock::time_point last_, deadline_;
  std::chrono::milliseconds extra_{};
  std::atomic<Bite> bite_ = Bite::none;
  std::jthread thread_;
};

class SshSession {
 public:
  // Connects, judges the host's key, logs in.
  static Result<std::unique_ptr<SshSession>> open(const SftpConfig& config);
  ~SshSession();
  SshSession(const SshSession&) = delete;

  ssh_session get() { return session_.get(); }
  // `extra` counts for libssh's own limit too, until the next call.
  [[nodiscard]] Watchdog::Watch watch(std::chrono::milliseconds extra = {});
  const std::string& label() const { return label_; }
  // What an administrator should know of the host's key; empty: nothing.
  const std::string& remark() const { return remark_; }

  bool usable() const;
  // Why a call failed where the connection is to blame; nothing else is known then.
  Error broken(std::string_view doing) const;

  // Runs a fixed command and gives its standard output, at most 4 KiB. Errors: not_found  the
  // server runs no such command for us.
  Result<std::string> execute(const std::string& command, std::chrono::milliseconds extra);

 private:
  explicit SshSession(const SftpConfig& config);
  bool set_limit(std::chrono::milliseconds limit);
  Result<void> connect();
  Result<void> judge_host(const std::string& known_hosts);
  Result<void> pin(const std::string& line);
  Result<void> log_in();

  SftpConfig config_;
  std::string label_;
  std::string remark_;
  std::chrono::milliseconds extra_{};  // of the call that is under way
  Fd socket_;
  std::unique_ptr<Watchdog> dog_;
  SshHandle session_;
};

}  // namespace snap::dest
