// TLS settings out of files, and the names that certificates are checked against.
#pragma once

#include <string>

#include "base/result.h"

namespace snap::net {

// Paths of PEM files. The peer is always verified: against `ca` alone when it is set, else against
// the system's store.
struct TlsFiles {
  std::string ca;
  std::string cert;         // our certificate, with its chain; empty: none is offered
  std::string key;          // the private key of `cert`
  std::string server_name;  // verify the peer's certificate against this name, not the address

  bool empty() const { return ca.empty() && cert.empty() && key.empty(); }
};

// Reads the files that are set and checks that they are what they should be. Opens no connection.
// Nothing of a key's content enters a message.
//
// Errors: invalid    no PEM in it, certificate and key do not belong together, one of both missing,
//                    an encrypted key, a server name with a character no host name has, a file
//                    that cannot be read
Result<void> check(const TlsFiles& files);

}  // namespace snap::net
