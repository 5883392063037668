// Self-signed certificates, made as a test needs them.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "base/handle.h"
#include "base/time.h"

namespace snap::test {

struct MadeCertificate {
  std::string certificate, key;  // PEM
};

inline MadeCertificate make_certificate(const std::string& common_name, Seconds from, Seconds to) {
  Handle<EVP_PKEY, &EVP_PKEY_free> key(EVP_EC_gen("P-256"));
  Handle<X509, &X509_free> x509(X509_new());
  X509_set_version(x509.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 1);
  ASN1_TIME_set(X509_getm_notBefore(x509.get()), from.time_since_epoch().count());
  ASN1_TIME_set(X509_getm_notAfter(x509.get()), to.time_since_epoch().count());
  auto* name = X509_get_subject_name(x509.get());
  auto add = [&](const char* field, const std::string& value) {
    X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(value.data()),
                               static_cast<int>(value.size()), -1, 0);
  };
  add("O", "system:masters");
  add("CN", common_name);
  X509_set_issuer_name(x509.get(), name);
  X509_set_pubkey(x509.get(), key.get());
  X509_sign(x509.get(), key.get(), EVP_sha256());

  auto text = [](auto write) {
    Handle<BIO, &BIO_free_all> out(BIO_new(BIO_s_mem()));
    write(out.get());
    char* data = nullptr;
    auto size = BIO_get_mem_data(out.get(), &data);
    return std::string(data, static_cast<size_t>(size));
  };
  return {text([&](BIO* out) { PEM_write_bio_X509(out, x509.get()); }), text([&](BIO* out) {
            PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

}  // namespace snap::test
