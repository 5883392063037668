#include "jobs/basis.h"

#include <algorithm>
#include <chrono>

#include "sets/name.h"

namespace snap::jobs {

std::string basis_of(const std::string& set, const Inventory& local, const Inventory& there) {
  auto own = sets::SetName::parse(set);
  if (!own) return "";
  const sets::SetInfo* nearest = nullptr;
  auto distance = [&](const sets::SetInfo& other) {
    return std::chrono::abs(other.parts.start - own->start);
  };
  for (const auto& other : there.sets) {
    const auto* here = local.find(other.name);
    bool alike = other.name != set && other.state == sets::State::good &&
                 other.parts.cluster == own->cluster && other.parts.node == own->node && here &&
                 here->state == sets::State::good;
    if (alike && (!nearest || distance(other) < distance(*nearest))) nearest = &other;
  }
  return nearest ? nearest->name : "";
}

}  // namespace snap::jobs
