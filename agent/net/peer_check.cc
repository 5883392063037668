#include "net/peer_check.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>

#include <array>

#include "base/handle.h"
#include "base/text.h"
#include "base/time.h"

namespace snap::net {
namespace {

int context_slot() {
  static const int slot = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return slot;
}

PeerCheck* watcher(const SSL* connection) {
  return static_cast<PeerCheck*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), context_slot()));
}

std::string name_text(const X509_NAME* name) {
  std::array<char, 256> text = {};
  X509_NAME_oneline(name, text.data(), text.size());
  std::string_view shown = text.data();
  if (shown.starts_with('/')) shown.remove_prefix(1);
  return escaped(shown);
}

std::string time_text(const ASN1_TIME* time) {
  std::tm parts = {};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unreadable date";
  return to_rfc3339(std::chrono::sys_seconds(std::chrono::seconds(::timegm(&parts))));
}

std::string address_text(const ASN1_OCTET_STRING* address) {
  std::array<char, INET6_ADDRSTRLEN> text = {};
  auto family = ASN1_STRING_length(address) == 4 ? AF_INET : AF_INET6;
  if (family == AF_INET6 && ASN1_STRING_length(address) != 16) return "an unreadable address";
  ::inet_ntop(family, ASN1_STRING_get0_data(address), text.data(), text.size());
  return text.data();
}

std::string alt_names(const X509* certificate) {
  Handle<GENERAL_NAMES, &GENERAL_NAMES_free> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string out;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const auto* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS && name->type != GEN_IPADD) continue;
    if (!out.empty()) out += ", ";
    if (name->type == GEN_IPADD) {
      out += address_text(name->d.iPAddress);
    } else {
      std::string_view text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                            static_cast<size_t>(ASN1_STRING_length(name->d.dNSName)));
      out += escaped(text);
    }
  }
  return out;
}

int on_verify(int accepted, X509_STORE_CTX* store) {
  const auto* connection = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* check = connection ? watcher(connection) : nullptr;
  const auto* certificate = X509_STORE_CTX_get_current_cert(store);
  if (!check || !certificate || check->verify_error != 0) return accepted;
  // The chain is checked from its root; the server's own certificate comes last.
  check->subject = name_text(X509_get_subject_name(certificate));
  check->issuer = name_text(X509_get_issuer_name(certificate));
  check->not_before = time_text(X509_get0_notBefore(certificate));
  check->not_after = time_text(X509_get0_notAfter(certificate));
  check->names = alt_names(certificate);
  if (accepted == 0) check->verify_error = X509_STORE_CTX_get_error(store);
  return accepted;
}

void on_info(const SSL* connection, int where, int value) {
  auto* check = watcher(connection);
  if (check && (where & SSL_CB_HANDSHAKE_DONE) != 0) {
    const unsigned char* chosen = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(connection, &chosen, &size);
    check->tls_stands = true;
    check->http2_agreed = std::string_view(reinterpret_cast<const char*>(chosen), size) == "h2";
  }
  auto is_close = (value & 0xff) == SSL_AD_CLOSE_NOTIFY;
  if (check && (where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && !is_close)
    check->received_alert = value & 0xff;
}

}  // namespace

void PeerCheck::watch(SSL_CTX* context) {
  SSL_CTX_set_ex_data(context, context_slot(), this);
  SSL_CTX_set_verify(context, SSL_CTX_get_verify_mode(context), on_verify);
  SSL_CTX_set_info_callback(context, on_info);
}

}  // namespace snap::net
