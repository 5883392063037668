#include "report/outcome.h"

#include <nlohmann/json.hpp>

#include "report/table.h"

namespace snap::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;

double seconds_of(std::chrono::milliseconds duration) {
  return static_cast<double>(duration.count()) / 1000;
}

// null where there is nothing: the field itself is always there.
Json or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json or_null(const std::optional<Seconds>& at) {
  return at ? Json(to_rfc3339(*at)) : Json(nullptr);
}

Json json_of(const Failure& failure) {
  return {{"code", name_of(failure.error.code)},
          {"message", failure.error.message},
          {"hint", or_null(failure.error.hint)},
          {"stage", or_null(failure.stage)}};
}

Json json_of(const SnapshotFacts& snapshot) {
  return {{"file", snapshot.file},
          {"bytes", snapshot.bytes},
          {"in_use_bytes", snapshot.in_use_bytes},
          {"sha256", snapshot.sha256},
          {"hash", snapshot.hash},
          {"revision", snapshot.revision},
          {"live_keys", snapshot.live_keys},
          {"total_keys", snapshot.total_keys},
          {"member", or_null(snapshot.member)},
          {"member_id", or_null(snapshot.member_id)},
          {"endpoint", or_null(snapshot.endpoint)},
          {"etcd_version", or_null(snapshot.etcd_version)},
          {"from_leader", snapshot.from_leader}};
}

Json json_of(const ResourceFacts& resources) {
  return {{"file", resources.file},
          {"bytes", resources.bytes},
          {"entries", resources.entries},
          {"paths", resources.paths},
          {"notes", resources.notes},
          {"incomplete", resources.incomplete},
          {"earliest_certificate_end", or_null(resources.earliest_certificate_end)},
          {"earliest_certificate", or_null(resources.earliest_certificate)}};
}

Json json_of(const ProofFact& proof) {
  return {{"name", proof.name}, {"result", proof.result}, {"reason", or_null(proof.reason)}};
}

Json json_of(const PlaceFacts& place) {
  Json sets = nullptr;
  if (place.sets) {
    sets = {{"proven", place.sets->proven},
            {"unproven", place.sets->unproven},
            {"pinned", place.sets->pinned},
            {"bytes", place.sets->bytes},
            {"newest_proven", or_null(place.sets->newest_proven)}};
  }
  Json pruned = Json::array();
  for (const auto& removal : place.pruned)
    pruned.push_back({{"set", removal.set}, {"reason", removal.reason}});
  return {{"name", place.name},
          {"type", place.type},
          {"label", place.label},
          {"verdict", place.failed ? "failed" : "ok"},
          {"problem", or_null(place.problem)},
          {"has_set", place.has_set},
          {"proven", place.proven},
          {"proven_by", or_null(place.proven_by)},
          {"caught_up", place.caught_up},
          {"sent_bytes", place.sent_bytes},
          {"send_seconds", seconds_of(place.sending)},
          {"prove_seconds", seconds_of(place.proving)},
          {"sets", sets},
          {"free_bytes", place.free_bytes ? Json(*place.free_bytes) : Json(nullptr)},
          {"pruned", pruned},
          {"leftovers_removed", place.leftovers_removed}};
}

template <class T>
Json list_of(const std::vector<T>& items) {
  Json list = Json::array();
  for (const auto& item : items) list.push_back(json_of(item));
  return list;
}

}  // namespace

nlohmann::ordered_json to_json(const Outcome& outcome) {
  Json stages = Json::array();
  for (const auto& stage : outcome.stages)
    stages.push_back({{"name", stage.name}, {"seconds", seconds_of(stage.duration)}});
  return {
      {"schema", kSchema},
      {"verb", outcome.verb},
      {"version", outcome.version},
      {"exit", static_cast<int>(outcome.exit)},
      {"exit_name", name_of(outcome.exit)},
      {"cluster", or_null(outcome.cluster)},
      {"cluster_id", or_null(outcome.cluster_id)},
      {"node", or_null(outcome.node)},
      {"set", or_null(outcome.set)},
      {"trigger", or_null(outcome.trigger)},
      {"started", to_rfc3339(outcome.started)},
      {"finished", to_rfc3339(outcome.finished)},
      {"error", outcome.error ? json_of(*outcome.error) : Json(nullptr)},
      {"warnings", outcome.warnings},
      {"stages", stages},
      {"snapshot", outcome.snapshot ? json_of(*outcome.snapshot) : Json(nullptr)},
      {"resources", outcome.resources ? json_of(*outcome.resources) : Json(nullptr)},
      {"proof", list_of(outcome.proof)},
      {"places", list_of(outcome.places)},
  };
}

std::string to_json_line(const Outcome& outcome) { return json_line(to_json(outcome)); }

}  // namespace snap::report
