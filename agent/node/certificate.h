// Subject and end date of certificates. Key material never leaves the buffer it was read into.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace snap::node {

struct Certificate {
  std::string path;     // the file it was found in, escaped
  std::string subject;  // RFC 2253 in one line of ASCII: "CN=kube-apiserver"
  Seconds not_before{};
  Seconds not_after{};
  bool operator==(const Certificate&) const = default;
};

// Something worth telling about a path; both safe to print and to store as JSON.
struct Note {
  std::string path;  // escaped
  std::string text;  // lower case, no full stop, names no content of files
  bool operator==(const Note&) const = default;
};

struct CertificateFile {
  std::vector<Certificate> certificates;  // in the file's order
  std::vector<std::string> notes;         // what is wrong with it, without the path
};

// Whether a file of this name is expected to hold PEM certificates: *.crt, *.cert, *.pem.
bool names_certificates(std::string_view path);

// Every PEM certificate in `content`, the whole of the file `path` (escaped, for the result). A
// .crt or .cert without one, and a .pem without any PEM block, give a note; a private key in a .crt
// or .cert gives one too.
CertificateFile read_certificates(std::string_view path, std::string_view content);

// A note for each certificate that has ended at `now`, is not valid yet, or ends within `soon`.
std::vector<Note> date_warnings(std::span<const Certificate> certificates, Seconds now,
                                std::chrono::days soon);

}  // namespace snap::node
