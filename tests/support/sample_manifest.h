// A manifest with every field set, for tests that need one or a spoilt one.
#pragma once

#include <chrono>
#include <string>

#include "sets/manifest.h"
#include "sets/name.h"

namespace snap::test {

inline constexpr Seconds kSampleStart = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) +
                                        std::chrono::hours(1) + std::chrono::minutes(30);

// Set "prod-east_2026-11-21T013000Z_master-0", proven.
inline sets::Manifest sample_manifest() {
  using sets::Outcome;
  sets::Manifest m;
  m.set = "prod-east_2026-11-21T013000Z_master-0";
  m.cluster = "prod-east";
  m.trigger = "schedule";
  m.started = kSampleStart;
  m.finished = kSampleStart + std::chrono::seconds(41);
  m.node = "master-0.example.com";
  m.agent = "0.1.0";
  m.etcd = {.cluster_id = 0xcdf818194e3a8c32,
            .member_id = 0x8e9e05c52164694d,
            .member_name = "master-0",
            .endpoint = "https://127.0.0.1:2379",
            .choice = "master-0 is a follower that is not behind",
            .server_version = "3.6.16",
            .storage_version = "3.6.0",
            .role = sets::Role::follower,
            .raft_term = 7,
            .raft_term_after = 7,
            .raft_index = 48213377,
            .revision = 41234567,
            .compact_revision = 41230000,
            .alarms = {{.member_id = 0x91bc3c398fb3c146, .kind = "NOSPACE"}}};
  const std::string snapshot_sha(64, 'a');
  m.snapshot = {.file = sets::snapshot_file_name(kSampleStart),
                .size_bytes = 1363501088,
                .in_use_bytes = 734003200,
                .sha256 = snapshot_sha,
                .hash = 4048293801,
                .live_keys = 81234,
                .total_pairs = 190321};
  m.files = {{m.snapshot.file, m.snapshot.size_bytes, snapshot_sha},
             {sets::static_resources_file_name(kSampleStart), 48112, std::string(64, 'b')}};
  m.resources = {.paths = {"/etc/kubernetes/manifests", "/etc/kubernetes/pki"},
                 .certificates = {{.path = "/etc/kubernetes/pki/apiserver.crt",
                                   .subject = "CN=kube-apiserver",
                                   .not_after = kSampleStart + std::chrono::days(200)}},
                 .notes = {{"/etc/kubernetes/enc", "is not on this host"}},
                 .incomplete = {}};
  m.proof = {.trailer = {Outcome::passed, ""},
             .structure = {Outcome::passed, "2314 pages"},
             .mvcc = {Outcome::skipped, "verify.level is structure"},
             .kubernetes = {Outcome::skipped, "verify.level is structure"},
             .members = {Outcome::skipped, "etcd.compareMembers is off"},
             .resources = {Outcome::passed, ""}};
  m.warnings = {"alarm NOSPACE on master-1: the cluster refuses writes"};
  return m;
}

}  // namespace snap::test
