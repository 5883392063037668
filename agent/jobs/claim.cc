#include "jobs/claim.h"

#include <chrono>
#include <format>
#include <utility>

namespace snap::jobs {
namespace {

constexpr int kLaterStarts = 120;

bool is_set(dest::Destination& place, const std::string& name) {
  return place.open(name, std::string(sets::kManifestName)).has_value();
}

}  // namespace

Result<Claimed> claim_given(dest::Destination& place, const std::string& name,
                            const std::string& cluster) {
  auto parsed = sets::SetName::parse(name);
  if (!parsed) {
    parsed.error().hint = "name it like prod-east_2026-11-21T013000Z_master-0, or leave --set out";
    return std::unexpected(parsed.error());
  }
  if (parsed->cluster != cluster) {
    return fail(Code::invalid, std::format("set {} is not of cluster {}", name, cluster),
                std::format("its name must begin with {}_", cluster));
  }
  auto incoming = place.begin(name);
  if (!incoming && incoming.error().code == Code::exists)
    incoming.error().hint = "give the new set another name, or leave --set out";
  if (!incoming) return std::unexpected(incoming.error());
  return Claimed{std::move(*parsed), std::move(*incoming)};
}

Result<Claimed> claim_free(dest::Destination& place, sets::SetName name, const RunLock& lock) {
  auto first = name.text();
  for (int i = 0; i < kLaterStarts; ++i, name.start += std::chrono::seconds(1)) {
    if (lock.had(name.start)) continue;
    auto incoming = place.begin(name.text());
    if (incoming) return Claimed{std::move(name), std::move(*incoming)};
    if (incoming.error().code == Code::exists && is_set(place, name.text())) continue;
    if (incoming.error().code == Code::exists)
      incoming.error().hint = "no backup made this: move it out of local.directory";
    return std::unexpected(incoming.error());
  }
  return fail(Code::exists, std::format("{} and the starts after it are taken", first),
              "look at the clock");
}

}  // namespace snap::jobs
