#include "jobs/certificates.h"

#include <format>

#include "base/file.h"
#include "base/text.h"

namespace snap::jobs {
namespace {

constexpr uint64_t kMaxFileBytes = 1 << 20;
constexpr size_t kMostWarnings = 20;

}  // namespace

std::vector<node::Certificate> certificates_for_etcd(const Settings& settings) {
  std::vector<node::Certificate> all;
  const auto& tls = settings.etcd.tls;
  std::vector<std::string> paths = {tls.ca};
  if (tls.cert != tls.ca) paths.push_back(tls.cert);
  for (const auto& path : paths) {
    auto content = path.empty() ? Result<std::string>("") : read_small_file(path, kMaxFileBytes);
    if (!content) continue;
    auto found = node::read_certificates(escaped(path), *content);
    all.insert(all.end(), found.certificates.begin(), found.certificates.end());
  }
  return all;
}

std::vector<std::string> certificate_warnings(const std::vector<node::Certificate>& certificates,
                                              Seconds now) {
  std::vector<std::string> texts;
  auto notes = node::date_warnings(certificates, now, kCertificateWarning);
  for (const auto& note : notes) {
    if (texts.size() == kMostWarnings) {
      texts.push_back(std::format("and {} more certificates", notes.size() - kMostWarnings));
      break;
    }
    texts.push_back(std::format("{}: {}", note.path, note.text));
  }
  return texts;
}

}  // namespace snap::jobs
