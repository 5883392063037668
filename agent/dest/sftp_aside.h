// A second SFTP channel beside libssh's own, for requests that libssh has no call for, or waits
// for. Private to this room.
//
// Used by the thread that uses the session. Source: draft-ietf-secsh-filexfer-02 (version 3);
// OpenSSH's PROTOCOL, section 4, for "fsync@openssh.com";
// draft-ietf-secsh-filexfer-extensions-00, section 7, for "copy-data".
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "dest/ssh_session.h"

namespace snap::dest {

class SftpAside {
 public:
  // Nothing: the server allows no second channel. Errors here and below: unavailable, timeout,
  // cancelled.
  static Result<std::unique_ptr<SftpAside>> open(SshSession& session);
  ~SftpAside();
  SftpAside(const SftpAside&) = delete;

  // Copies a file of `size_bytes` there, to a path that does not exist. False: the server refuses
  // or cannot (OpenSSH before 9.0), and `to` may be there in part.
  Result<bool> copy(const std::string& from, const std::string& to, uint64_t size_bytes);

  // flush() has the server bring to its disk what it was given of this file so far, and waits for
  // nothing: whoever writes the file syncs it at its end, finds less to do, and ends the flushing.
  // False then: one of them failed, which an older kernel tells only once, and not to the sync.
  // Where the server refuses to flush, nothing is done.
  Result<void> begin_flushing(const std::string& path);
  Result<void> flush();
  Result<bool> end_flushing(uint64_t size_bytes);
  void abandon_flushing();

 private:
  class Packet;
  SftpAside(SshSession& session, SshChannel channel)
      : session_(session), channel_(std::move(channel)) {}

  Result<bool> greet();
  Result<std::string> open_file(const std::string& path, uint32_t flags);
  Result<bool> done(const Packet& packet);
  Result<void> send(const Packet& packet);
  Result<std::string> answer_to(uint32_t id);
  Result<std::string> read(size_t size);
  std::unexpected<Error> lost();

  SshSession& session_;
  SshChannel channel_;
  bool copies_ = false, flushes_ = false;
  std::string flushed_;  // the handle of the file that is written
  bool flush_failed_ = false;
  uint32_t id_ = 0;
};

}  // namespace snap::dest
