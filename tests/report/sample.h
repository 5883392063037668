// An outcome with every field set.
#pragma once

#include "report/outcome.h"

namespace snap::report {

inline Outcome sample_outcome() {
  Outcome outcome;
  outcome.version = "0.1.0";
  outcome.node = "master-0";
  outcome.cluster = "prod-east";
  outcome.cluster_id = "8e9e05c52164694d";
  outcome.set = "prod-east_2026-11-21T013000Z_master-0";
  outcome.trigger = "schedule";
  outcome.started = *from_rfc3339("2026-11-21T01:30:00Z");
  outcome.finished = *from_rfc3339("2026-11-21T01:30:41Z");
  outcome.stages = {{"lock", std::chrono::milliseconds(1)},
                    {"take", std::chrono::milliseconds(40'250)}};
  outcome.exit = Exit::done;
  outcome.warnings = {"the clock stepped back"};
  outcome.snapshot = SnapshotFacts{.file = "snapshot_2026-11-21_013000.db",
                                   .bytes = 9'007'199'254'740'993,
                                   .in_use_bytes = 1'000,
                                   .sha256 = std::string(64, 'a'),
                                   .hash = 4'000'000'000,
                                   .revision = 17,
                                   .live_keys = 3,
                                   .total_keys = 5,
                                   .member = "m1",
                                   .member_id = "a1",
                                   .endpoint = "https://127.0.0.1:2379",
                                   .etcd_version = "3.5.16",
                                   .from_leader = false};
  outcome.resources =
      ResourceFacts{.file = "static_kuberesources_2026-11-21_013000.tar.gz",
                    .bytes = 2'000,
                    .entries = 4,
                    .paths = {"/etc/kubernetes/pki"},
                    .notes = {"a socket"},
                    .incomplete = {},
                    .earliest_certificate_end = from_rfc3339("2027-01-01T00:00:00Z"),
                    .earliest_certificate = "CN=etcd"};
  outcome.proof = {{"trailer", "passed", ""}, {"members", "skipped", "compacted"}};
  PlaceFacts place;
  place.name = "local";
  place.type = "local";
  place.label = "/var/lib/etcd-snapshot";
  place.has_set = place.proven = true;
  place.sets = PlaceFacts::Sets{.proven = 5,
                                .unproven = 1,
                                .pinned = 2,
                                .bytes = 6'000,
                                .newest_proven = from_rfc3339("2026-11-21T01:30:00Z")};
  place.free_bytes = 7'000;
  place.pruned = {{"prod-east_2026-11-01T013000Z_master-0", "kept by no rule"}};
  place.leftovers_removed = {".incoming-prod-east_2026-11-20T013000Z_master-0"};
  outcome.places = {place};
  return outcome;
}

// The same cluster, a run that did not reach etcd.
inline Outcome failed_outcome() {
  Outcome outcome;
  outcome.version = "0.1.0";
  outcome.cluster = "prod-east";
  outcome.started = *from_rfc3339("2026-11-22T01:30:00Z");
  outcome.finished = *from_rfc3339("2026-11-22T01:30:10Z");
  outcome.exit = Exit::etcd;
  outcome.error =
      Failure{{Code::unavailable, "no endpoint answers", "is etcd running?"}, "preflight"};
  return outcome;
}

}  // namespace snap::report
