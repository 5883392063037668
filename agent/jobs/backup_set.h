// A backup set while it is made: its files, and the facts about them that become the manifest.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "dest/destination.h"
#include "jobs/take.h"
#include "node/collect.h"
#include "report/outcome.h"
#include "sets/manifest.h"
#include "sets/name.h"
#include "snapshot/hash_kv.h"
#include "snapshot/verify.h"

namespace snap::jobs {

class BackupSet {
 public:
  // `directory`: where the unpublished files lie on this host.
  BackupSet(const sets::SetName& name, std::unique_ptr<dest::Incoming> incoming,
            std::string directory);

  Result<std::unique_ptr<stream::Sink>> create_snapshot();
  // The transfer succeeded: notes what was taken from whom.
  void took(Taken taken, const Cluster& cluster);

  // What of the snapshot is to be compared with the members. Errors: as snapshot::read_extent().
  Result<snapshot::Extent> extent() const { return snapshot::read_extent(snapshot_path()); }
  // The snapshot's own HashKV, as snapshot::hash_kv().
  Result<snapshot::LocalHash> own_hash(const snapshot::Extent& extent, int64_t compact_revision,
                                       std::stop_token stop) const {
    return snapshot::hash_kv(snapshot_path(), extent, compact_revision,
                             {.threads = 2, .stop = std::move(stop)});
  }
  void compared(sets::ProofResult members) { manifest_.proof.members = std::move(members); }

  // Reads the file back from the disk. What lies there as it came, but is nothing that etcd would
  // write, is noted as a failed proof. Errors: corrupt  what lies there is damaged, or not what
  // came; others: could not look.
  Result<void> prove_snapshot(config::Level level, const snapshot::Progress& progress,
                              std::stop_token stop);

  // Archives host files and reads the archive back. The first archive is that of the static
  // resources, a second one holds host files beside them.
  Result<node::Collected> collect(const node::CollectOptions& options);

  struct Ending {
    std::string cluster, trigger, node, agent;
    Seconds finished;
    std::vector<std::string> warnings;
  };
  // Writes the manifest, reads it back, and publishes.
  Result<void> publish(const Ending& ending);

  bool proven() const { return sets::proven(manifest_); }
  const sets::Proof& proof() const { return manifest_.proof; }
  report::SnapshotFacts snapshot_facts() const;
  report::ResourceFacts resource_facts() const;
  std::vector<report::ProofFact> proof_facts() const;

 private:
  std::string snapshot_path() const { return directory_ + "/" + manifest_.snapshot.file; }
  void note_level(config::Level level, const snapshot::Report& report);
  Result<sets::FileFacts> read_back(const std::string& file, const stream::Digest& expected);

  sets::SetName name_;
  std::unique_ptr<dest::Incoming> incoming_;
  std::string directory_;
  sets::Manifest manifest_;
  stream::Digest received_{};              // SHA-256 of the snapshot as it came
  std::vector<sets::FileFacts> archives_;  // in the order in which they were made
  uint64_t archive_entries_ = 0;           // of all archives
};

}  // namespace snap::jobs
