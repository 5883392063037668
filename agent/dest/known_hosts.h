// The known_hosts file of OpenSSH, as far as it decides whether a host is who it says it is.
// Private to this room.
//
// Read here and not by libssh, which ignores @revoked lines and cannot name the key that was
// expected. Format: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT". @cert-authority lines are no keys of
// hosts and are skipped.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace snap::dest {

struct HostKey {
  std::string type;    // "ssh-ed25519"
  std::string base64;  // the key, as it stands in the file
};

enum class HostKeyVerdict {
  known,
  unknown,  // the file has no key of the host
  changed,  // the file has others, none of them this one
  revoked
};

struct HostKeyFinding {
  HostKeyVerdict verdict = HostKeyVerdict::unknown;
  std::vector<HostKey> expected;  // the host's keys in the file
};

// Judges `key` by the text of the file. `names`: what the host may be listed as, each as it is or,
// on another port than 22, as "[name]:port"; hashed names and patterns with * and ? count too. The
// first name that has a key decides: an address behind it may have been another host's before.
HostKeyFinding judge(std::string_view file, const std::vector<std::string>& names, uint16_t port,
                     const HostKey& key);

// Types of the keys that the file has for the host, in its order: they are asked for first, so that
// a host that has several is not refused for showing one that is not listed.
std::vector<std::string> key_types(std::string_view file, const std::vector<std::string>& names,
                                   uint16_t port);

// "SHA256:9Tz…", as ssh-keygen -l prints it. Error: invalid  not base64.
Result<std::string> fingerprint(const HostKey& key);

// The line that pins `key`: "[10.0.0.7]:2222 ssh-ed25519 AAAA…".
std::string line_for(const std::string& name, uint16_t port, const HostKey& key);

}  // namespace snap::dest
