#include "sets/info.h"

#include <tuple>

#include "base/text.h"

namespace snap::sets {

std::string_view name_of(State state) {
  switch (state) {
    case State::good: return "good";
    case State::damaged: return "damaged";
    case State::newer: return "newer";
    case State::remains: return "remains";
    case State::incoming: return "incoming";
    case State::foreign: return "foreign";
  }
  return "foreign";
}

SetInfo describe_set(std::string_view directory_name, const Manifest& manifest) {
  SetInfo info;
  info.name = directory_name;
  auto parts = SetName::parse(directory_name);
  if (!parts) {
    info.problem = parts.error().message;
    return info;
  }
  info.parts = *std::move(parts);
  if (auto fits = check_manifest(manifest, directory_name); !fits) {
    info.state = State::damaged;
    info.problem = fits.error().message;
    return info;
  }
  info.state = State::good;
  info.problem = why_unproven(manifest);
  info.proven = info.problem.empty();
  info.cluster_id = manifest.etcd.cluster_id;
  info.total_bytes = total_bytes(manifest);
  info.snapshot_bytes = manifest.snapshot.size_bytes;
  info.revision = manifest.etcd.revision;
  for (const auto& file : manifest.files) info.files.push_back(file.name);
  return info;
}

SetInfo classify(std::string_view directory_name, std::optional<std::string_view> manifest) {
  SetInfo info;
  info.name = directory_name;
  if (directory_name.starts_with(kIncomingPrefix)) {
    info.state = State::incoming;
    info.problem = "being written, or left by a run that died";
    if (auto parts = SetName::parse(directory_name.substr(kIncomingPrefix.size()))) {
      info.parts = *std::move(parts);
    }
    return info;
  }
  auto parts = SetName::parse(directory_name);
  if (!parts) {
    info.problem = parts.error().message;
    return info;
  }
  info.parts = *std::move(parts);
  if (!manifest) {
    info.state = State::remains;
    info.problem = "has no manifest";
    info.files = {snapshot_file_name(info.parts.start),
                  static_resources_file_name(info.parts.start),
                  host_files_file_name(info.parts.start)};
    return info;
  }
  auto parsed = parse_manifest(*manifest);
  if (!parsed) {
    info.state = parsed.error().code == Code::invalid ? State::newer : State::damaged;
    info.problem = parsed.error().message;
    return info;
  }
  return describe_set(directory_name, *parsed);
}

bool newer_first(const SetInfo& a, const SetInfo& b) {
  return std::tie(b.parts.start, a.name) < std::tie(a.parts.start, b.name);
}

}  // namespace snap::sets
