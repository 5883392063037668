// The certificates that etcd is reached with: they end silently, and then no backup works any more.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "jobs/settings.h"
#include "node/certificate.h"

namespace snap::jobs {

// How long before its end a certificate is warned about.
inline constexpr auto kCertificateWarning = std::chrono::days(30);

// Those in the CA file and in our own certificate's file. A file that cannot be read is left out:
// who connects judges it. One file that serves as both counts once.
std::vector<node::Certificate> certificates_for_etcd(const Settings& settings);

// "/etc/kubernetes/pki/ca.crt: CN=kubernetes expires on ...", at most 20 of them and how many more.
std::vector<std::string> certificate_warnings(const std::vector<node::Certificate>& certificates,
                                              Seconds now);

}  // namespace snap::jobs
