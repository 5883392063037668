#include "sets/manifest.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <limits>
#include <sstream>

#include "support/sample_manifest.h"

namespace snap::sets {
namespace {

using test::sample_manifest;

// tests/data/manifest_v1.json is ours: SNAP_TEST_ACCEPT=1 rewrites it. Sets in the field look like
// it, so a change that no longer reads it needs a new schema.
TEST(Manifest, IsWrittenLikeTheGoldenFile) {
  const std::string path = SNAP_TEST_DATA "/manifest_v1.json";
  auto text = to_json(sample_manifest());
  if (std::getenv("SNAP_TEST_ACCEPT")) std::ofstream(path) << text;
  std::ostringstream golden;
  golden << std::ifstream(path).rdbuf();
  EXPECT_EQ(text, golden.str());
}

TEST(Manifest, ReadsTheGoldenFile) {
  std::ostringstream golden;
  golden << std::ifstream(SNAP_TEST_DATA "/manifest_v1.json").rdbuf();
  auto manifest = parse_manifest(golden.str());
  ASSERT_TRUE(manifest) << describe(manifest.error());
  EXPECT_EQ(*manifest, sample_manifest());
}

TEST(Manifest, ReadsBackWhatItWrites) {
  auto extremes = sample_manifest();
  extremes.trigger = "by hand: \"quoted\"\n\ttab \\ ünïcode";
  extremes.etcd.cluster_id = std::numeric_limits<uint64_t>::max();
  extremes.etcd.member_id = 0;
  extremes.etcd.storage_version.clear();
  extremes.etcd.compact_revision.reset();
  extremes.etcd.role = Role::leader;
  extremes.etcd.alarms.clear();
  extremes.etcd.revision = std::numeric_limits<int64_t>::max();
  extremes.snapshot.hash = std::numeric_limits<uint32_t>::max();
  extremes.resources = {};
  extremes.resources.incomplete = {{"/etc/x", "permission denied"}};
  extremes.proof.resources = {Outcome::failed, "/etc/x: permission denied"};
  extremes.warnings.clear();
  for (const auto& manifest : {sample_manifest(), extremes}) {
    auto read = parse_manifest(to_json(manifest));
    ASSERT_TRUE(read) << describe(read.error());
    EXPECT_EQ(*read, manifest);
  }
}

// One field after the other: written, read back, and told apart from the same manifest without it.
TEST(Manifest, KeepsEveryFieldApart) {
  using sets::Manifest;
  using std::chrono::seconds;
  const std::vector<std::function<void(Manifest&)>> changes{
      [](Manifest& m) { m.set = "x"; },
      [](Manifest& m) { m.cluster = "x"; },
      [](Manifest& m) { m.trigger = "x"; },
      [](Manifest& m) { m.started += seconds(1); },
      [](Manifest& m) { m.finished += seconds(1); },
      [](Manifest& m) { m.node = "x"; },
      [](Manifest& m) { m.agent = "x"; },
      [](Manifest& m) { m.etcd.cluster_id = 1; },
      [](Manifest& m) { m.etcd.member_id = 1; },
      [](Manifest& m) { m.etcd.member_name = "x"; },
      [](Manifest& m) { m.etcd.endpoint = "x"; },
      [](Manifest& m) { m.etcd.choice = "x"; },
      [](Manifest& m) { m.etcd.server_version = "x"; },
      [](Manifest& m) { m.etcd.storage_version = "x"; },
      [](Manifest& m) { m.etcd.role = Role::leader; },
      [](Manifest& m) { m.etcd.raft_term = 1; },
      [](Manifest& m) { m.etcd.raft_term_after = 1; },
      [](Manifest& m) { m.etcd.raft_index = 1; },
      [](Manifest& m) { m.etcd.revision = 1; },
      [](Manifest& m) { m.etcd.compact_revision = 1; },
      [](Manifest& m) { m.etcd.alarms[0].member_id = 1; },
      [](Manifest& m) { m.etcd.alarms[0].kind = "x"; },
      [](Manifest& m) { m.snapshot.file = m.files[0].name = "x"; },
      [](Manifest& m) { m.snapshot.size_bytes = m.files[0].size_bytes = 1; },
      [](Manifest& m) { m.snapshot.in_use_bytes = 1; },
      [](Manifest& m) { m.snapshot.sha256 = m.files[0].sha256 = std::string(64, 'c'); },
      [](Manifest& m) { m.snapshot.hash = 1; },
      [](Manifest& m) { m.snapshot.live_keys = 1; },
      [](Manifest& m) { m.snapshot.total_pairs = 1; },
      [](Manifest& m) { m.files[1].name = "x"; },
      [](Manifest& m) { m.files[1].size_bytes = 1; },
      [](Manifest& m) { m.files[1].sha256 = std::string(64, 'c'); },
      [](Manifest& m) { m.files.pop_back(); },
      [](Manifest& m) { m.resources.paths[1] = "x"; },
      [](Manifest& m) { m.resources.certificates[0].path = "x"; },
      [](Manifest& m) { m.resources.certificates[0].subject = "x"; },
      [](Manifest& m) { m.resources.certificates[0].not_after += seconds(1); },
      [](Manifest& m) { m.resources.notes[0].path = "x"; },
      [](Manifest& m) { m.resources.notes[0].text = "x"; },
      [](Manifest& m) { m.resources.incomplete = {{"x", "y"}}; },
      [](Manifest& m) { m.proof.trailer.outcome = Outcome::skipped; },
      [](Manifest& m) { m.proof.trailer.reason = "x"; },
      [](Manifest& m) { m.proof.structure.outcome = Outcome::failed; },
      [](Manifest& m) { m.proof.mvcc.outcome = Outcome::failed; },
      [](Manifest& m) { m.proof.kubernetes.outcome = Outcome::failed; },
      [](Manifest& m) { m.proof.members.outcome = Outcome::failed; },
      [](Manifest& m) { m.proof.resources.outcome = Outcome::failed; },
      [](Manifest& m) { m.warnings[0] = "x"; },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    SCOPED_TRACE(i);
    auto changed = sample_manifest();
    changes[i](changed);
    auto read = parse_manifest(to_json(changed));
    ASSERT_TRUE(read) << describe(read.error());
    EXPECT_TRUE(*read == changed);
    EXPECT_FALSE(*read == sample_manifest());
  }
}

TEST(Manifest, WritesBytesThatAreNoTextAsReplacementCharacters) {
  auto manifest = sample_manifest();
  manifest.warnings = {"bad \xff byte"};
  auto read = parse_manifest(to_json(manifest));
  ASSERT_TRUE(read) << describe(read.error());
  EXPECT_EQ(read->warnings.front(), "bad \xef\xbf\xbd byte");
}

TEST(Manifest, IsProvenWhenTrailerAndStructurePassedAndNothingFailed) {
  auto manifest = sample_manifest();
  EXPECT_TRUE(proven(manifest));
  EXPECT_EQ(why_unproven(manifest), "");
}

TEST(Manifest, IsNotProvenWhenAnyProofFailed) {
  for (auto result : {&Proof::trailer, &Proof::structure, &Proof::mvcc, &Proof::kubernetes,
                      &Proof::members, &Proof::resources}) {
    auto manifest = sample_manifest();
    manifest.proof.*result = {Outcome::failed, "master-2 differs"};
    EXPECT_FALSE(proven(manifest));
    EXPECT_TRUE(why_unproven(manifest).ends_with(": master-2 differs"));
  }
}

TEST(Manifest, IsNotProvenWithoutTheTrailer) {
  auto manifest = sample_manifest();
  manifest.proof.trailer = {Outcome::skipped, ""};
  EXPECT_FALSE(proven(manifest));
  EXPECT_EQ(why_unproven(manifest), "trailer: skipped");
}

TEST(Manifest, IsProvenWhenTheConfiguredLevelSkippedTheStructure) {
  auto manifest = sample_manifest();
  manifest.proof.structure = {Outcome::skipped, "verify.level is digest"};
  EXPECT_TRUE(proven(manifest));
}

TEST(Manifest, BelongsToOneDirectoryOnly) {
  auto manifest = sample_manifest();
  EXPECT_TRUE(check_manifest(manifest, manifest.set));
  auto other_time = check_manifest(manifest, "prod-east_2026-11-21T013001Z_master-0");
  ASSERT_FALSE(other_time);
  EXPECT_EQ(other_time.error().code, Code::corrupt);
  EXPECT_FALSE(check_manifest(manifest, "prod-east_2026-11-21T013000Z_master-1"));
  EXPECT_FALSE(check_manifest(manifest, "prod-west_2026-11-21T013000Z_master-0"));
  EXPECT_FALSE(check_manifest(manifest, "prod-east_2026-11-21T013000Z_master-0 "));

  auto moved = manifest;
  moved.started += std::chrono::seconds(1);
  EXPECT_FALSE(check_manifest(moved, moved.set));
  auto renamed = manifest;
  renamed.cluster = "prod-west";
  EXPECT_FALSE(check_manifest(renamed, renamed.set));
  auto foreign = manifest;
  foreign.set = "backup";
  EXPECT_FALSE(check_manifest(foreign, "backup"));
}

}  // namespace
}  // namespace snap::sets
