// A real OpenSSH server on loopback, with its own configuration and keys, gone with the object. Its
// only user is root.
#pragma once

#include <string>
#include <vector>

#include "support/process.h"
#include "support/temp_dir.h"

namespace snap::test {

struct SshOptions {
  // plain: sftp and commands; sftp_only: internal-sftp, forced; exec_only: no sftp subsystem;
  // chroot: internal-sftp in a jail, where data() is "/data"
  std::string mode = "plain";
  std::string sftp_flags = {};             // of sftp-server: "-R", "-P fsync,posix-rename"
  std::string sftp_server = {};            // plain: this command instead, and nothing else runs
  std::vector<std::string> settings = {};  // lines of sshd_config: "RekeyLimit 1M"
  std::string greeting = {};               // printed before every command, as a bad .bashrc does
  int disk_mib = 0;                        // > 0: data() is a tmpfs of this size
  std::string host = "127.0.0.1";          // 127.0.0.2 and on work as well
};

class SshServer {
 public:
  // Returns when the port answers; throws when it does not.
  explicit SshServer(const SshOptions& options = {});
  ~SshServer();
  SshServer(const SshServer&) = delete;

  const std::string& host() const { return options_.host; }
  int port() const { return port_; }
  // The directory that clients may write to: as they name it, and as this process sees it (with a
  // disk of its own: only while the server runs).
  std::string data() const;
  std::string directory() const;

  // Keys that it lets in: "ed25519", "ecdsa", "rsa", and "encrypted" (passphrase
  // "canary-passphrase").
  // Made when it is first asked for.
  std::string key(const std::string& name) const;
  std::string passphrase_file() const { return dir_.path("passphrase"); }
  std::string known_hosts() const { return dir_.path("known_hosts"); }
  std::string path(const std::string& name) const { return dir_.path(name); }

  // Another command, for sessions from now on; only where options name one. kSftpServer is
  // OpenSSH's own.
  void change_sftp_server(const std::string& command);
  static constexpr auto kSftpServer = "/usr/lib/openssh/sftp-server";

  void new_host_key();  // restarts with other keys; known_hosts() stays
  void kill();          // SIGKILL, with every session
  void restart();       // after kill(), on the same port
  void pause();         // SIGSTOP, with every session
  void resume();

 private:
  void make_host_keys();
  void launch();
  void signal_all(int number);

  SshOptions options_;
  TempDir dir_;
  int port_ = 0;
  Process server_;
};

}  // namespace snap::test
