#include "sets/manifest.h"

#include <format>

#include "base/text.h"
#include "sets/name.h"

namespace snap::sets {

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::passed: return "passed";
    case Outcome::failed: return "failed";
    case Outcome::skipped: return "skipped";
  }
  return "skipped";
}

std::array<std::pair<std::string_view, const ProofResult*>, 6> Proof::all() const {
  return {{{"trailer", &trailer},
           {"structure", &structure},
           {"mvcc", &mvcc},
           {"kubernetes", &kubernetes},
           {"members", &members},
           {"resources", &resources}}};
}

bool proven(const Manifest& manifest) { return why_unproven(manifest).empty(); }

std::string why_unproven(const Manifest& manifest) {
  std::vector<std::string> failed;
  std::vector<std::string> missing;
  for (auto [name, result] : manifest.proof.all()) {
    bool needed = result == &manifest.proof.trailer;
    auto text =
        std::format("{}: {}", name,
                    escaped(result->reason.empty() ? name_of(result->outcome) : result->reason));
    if (result->outcome == Outcome::failed)
      failed.push_back(std::move(text));
    else if (needed && result->outcome != Outcome::passed)
      missing.push_back(std::move(text));
  }
  return join(failed.empty() ? missing : failed, "; ");
}

uint64_t total_bytes(const Manifest& manifest) {
  uint64_t sum = 0;
  for (const auto& file : manifest.files) sum += file.size_bytes;
  return sum;
}

Result<void> check_manifest(const Manifest& manifest, std::string_view directory_name) {
  auto differs = [](std::string_view field, std::string_view found, std::string_view expected) {
    return fail(Code::corrupt, std::format("manifest: {} is '{}', the directory says '{}'", field,
                                           escaped(found.substr(0, 255)), escaped(expected)));
  };
  if (manifest.set != directory_name) return differs("set", manifest.set, directory_name);
  auto name = SetName::parse(directory_name);
  if (!name) return fail(Code::corrupt, name.error().message);
  if (manifest.cluster != name->cluster) {
    return differs("cluster", manifest.cluster, name->cluster);
  }
  if (manifest.started != name->start) {
    return differs("started", to_rfc3339(manifest.started), to_rfc3339(name->start));
  }
  return {};
}

}  // namespace snap::sets
