// Whole backup sets on a local disk, made without etcd.
#pragma once

#include <filesystem>
#include <format>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "dest/local.h"
#include "jobs/inventory.h"
#include "node/collect.h"
#include "sets/manifest.h"
#include "snapshot/etcd_image.h"
#include "snapshot/verify.h"
#include "stream/sha256.h"
#include "support/sample_manifest.h"
#include "support/temp_dir.h"

namespace snap::jobs {

using namespace std::chrono_literals;

inline const std::string kManifest(sets::kManifestName);
// The set that make_set makes when nothing else is wished.
inline const std::string kSet = "prod-east_2026-11-21T013000Z_master-0";
inline const std::string kSnapshot = sets::snapshot_file_name(test::kSampleStart);
inline const std::string kArchive = sets::static_resources_file_name(test::kSampleStart);

inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_text(const std::string& path, const std::string& text) {
  std::filesystem::remove(path);
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (!file.flush()) throw std::runtime_error("write " + path);
  file.close();
  std::filesystem::permissions(path, std::filesystem::perms(0600));
}

struct Wish {
  std::string cluster = "prod-east";
  Seconds start = test::kSampleStart;
  std::string node = "master-0";
  int value = 7;  // in the database: sets with other values have other snapshots of the same size
  std::string failed = {};  // why the proof of the members failed; empty: proven
};

class TextSink : public stream::Sink {
 public:
  Result<void> write(Bytes data) override {
    text += as_text(data);
    return {};
  }
  Result<void> finish() override { return {}; }
  std::string text;
};

// Sound in every respect; returns its name.
inline std::string make_set(const std::string& directory, const Wish& wish = {}) {
  auto m = test::sample_manifest();
  m.set = sets::SetName{wish.cluster, wish.start, wish.node}.text();
  m.cluster = wish.cluster;
  m.started = wish.start;
  m.finished = wish.start + 41s;
  auto set = directory + "/" + m.set;
  std::filesystem::create_directory(set);
  std::filesystem::permissions(set, std::filesystem::perms(0700));

  auto value = std::format("value {:04}", wish.value);
  auto image = test::etcd_image(
      {test::row(2, 0, "/registry/a", value), test::row(3, 0, "/registry/b", value)});
  auto snapshot = image.snapshot();
  m.snapshot.file = sets::snapshot_file_name(wish.start);
  write_text(set + "/" + m.snapshot.file, snapshot);
  auto status = snapshot::read_status(set + "/" + m.snapshot.file).value().status.value();
  m.snapshot.size_bytes = snapshot.size();
  m.snapshot.sha256 = to_hex(stream::sha256(as_bytes(snapshot)));
  m.snapshot.hash = status.hash;
  m.etcd.revision = status.revision;
  m.etcd.compact_revision = {};

  TextSink archive;
  if (!node::collect({.roots = {}}, archive)) throw std::runtime_error("collect");
  auto file = sets::static_resources_file_name(wish.start);
  write_text(set + "/" + file, archive.text);
  m.files = {{m.snapshot.file, snapshot.size(), m.snapshot.sha256},
             {file, archive.text.size(), to_hex(stream::sha256(as_bytes(archive.text)))}};
  if (!wish.failed.empty()) m.proof.members = {sets::Outcome::failed, wish.failed};
  write_text(set + "/" + kManifest, sets::to_json(m));
  return m.set;
}

inline std::unique_ptr<dest::Destination> open_place(const std::string& directory) {
  return std::move(dest::open_local(directory, true).value().place);
}

}  // namespace snap::jobs
