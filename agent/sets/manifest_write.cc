#include <concepts>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "sets/manifest.h"

namespace snap::sets {
namespace {

using nlohmann::json;

// Writes JSON for people: two spaces a level, fields in the order of the calls. There is no tree of
// values in between, for the reason in strict_json.h: the library only quotes texts.
class Writer {
 public:
  void text(std::string_view key, std::string_view value) {
    next(key);
    quote(value);
  }
  void number(std::string_view key, std::integral auto value) {
    next(key);
    out_ += std::to_string(value);
  }
  void id(std::string_view key, uint64_t value) { text(key, to_hex(value)); }
  void time(std::string_view key, Seconds at) { text(key, to_rfc3339(at)); }

  void object(std::string_view key, auto fill) {
    next(key);
    enclosed("{}", fill);
  }
  void objects(std::string_view key, const auto& items, auto fill) {
    next(key);
    enclosed("[]", [&] {
      for (const auto& item : items) {
        next();
        enclosed("{}", [&] { fill(item); });
      }
    });
  }
  void texts(std::string_view key, const std::vector<std::string>& items) {
    next(key);
    enclosed("[]", [&] {
      for (const auto& item : items) {
        next();
        quote(item);
      }
    });
  }
  // The whole document.
  std::string document(auto fill) {
    enclosed("{}", fill);
    return std::move(out_) + "\n";
  }

 private:
  void enclosed(std::string_view brackets, auto fill) {
    out_ += brackets.front();
    ++depth_;
    empty_ = true;
    fill();
    --depth_;
    if (!empty_) new_line();
    empty_ = false;
    out_ += brackets.back();
  }
  void next() {
    if (!empty_) out_ += ',';
    empty_ = false;
    new_line();
  }
  void next(std::string_view key) {
    next();
    quote(key);
    out_ += ": ";
  }
  void new_line() { out_.append(1, '\n').append(2 * depth_, ' '); }
  void quote(std::string_view text) {
    out_ += json(text).dump(-1, ' ', false, json::error_handler_t::replace);
  }

  std::string out_;
  size_t depth_ = 0;
  bool empty_ = true;  // nothing stands in the innermost brackets yet
};

void write_etcd(Writer& out, const EtcdFacts& etcd) {
  out.id("clusterId", etcd.cluster_id);
  out.id("memberId", etcd.member_id);
  out.text("memberName", etcd.member_name);
  out.text("endpoint", etcd.endpoint);
  out.text("choice", etcd.choice);
  out.text("serverVersion", etcd.server_version);
  if (!etcd.storage_version.empty()) out.text("storageVersion", etcd.storage_version);
  out.text("role", etcd.role == Role::leader ? "leader" : "follower");
  out.number("raftTerm", etcd.raft_term);
  out.number("raftTermAfter", etcd.raft_term_after);
  out.number("raftIndex", etcd.raft_index);
  out.number("revision", etcd.revision);
  if (etcd.compact_revision) out.number("compactRevision", *etcd.compact_revision);
  out.objects("alarms", etcd.alarms, [&](const AlarmFact& alarm) {
    out.id("member", alarm.member_id);
    out.text("kind", alarm.kind);
  });
}

void write_snapshot(Writer& out, const SnapshotFacts& snapshot) {
  out.text("file", snapshot.file);
  out.number("size", snapshot.size_bytes);
  out.number("inUseSize", snapshot.in_use_bytes);
  out.text("sha256", snapshot.sha256);
  out.number("hash", snapshot.hash);
  out.number("liveKeys", snapshot.live_keys);
  out.number("totalPairs", snapshot.total_pairs);
}

void write_resources(Writer& out, const ResourceFacts& resources) {
  auto note = [&](const Note& n) {
    out.text("path", n.path);
    out.text("text", n.text);
  };
  out.texts("paths", resources.paths);
  out.objects("certificates", resources.certificates, [&](const CertificateFact& certificate) {
    out.text("path", certificate.path);
    out.text("subject", certificate.subject);
    out.time("notAfter", certificate.not_after);
  });
  out.objects("notes", resources.notes, note);
  out.objects("incomplete", resources.incomplete, note);
}

void write_proof(Writer& out, const Proof& proof) {
  for (auto [name, result] : proof.all()) {
    out.object(name, [&] {
      out.text("result", name_of(result->outcome));
      if (!result->reason.empty()) out.text("reason", result->reason);
    });
  }
}

void write_manifest(Writer& out, const Manifest& manifest) {
  out.number("schema", 1);
  out.text("set", manifest.set);
  out.text("cluster", manifest.cluster);
  out.text("trigger", manifest.trigger);
  out.time("started", manifest.started);
  out.time("finished", manifest.finished);
  out.text("node", manifest.node);
  out.text("agent", manifest.agent);
  out.object("etcd", [&] { write_etcd(out, manifest.etcd); });
  out.object("snapshot", [&] { write_snapshot(out, manifest.snapshot); });
  out.objects("files", manifest.files, [&](const FileFacts& file) {
    out.text("name", file.name);
    out.number("size", file.size_bytes);
    out.text("sha256", file.sha256);
  });
  out.object("resources", [&] { write_resources(out, manifest.resources); });
  out.object("proof", [&] { write_proof(out, manifest.proof); });
  out.texts("warnings", manifest.warnings);
}

}  // namespace

std::string to_json(const Manifest& manifest) {
  Writer writer;
  return writer.document([&] { write_manifest(writer, manifest); });
}

}  // namespace snap::sets
