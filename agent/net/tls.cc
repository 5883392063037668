#include "net/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>

#include "base/file.h"
#include "base/handle.h"
#include "base/text.h"

namespace snap::net {
namespace {

using Bio = Handle<BIO, &BIO_free>;
using Certificate = Handle<X509, &X509_free>;
using PrivateKey = Handle<EVP_PKEY, &EVP_PKEY_free>;

constexpr uint64_t kMaxFileBytes = 4U << 20;

Result<Bio> open_pem(const std::string& path) {
  auto file = read_small_file(path, kMaxFileBytes);
  if (!file)
    return fail(Code::invalid, file.error().message,
                "cacert, cert and key must name PEM files that this user can read");
  auto text = std::move(*file);
  Bio bio(BIO_new(BIO_s_mem()));
  if (!bio || BIO_write(bio.get(), text.data(), static_cast<int>(text.size())) !=
                  static_cast<int>(text.size()))
    return fail(Code::internal, "read " + path + ": no memory");
  std::ranges::fill(text, '\0');
  return bio;
}

Result<Certificate> read_certificate(const std::string& path) {
  auto bio = TRY(open_pem(path));
  Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (!certificate)
    return fail(Code::invalid, path + ": no certificate in PEM form",
                "the file must hold -----BEGIN CERTIFICATE-----");
  return certificate;
}

// An encrypted key would make OpenSSL ask on the terminal: the callback refuses instead.
int no_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

Result<PrivateKey> read_key(const std::string& path) {
  auto bio = TRY(open_pem(path));
  bool encrypted = false;
  PrivateKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, &encrypted));
  ERR_clear_error();
  if (encrypted)
    return fail(Code::invalid, path + ": the private key is encrypted",
                "use a key without a passphrase, readable by this user only");
  if (!key) {
    return fail(Code::invalid, path + ": no private key in PEM form",
                "name the file that holds the key of the certificate");
  }
  return key;
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

}  // namespace

Result<void> check(const TlsFiles& files) {
  if (!std::ranges::all_of(files.server_name, is_name_character))
    return fail(Code::invalid, "server name " + escaped(files.server_name) + ": not a host name");
  if (!files.ca.empty()) TRY(read_certificate(files.ca));
  if (files.cert.empty() != files.key.empty())
    return fail(Code::invalid,
                files.cert.empty() ? files.key + ": a key without its certificate"
                                   : files.cert + ": a certificate without its key",
                "set both cert and key, or neither");
  if (files.cert.empty()) return {};
  auto certificate = TRY(read_certificate(files.cert));
  auto key = TRY(read_key(files.key));
  auto match = X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  if (!match)
    return fail(Code::invalid, files.key + ": not the key of " + files.cert,
                "certificate and key must be issued together");
  return {};
}

}  // namespace snap::net
