// manifest.json: what a set holds, and what was proven about it. FORMAT.md describes every field.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace snap::sets {

inline constexpr uint64_t kMaxManifestBytes = 1 << 20;  // readers need not fetch more

struct AlarmFact {
  uint64_t member_id = 0;
  std::string kind;  // "NOSPACE"
  bool operator==(const AlarmFact&) const = default;
};

enum class Role { leader, follower };

// The member that the snapshot was taken from.
struct EtcdFacts {
  uint64_t cluster_id = 0;
  uint64_t member_id = 0;
  std::string member_name;
  std::string endpoint;  // without user info
  std::string choice;    // why this member: a sentence
  std::string server_version;
  std::string storage_version;  // empty: the member does not say (before 3.6)
  Role role = Role::follower;
  uint64_t raft_term = 0;        // before the transfer
  uint64_t raft_term_after = 0;  // another one: an election took place meanwhile
  uint64_t raft_index = 0;
  int64_t revision = 0;                     // of the snapshot itself, as `snapshot status` has it
  std::optional<int64_t> compact_revision;  // nothing: not known
  std::vector<AlarmFact> alarms;
  bool operator==(const EtcdFacts&) const = default;
};

struct SnapshotFacts {
  std::string file;
  uint64_t size_bytes = 0;    // the trailer included
  uint64_t in_use_bytes = 0;  // pages that are not free
  std::string sha256;         // of the whole file, 64 lower-case hex digits
  uint32_t hash = 0;          // as `snapshot status` prints
  uint64_t live_keys = 0;
  uint64_t total_pairs = 0;  // key-value pairs with all their revisions
  bool operator==(const SnapshotFacts&) const = default;
};

struct FileFacts {
  std::string name;
  uint64_t size_bytes = 0;
  std::string sha256;
  bool operator==(const FileFacts&) const = default;
};

struct CertificateFact {
  std::string path;
  std::string subject;
  Seconds not_after{};
  bool operator==(const CertificateFact&) const = default;
};

struct Note {
  std::string path;  // on the host, escaped
  std::string text;
  bool operator==(const Note&) const = default;
};

struct ResourceFacts {
  std::vector<std::string> paths;  // on the host, as they were named
  std::vector<CertificateFact> certificates;
  std::vector<Note> notes;       // harmless
  std::vector<Note> incomplete;  // what should be in the archive and is not
  bool operator==(const ResourceFacts&) const = default;
};

enum class Outcome { passed, failed, skipped };
std::string_view name_of(Outcome outcome);

struct ProofResult {
  Outcome outcome = Outcome::skipped;
  std::string reason;  // of failed and skipped; may be empty when passed
  bool operator==(const ProofResult&) const = default;
};

struct Proof {
  ProofResult trailer;     // the digest that etcd sent equals ours
  ProofResult structure;   // every page of the database
  ProofResult mvcc;        // keys and revisions
  ProofResult kubernetes;  // objects decode
  ProofResult members;     // the other members have the same data
  ProofResult resources;   // the archive holds what was asked for
  bool operator==(const Proof&) const = default;

  // In the order above, with their names in the manifest.
  std::array<std::pair<std::string_view, const ProofResult*>, 6> all() const;
};

struct Manifest {
  std::string set;      // the directory's name
  std::string cluster;  // as configured
  std::string trigger;  // "schedule", "manual", or the caller's text
  Seconds started{};    // the same as in the name
  Seconds finished{};
  std::string node;   // host name
  std::string agent;  // version
  EtcdFacts etcd;
  SnapshotFacts snapshot;
  std::vector<FileFacts> files;  // every file of the set but the manifest; the snapshot too
  ResourceFacts resources;
  Proof proof;
  std::vector<std::string> warnings;
  bool operator==(const Manifest&) const = default;
};

// The trailer passed, and nothing failed. What was skipped does not count against it.
bool proven(const Manifest& manifest);

// The failed proofs, or what keeps the set from being proven: "members: etcd-2 differs". Empty
// for a proven set.
std::string why_unproven(const Manifest& manifest);

// Sum of the files. parse_manifest has made sure that it fits.
uint64_t total_bytes(const Manifest& manifest);

// Text for people and machines, fields in the order of FORMAT.md, a line break at the end. Bytes
// that are no UTF-8 become U+FFFD.
std::string to_json(const Manifest& manifest);

// Reads what anybody may have written there: strict JSON without repeated keys, limited in size
// and depth, every field of the right type and in range, safe and different file names, the
// snapshot among the files. Unknown fields are ignored.
//
// Errors: corrupt  the manifest is damaged; the message names the field
//         invalid  a schema of a newer version: nobody but that version may touch the set
Result<Manifest> parse_manifest(std::string_view json);

// Does the manifest belong to the directory it was found in? Set, cluster and start are compared.
//
// Errors: corrupt
Result<void> check_manifest(const Manifest& manifest, std::string_view directory_name);

}  // namespace snap::sets
