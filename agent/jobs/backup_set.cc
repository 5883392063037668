#include "jobs/backup_set.h"

#include <algorithm>
#include <format>
#include <iterator>
#include <utility>

#include "base/text.h"
#include "stream/copy.h"
#include "stream/memory.h"

namespace snap::jobs {
namespace {

// Hashes and counts what a sink is given.
class HashingSink : public stream::Sink {
 public:
  explicit HashingSink(std::unique_ptr<stream::Sink> sink) : sink_(std::move(sink)) {}
  Result<void> write(Bytes data) override {
    hash_.update(data);
    return sink_->write(data);
  }
  Result<void> finish() override { return sink_->finish(); }
  stream::Digest digest() const { return hash_.digest(); }

 private:
  std::unique_ptr<stream::Sink> sink_;
  stream::Sha256 hash_;
};

std::vector<sets::Note> notes_of(const std::vector<node::Note>& notes) {
  std::vector<sets::Note> copied;
  for (const auto& note : notes) copied.push_back({note.path, note.text});
  return copied;
}

std::vector<std::string> texts_of(const std::vector<sets::Note>& notes) {
  std::vector<std::string> texts;
  for (const auto& note : notes)
    texts.push_back(note.path.empty() ? note.text : note.path + ": " + note.text);
  return texts;
}

// A manifest stays far below the size that readers accept, whatever a host has: the certificates
// that end first, the first notes.
void keep_small(sets::ResourceFacts& resources) {
  constexpr size_t kMost = 300;
  constexpr size_t kMostNotes = 200;
  auto shorten = [](std::vector<sets::Note>& notes) {
    if (notes.size() <= kMostNotes) return;
    auto more = notes.size() - kMostNotes;
    notes.resize(kMostNotes);
    notes.push_back({"", std::format("and {} more", more)});
  };
  if (resources.certificates.size() > kMost) {
    auto more = resources.certificates.size() - kMost;
    std::ranges::stable_sort(resources.certificates, {}, &sets::CertificateFact::not_after);
    resources.certificates.resize(kMost);
    resources.notes.insert(
        resources.notes.begin(),
        {"", std::format("{} more certificates end later than those listed", more)});
  }
  shorten(resources.notes);
  shorten(resources.incomplete);
}

snapshot::Level level_of(config::Level level) {
  switch (level) {
    case config::Level::digest: return snapshot::Level::digest;
    case config::Level::structure: return snapshot::Level::structure;
    case config::Level::mvcc: break;
  }
  return snapshot::Level::mvcc;
}

std::string first_text(const std::vector<sets::Note>& notes) {
  auto texts = texts_of(notes);
  return texts.size() > 1 ? std::format("{} (and {} more)", texts.front(), texts.size() - 1)
                          : texts.front();
}

}  // namespace

BackupSet::BackupSet(const sets::SetName& name, std::unique_ptr<dest::Incoming> incoming,
                     std::string directory)
    : name_(name), incoming_(std::move(incoming)), directory_(std::move(directory)) {
  manifest_.set = name.text();
  manifest_.started = name.start;
  manifest_.snapshot.file = sets::snapshot_file_name(name.start);
  manifest_.proof.kubernetes = {sets::Outcome::skipped, "not part of this level"};
  manifest_.proof.members = {sets::Outcome::skipped, "etcd.compareMembers is off"};
}

Result<std::unique_ptr<stream::Sink>> BackupSet::create_snapshot() {
  return incoming_->create(manifest_.snapshot.file);
}

void BackupSet::took(Taken taken, const Cluster& cluster) {
  const auto& member = taken.member.member;
  auto& etcd = manifest_.etcd;
  etcd.cluster_id = member.cluster_id;
  etcd.member_id = member.member_id;
  etcd.member_name = taken.member.name;
  etcd.endpoint = redacted_url(member.endpoint);
  // After a change of the member in mid-transfer the reason for the first choice would be wrong.
  bool first = member.member_id == cluster.choice.first().member.member_id;
  etcd.choice = first ? cluster.choice.reason
                      : std::format("{}, after the member chosen first failed", taken.member.name);
  etcd.server_version = member.version;
  etcd.storage_version = taken.storage_version;
  etcd.role = member.is_leader() ? sets::Role::leader : sets::Role::follower;
  etcd.raft_term = member.raft_term;
  etcd.raft_term_after = taken.after.raft_term;
  etcd.raft_index = member.raft_index;
  for (const auto& alarm : cluster.survey.alarms)
    etcd.alarms.push_back({alarm.member_id, std::string(etcd::name_of(alarm.kind))});
  received_ = taken.digest.whole;
  manifest_.snapshot.size_bytes = taken.digest.size_bytes;
  manifest_.snapshot.sha256 = to_hex(received_);
  manifest_.proof.trailer = {sets::Outcome::passed, ""};
}

Result<void> BackupSet::prove_snapshot(config::Level level, const snapshot::Progress& progress,
                                       std::stop_token stop) {
  auto path = snapshot_path();
  snapshot::VerifyOptions options{.level = level_of(level),
                                  .past_page_cache = true,
                                  .threads = 2,
                                  .stop = stop,
                                  .progress = progress};
  auto report = TRY(snapshot::verify(path, options).context("prove the snapshot"));
  auto damage = std::ranges::find_if(report.findings, [](const snapshot::Finding& finding) {
    return finding.level < snapshot::Level::mvcc;
  });
  if (damage != report.findings.end()) {
    return fail(Code::corrupt,
                std::format("the snapshot is damaged: {}", snapshot::describe(*damage)),
                "it was thrown away; look at the disk's and the member's health");
  }
  if (report.sha256 != manifest_.snapshot.sha256) {
    return fail(Code::corrupt,
                std::format("{} reads back with SHA-256 {}, {} was written", path, report.sha256,
                            manifest_.snapshot.sha256),
                "the disk does not keep what it is given: see dmesg");
  }
  // The numbers need a walk of the database, whatever is proven.
  auto status = report.status;
  if (!status)
    status = TRY(snapshot::read_status(path, {.threads = 2, .stop = stop, .progress = {}})).status;
  if (!status)
    return fail(Code::corrupt, "the snapshot is no database that etcd could restore",
                "run with verify.level: structure to see why");
  manifest_.etcd.revision = status->revision;
  if (status->compact_revision >= 0) manifest_.etcd.compact_revision = status->compact_revision;
  manifest_.snapshot.in_use_bytes = status->in_use_bytes;
  manifest_.snapshot.hash = status->hash;
  manifest_.snapshot.live_keys = status->live_keys;
  manifest_.snapshot.total_pairs = status->total_keys;
  manifest_.files.push_back(
      {manifest_.snapshot.file, manifest_.snapshot.size_bytes, manifest_.snapshot.sha256});
  note_level(level, report);
  return {};
}

void BackupSet::note_level(config::Level level, const snapshot::Report& report) {
  auto& proof = manifest_.proof;
  auto reached = [&](config::Level wanted) {
    if (level >= wanted) return sets::ProofResult{sets::Outcome::passed, ""};
    return sets::ProofResult{sets::Outcome::skipped,
                             std::format("verify.level is {}", config::name_of(level))};
  };
  proof.structure = reached(config::Level::structure);
  proof.mvcc = reached(config::Level::mvcc);
  if (report.findings.empty()) return;
  auto more = report.findings.size() - 1 + report.more_findings;
  auto finding = report.findings.front();
  finding.file = manifest_.snapshot.file;  // not where it lies before it is published
  proof.mvcc = {sets::Outcome::failed, snapshot::describe(finding) +
                                           (more > 0 ? std::format(" (and {} more)", more) : "")};
}

Result<sets::FileFacts> BackupSet::read_back(const std::string& file,
                                             const stream::Digest& expected) {
  auto source = TRY(incoming_->open(file));
  auto hashed = TRY(stream::hash_all(*source));
  if (hashed.digest != expected) {
    return fail(Code::corrupt, std::format("{} does not read back as it was written", file),
                "the disk does not keep what it is given: see dmesg");
  }
  return sets::FileFacts{file, hashed.bytes, to_hex(expected)};
}

Result<node::Collected> BackupSet::collect(const node::CollectOptions& options) {
  auto file = archives_.empty() ? sets::static_resources_file_name(name_.start)
                                : sets::host_files_file_name(name_.start);
  HashingSink sink(TRY(incoming_->create(file)));
  auto collected = TRY(node::collect(options, sink).context("archive host files"));
  TRY(sink.finish());
  archives_.push_back(TRY(read_back(file, sink.digest())));
  manifest_.files.push_back(archives_.back());
  archive_entries_ += collected.entries;
  auto& resources = manifest_.resources;
  std::ranges::copy(collected.paths, std::back_inserter(resources.paths));
  for (const auto& certificate : collected.certificates) {
    resources.certificates.push_back(
        {certificate.path, certificate.subject, certificate.not_after});
  }
  std::ranges::copy(notes_of(collected.notes), std::back_inserter(resources.notes));
  std::ranges::copy(notes_of(collected.incomplete), std::back_inserter(resources.incomplete));
  keep_small(resources);
  manifest_.proof.resources =
      resources.incomplete.empty()
          ? sets::ProofResult{sets::Outcome::passed, ""}
          : sets::ProofResult{sets::Outcome::failed, first_text(resources.incomplete)};
  return collected;
}

Result<void> BackupSet::publish(const Ending& ending) {
  manifest_.cluster = ending.cluster;
  manifest_.trigger = ending.trigger;
  manifest_.node = ending.node;
  manifest_.agent = ending.agent;
  manifest_.finished = std::max(ending.finished, manifest_.started);
  manifest_.warnings = ending.warnings;
  auto text = sets::to_json(manifest_);
  auto file = std::string(sets::kManifestName);
  auto sink = TRY(incoming_->create(file));
  TRY(sink->write(as_bytes(text)));
  TRY(sink->finish());
  TRY(read_back(file, stream::sha256(as_bytes(text))));
  // What readers will refuse must not be published.
  auto again = TRY(sets::parse_manifest(text).context("the manifest just written"));
  TRY(sets::check_manifest(again, manifest_.set).context("the manifest just written"));
  return incoming_->publish();
}

report::SnapshotFacts BackupSet::snapshot_facts() const {
  const auto& etcd = manifest_.etcd;
  const auto& snapshot = manifest_.snapshot;
  return {.file = snapshot.file,
          .bytes = snapshot.size_bytes,
          .in_use_bytes = snapshot.in_use_bytes,
          .sha256 = snapshot.sha256,
          .hash = snapshot.hash,
          .revision = etcd.revision,
          .live_keys = snapshot.live_keys,
          .total_keys = snapshot.total_pairs,
          .member = etcd.member_name,
          .member_id = to_hex(etcd.member_id),
          .endpoint = etcd.endpoint,
          .etcd_version = etcd.server_version,
          .from_leader = etcd.role == sets::Role::leader};
}

report::ResourceFacts BackupSet::resource_facts() const {
  report::ResourceFacts facts;
  facts.file = archives_.front().name;
  for (const auto& archive : archives_) facts.bytes += archive.size_bytes;
  facts.entries = archive_entries_;
  facts.paths = manifest_.resources.paths;
  facts.notes = texts_of(manifest_.resources.notes);
  facts.incomplete = texts_of(manifest_.resources.incomplete);
  auto earliest = std::ranges::min_element(manifest_.resources.certificates, {},
                                           &sets::CertificateFact::not_after);
  if (earliest != manifest_.resources.certificates.end()) {
    facts.earliest_certificate_end = earliest->not_after;
    facts.earliest_certificate = earliest->subject;
  }
  return facts;
}

std::vector<report::ProofFact> BackupSet::proof_facts() const {
  std::vector<report::ProofFact> facts;
  for (const auto& [name, result] : manifest_.proof.all()) {
    facts.push_back(
        {std::string(name), std::string(sets::name_of(result->outcome)), result->reason});
  }
  return facts;
}

}  // namespace snap::jobs
