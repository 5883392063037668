#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "sets/manifest.h"

namespace snap::sets {
namespace {

using Json = nlohmann::ordered_json;  // people read it: the order is FORMAT.md's

Json list(const auto& items, auto to_object) {
  auto array = Json::array();
  for (const auto& item : items) array.push_back(to_object(item));
  return array;
}

Json etcd_json(const EtcdFacts& etcd) {
  Json json = {{"clusterId", to_hex(etcd.cluster_id)},
               {"memberId", to_hex(etcd.member_id)},
               {"memberName", etcd.member_name},
               {"endpoint", etcd.endpoint},
               {"choice", etcd.choice},
               {"serverVersion", etcd.server_version}};
  if (!etcd.storage_version.empty()) json["storageVersion"] = etcd.storage_version;
  json["role"] = etcd.role == Role::leader ? "leader" : "follower";
  json["raftTerm"] = etcd.raft_term;
  json["raftTermAfter"] = etcd.raft_term_after;
  json["raftIndex"] = etcd.raft_index;
  json["revision"] = etcd.revision;
  if (etcd.compact_revision) json["compactRevision"] = *etcd.compact_revision;
  json["alarms"] = list(etcd.alarms, [](const AlarmFact& alarm) {
    return Json{{"member", to_hex(alarm.member_id)}, {"kind", alarm.kind}};
  });
  return json;
}

Json snapshot_json(const SnapshotFacts& snapshot) {
  return {{"file", snapshot.file},
          {"size", snapshot.size_bytes},
          {"inUseSize", snapshot.in_use_bytes},
          {"sha256", snapshot.sha256},
          {"hash", snapshot.hash},
          {"liveKeys", snapshot.live_keys},
          {"totalPairs", snapshot.total_pairs}};
}

Json resources_json(const ResourceFacts& resources) {
  auto note = [](const Note& n) { return Json{{"path", n.path}, {"text", n.text}}; };
  return {{"paths", resources.paths},
          {"certificates", list(resources.certificates,
                                [](const CertificateFact& certificate) {
                                  return Json{{"path", certificate.path},
                                              {"subject", certificate.subject},
                                              {"notAfter", to_rfc3339(certificate.not_after)}};
                                })},
          {"notes", list(resources.notes, note)},
          {"incomplete", list(resources.incomplete, note)}};
}

Json proof_json(const Proof& proof) {
  Json json;
  for (auto [name, result] : proof.all()) {
    Json& entry = json[std::string(name)];
    entry["result"] = name_of(result->outcome);
    if (!result->reason.empty()) entry["reason"] = result->reason;
  }
  return json;
}

}  // namespace

std::string to_json(const Manifest& manifest) {
  auto file = [](const FileFacts& f) {
    return Json{{"name", f.name}, {"size", f.size_bytes}, {"sha256", f.sha256}};
  };
  Json json = {{"schema", 1},
               {"set", manifest.set},
               {"cluster", manifest.cluster},
               {"trigger", manifest.trigger},
               {"started", to_rfc3339(manifest.started)},
               {"finished", to_rfc3339(manifest.finished)},
               {"node", manifest.node},
               {"agent", manifest.agent},
               {"etcd", etcd_json(manifest.etcd)},
               {"snapshot", snapshot_json(manifest.snapshot)},
               {"files", list(manifest.files, file)},
               {"resources", resources_json(manifest.resources)},
               {"proof", proof_json(manifest.proof)},
               {"warnings", manifest.warnings}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace snap::sets
