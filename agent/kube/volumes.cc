#include "kube/volumes.h"

#include <format>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/encode.h"
#include "base/names.h"
#include "base/text.h"
#include "kube/fields.h"

namespace snap::kube {
namespace {

using nlohmann::json;

constexpr std::string_view kNfsDriver = "nfs.csi.k8s.io";

// The driver takes its keys in any case.
std::string attribute(const json& attributes, std::string_view name) {
  for (const auto& [key, value] : attributes.items()) {
    if (lower_case(key) == name && value.is_string()) return value.get<std::string>();
  }
  return {};
}

NfsExport csi_export(const json& csi) {
  const auto& attributes = map_in(csi, "volumeAttributes");
  NfsExport found{.server = attribute(attributes, "server"),
                  .path = attribute(attributes, "share")};
  auto below = attribute(attributes, "subdir");
  if (!below.empty()) {
    while (found.path.ends_with('/')) found.path.pop_back();
    found.path += "/" + below;
  }
  return found;
}

// What can neither be a host nor travel in an address.
bool unusable(const NfsExport& found) {
  return found.server.empty() || !found.path.starts_with('/') || found.path.contains("${") ||
         escaped(found.server + found.path) != found.server + found.path ||
         found.server.find_first_of("/@ ") != found.server.npos;
}

}  // namespace

Result<NfsExport> nfs_volume(Client& client, const std::string& name) {
  auto answer = client.ask({.verb = "get",
                            .resource = "persistentvolumes",
                            .name_space = {},
                            .target = "/api/v1/persistentvolumes/" + percent_encoded(name)});
  if (!answer) {
    auto [error, status, reason] = std::move(answer).error();
    if (error.code == Code::not_found && !reason.empty())
      return fail(Code::not_found, std::format("there is no PersistentVolume {}", name),
                  "kubectl get pv lists them");
    return std::unexpected(std::move(error));
  }
  const auto& spec = map_in(*answer, "spec");
  const auto& nfs = map_in(spec, "nfs");
  const auto& csi = map_in(spec, "csi");
  bool by_driver = text_in(csi, "driver") == kNfsDriver;
  if (nfs.empty() && !by_driver)
    return fail(Code::invalid,
                std::format("PersistentVolume {} is no NFS export: it has neither nfs: nor csi: of "
                            "{}",
                            name, kNfsDriver),
                "name one that is, or write the address of the export as url");
  if (flag_in(nfs, "readOnly") || flag_in(csi, "readOnly"))
    return fail(Code::invalid, std::format("PersistentVolume {} is read-only", name));
  auto found = by_driver
                   ? csi_export(csi)
                   : NfsExport{.server = text_in(nfs, "server"), .path = text_in(nfs, "path")};
  if (found.server.starts_with('[') && found.server.ends_with(']'))
    found.server = found.server.substr(1, found.server.size() - 2);
  if (unusable(found))
    return fail(Code::invalid,
                std::format("PersistentVolume {}: server \"{}\" and path \"{}\" are no export",
                            name, escaped(found.server), escaped(found.path)));
  return found;
}

}  // namespace snap::kube
