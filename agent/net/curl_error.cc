#include "net/curl_error.h"

#include <fcntl.h>
#include <openssl/x509_vfy.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <system_error>

#include "base/file.h"
#include "base/text.h"

namespace snap::net {
namespace {

Error unavailable(std::string message, std::string hint = {}) {
  return {Code::unavailable, std::move(message), std::move(hint)};
}

Error denied(std::string message, std::string hint = {}) {
  return {Code::denied, std::move(message), std::move(hint)};
}

// The server's certificate did not pass. Source of the numbers: openssl/x509_vfy.h.
Error refused_certificate(const PeerCheck& peer, const std::string& checked_name) {
  auto whose = "the certificate of " + peer.subject;
  switch (peer.verify_error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return denied(whose + " expired at " + peer.not_after,
                    "renew it on the server, or check this host's clock");
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return denied(whose + " is not valid before " + peer.not_before,
                    "check this host's clock and the server's");
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return denied("the server shows a self-signed certificate of " + peer.subject,
                    "set the CA file to the CA that signs the servers' certificates");
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return denied(whose + " is signed by " + peer.issuer + ", which the CA file does not hold",
                    "set the CA file to the CA that signs the servers' certificates");
    case X509_V_ERR_CA_MD_TOO_WEAK:
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
      return denied(whose + " is too weak for OpenSSL's security level: " +
                        X509_verify_cert_error_string(peer.verify_error),
                    "renew the CA with RSA 2048 or stronger and SHA-256");
    case X509_V_OK:
      return denied("the server's certificate is for " +
                        (peer.names.empty() ? peer.subject : peer.names) + ", not for " +
                        checked_name,
                    "use an endpoint that the certificate names, or set the server name");
    default: return denied(whose + ": " + X509_verify_cert_error_string(peer.verify_error));
  }
}

Error no_http2() {
  return unavailable("the server does not speak HTTP/2 (ALPN has no h2)",
                     "use etcd's client port, not a metrics or health port");
}

Error refused_ours(int alert) {
  std::string why = alert == 45    ? ": it has expired"
                    : alert == 48  ? ": it does not know our CA"
                    : alert == 116 ? ": it wants one and got none"
                                   : "";
  return denied("the server refused our client certificate" + why,
                "set cert and key to a client certificate that the server's CA signed");
}

// The peer ended the connection with this alert. Numbers: RFC 8446, section 6.
Error alert(int number, const PeerCheck& peer) {
  // handshake_failure says nothing more, but after the server's certificate only ours is left.
  if (number == 40 && !peer.subject.empty()) return refused_ours(number);
  switch (number) {
    case 42:
    case 43:
    case 44:
    case 45:
    case 46:
    case 48:
    case 49:
    case 116: return refused_ours(number);
    case 70: return unavailable("the server offers no TLS 1.2 or newer");
    case 120: return no_http2();
    default: return unavailable("the server ended TLS with alert " + std::to_string(number));
  }
}

Error not_connected(const Failure& failure) {
  if (failure.os_error != 0) {
    auto text = std::system_category().message(static_cast<int>(failure.os_error));
    text[0] = text[0] == 'C' ? 'c' : text[0] == 'N' ? 'n' : text[0];  // "Connection", "No route"
    return unavailable(text, failure.etcd ? "is etcd running there, and is the port right?"
                                          : "is the server up, and is the port right?");
  }
  return unavailable(failure.text.empty() ? "cannot connect" : escaped(failure.text));
}

// libcurl says "cannot connect" or "cannot resolve" when it got no socket. That no descriptor is
// left is still so when it has given up.
std::optional<Error> no_descriptor() {
  Fd one(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
  if (one || (errno != EMFILE && errno != ENFILE)) return std::nullopt;
  return errno_error(errno, "connect");
}

Error cut(const Failure& failure, const Endpoint& endpoint) {
  auto message = "the connection was cut: " +
                 (failure.text.empty() ? curl_easy_strerror(failure.code) : escaped(failure.text));
  if (endpoint.tls || failure.answered) return unavailable(message);
  return unavailable(message, "if this port speaks TLS, write https:// in front of it");
}

}  // namespace

Error connection_error(const Failure& failure, const Endpoint& endpoint, const PeerCheck& peer,
                       std::chrono::milliseconds connect_timeout) {
  if (peer.received_alert != 0) return alert(peer.received_alert, peer);
  if (!failure.answered && !peer.tls_stands)
    if (auto error = no_descriptor()) return *error;
  switch (failure.code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return unavailable("cannot resolve " + endpoint.host, "check the name, or use an address");
    case CURLE_OPERATION_TIMEDOUT:
      return {Code::timeout,
              "no connection within " + std::to_string(connect_timeout.count() / 1000) + " s",
              "is the host up, and does a firewall drop the packets?"};
    case CURLE_COULDNT_CONNECT: return not_connected(failure);
    case CURLE_PEER_FAILED_VERIFICATION:
      return refused_certificate(peer, escaped(failure.checked_name));
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM: return {Code::invalid, "TLS files: " + escaped(failure.text), ""};
    case CURLE_SSL_CONNECT_ERROR:
      return unavailable("TLS: " + escaped(failure.text),
                         "if this port speaks no TLS, write http:// in front of it");
    default:
      if (failure.etcd && peer.tls_stands && !peer.http2_agreed && !failure.answered)
        return no_http2();
      return cut(failure, endpoint);
  }
}

}  // namespace snap::net
