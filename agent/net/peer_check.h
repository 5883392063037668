// Listens to OpenSSL during one connection, to say later why it failed. Private to this room: it
// changes no verdict.
#pragma once

#include <openssl/ssl.h>

#include <string>

namespace snap::net {

struct PeerCheck {
  // Of the certificate that was refused (or of the server's own when none was).
  std::string subject, issuer, names;  // escaped; names: "localhost, 127.0.0.1"
  std::string not_before, not_after;   // "2026-11-21T01:30:00Z"
  int verify_error = 0;                // X509_V_ERR_...; 0: none
  int received_alert = 0;              // TLS alert from the peer; 0: none
  bool tls_stands = false;             // the handshake was done
  bool http2_agreed = false;           // ALPN chose h2

  // Watches the connections of `context`, which must not outlive this.
  void watch(SSL_CTX* context);
};

}  // namespace snap::net
