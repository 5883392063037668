#include "node/certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>
#include <format>

#include "base/handle.h"

namespace snap::node {
namespace {

using Bio = Handle<BIO, &BIO_free_all>;
using X509Handle = Handle<X509, &X509_free>;

// A bundle of a Linux distribution holds about 150; what follows after these is not listed.
constexpr size_t kMaxPerFile = 200;

std::string one_line(const X509_NAME* name) {
  Bio out(BIO_new(BIO_s_mem()));
  if (!out || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253) < 0) return "";
  char* data = nullptr;
  auto size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<size_t>(size)};
}

Seconds to_seconds(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return Seconds{};
  return Seconds(std::chrono::seconds(::timegm(&parts)));
}

bool holds_private_key(std::string_view content) {
  for (size_t at = 0; (at = content.find("-----BEGIN ", at)) != content.npos; at += 11) {
    auto line = content.substr(at, content.find('\n', at) - at);
    if (line.contains("PRIVATE KEY-----")) return true;
  }
  return false;
}

}  // namespace

bool names_certificates(std::string_view path) {
  return path.ends_with(".crt") || path.ends_with(".cert") || path.ends_with(".pem");
}

CertificateFile read_certificates(std::string_view path, std::string_view content) {
  CertificateFile file;
  Bio bio(BIO_new_mem_buf(content.data(), static_cast<int>(content.size())));
  bool damaged = false;
  while (bio && file.certificates.size() < kMaxPerFile) {
    // Skips blocks of other kinds, so keys are not even parsed. No password is ever asked for.
    auto no_password = [](char*, int, int, void*) { return -1; };
    X509Handle x509(PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr));
    if (!x509) {
      damaged = ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
      break;
    }
    file.certificates.push_back({.path = std::string(path),
                                 .subject = one_line(X509_get_subject_name(x509.get())),
                                 .not_before = to_seconds(X509_get0_notBefore(x509.get())),
                                 .not_after = to_seconds(X509_get0_notAfter(x509.get()))});
  }
  ERR_clear_error();
  if (file.certificates.size() == kMaxPerFile) {
    file.notes.push_back(std::format("only the first {} certificates are listed", kMaxPerFile));
  }
  bool key = holds_private_key(content);
  bool pem = path.ends_with(".pem");  // by custom also the name of a file that holds a key
  if (damaged) file.notes.push_back("holds a certificate that cannot be read");
  if (key && !pem) file.notes.push_back("holds a private key where a certificate is expected");
  if (file.certificates.empty() && !damaged && !key && !(pem && content.contains("-----BEGIN "))) {
    file.notes.push_back("holds no PEM certificate, though its name promises one");
  }
  return file;
}

std::vector<Note> date_warnings(std::span<const Certificate> certificates, Seconds now,
                                std::chrono::days soon) {
  std::vector<Note> warnings;
  for (const auto& certificate : certificates) {
    auto warn = [&](std::string text) {
      warnings.push_back({certificate.path, certificate.subject + " " + std::move(text)});
    };
    if (certificate.not_after <= now) {
      warn("expired on " + to_rfc3339(certificate.not_after));
    } else if (certificate.not_before > now) {
      warn("is not valid before " + to_rfc3339(certificate.not_before));
    } else if (certificate.not_after - now <= soon) {
      warn("expires on " + to_rfc3339(certificate.not_after));
    }
  }
  return warnings;
}

}  // namespace snap::node
