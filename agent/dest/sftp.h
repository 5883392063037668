// A directory on another host, over SFTP: a mirror.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dest/destination.h"
#include "dest/patience.h"

namespace snap::dest {

enum class HostKeyPolicy {
  strict,     // known_hosts decides; an unknown key is refused
  accept_new  // the first key seen is pinned by who may create; a changed one is refused
};

struct SftpConfig {
  std::string host;  // name or address to connect to
  uint16_t port = 22;
  std::vector<std::string> known_as;  // further names to look for in known_hosts, in this order
  std::string user;
  std::string directory;         // absolute
  bool create = true;            // with mode 0700, when only it is missing; and pins host keys
  std::string private_key_file;  // OpenSSH or PEM
  std::string passphrase_file;   // empty: the key is not encrypted
  std::string known_hosts_file;  // strict: must exist
  HostKeyPolicy host_key_policy = HostKeyPolicy::strict;
  std::string pinned_hosts_file;  // accept_new: where keys are pinned; replaced atomically
  Patience patience;
};

// Connects, checks the host's key before anything is sent that it could use, and logs in. Nothing
// of the user's or the system's ssh configuration is read, no agent is asked, no password is tried.
//
// Errors: invalid      a file of ours is missing or is not what it should be; the server speaks no
// SFTP
//         not_found    the directory is missing, and so is its parent or `create` is false
//         denied       the host's key is unknown, changed or revoked (both fingerprints are named);
//         our
//                      key was refused; the directory is not ours to write
//         unavailable, timeout  with the step that failed: resolve, connect, key exchange, login
Result<std::unique_ptr<Destination>> open_sftp(const SftpConfig& config);

}  // namespace snap::dest
