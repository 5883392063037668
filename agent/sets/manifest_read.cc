#include <algorithm>
#include <concepts>
#include <format>
#include <limits>
#include <unordered_set>

#include "base/text.h"
#include "sets/manifest.h"
#include "sets/name.h"
#include "sets/strict_json.h"

namespace snap::sets {
namespace {

constexpr size_t kMaxDepth = 16;  // of schema 1: four
constexpr uint64_t kMaxNumber = std::numeric_limits<int64_t>::max();
const JsonValue kEmptyObject{.key = {}, .held = JsonValue::Object()};

// Access to the fields of one object. The first problem of the whole manifest is remembered, later
// values are then empty: a reader asks for everything and looks at the problem once.
class Fields {
 public:
  Fields(const JsonValue& object, std::string path, std::string& problem)
      : object_(object), path_(std::move(path)), problem_(problem) {
    if (!object_.as<JsonValue::Object>()) refuse("", "is not an object");
  }

  std::string text(const char* key) {
    const auto* value = find(key);
    if (!value) return {};
    const auto* text = value->as<std::string>();
    return text ? *text : (refuse(key, "is not a text"), std::string());
  }

  std::string optional_text(const char* key) { return has(key) ? text(key) : std::string(); }

  template <std::integral T>
  T number(const char* key) {
    constexpr uint64_t kMax =
        std::min<uint64_t>(kMaxNumber, static_cast<uint64_t>(std::numeric_limits<T>::max()));
    const auto* value = find(key);
    if (!value) return 0;
    const auto* number = value->as<uint64_t>();
    if (!number || *number > kMax) {
      return refuse(key, std::format("is not a whole number from 0 to {}", kMax)), T();
    }
    return static_cast<T>(*number);
  }

  uint64_t id(const char* key) {
    auto digits = hex(key, 1, 16, "is not an id of 1 to 16 hex digits");
    uint64_t value = 0;
    for (char c : digits)
      value = value << 4 | static_cast<uint64_t>(c <= '9' ? c - '0' : c - 'a' + 10);
    return value;
  }

  std::string sha256(const char* key) {
    return hex(key, 64, 64, "is not a SHA-256 of 64 lower-case hex digits");
  }

  Seconds time(const char* key) {
    auto at = from_rfc3339(text(key));
    if (!at) return refuse(key, "is not a time such as 2026-11-21T01:30:00Z"), Seconds();
    return *at;
  }

  template <class E>
  E one_of(const char* key, std::initializer_list<std::pair<std::string_view, E>> words) {
    auto word = text(key);
    for (auto [name, value] : words) {
      if (word == name) return value;
    }
    return refuse(key, "holds an unknown word"), E();
  }

  Fields object(const char* key) {
    const auto* value = find(key);
    return Fields(value ? *value : kEmptyObject, name_of(key), problem_);
  }

  // Calls `each` with every element of an array and its path.
  template <class Each>
  void list(const char* key, Each each) {
    const auto* value = find(key);
    if (!value) return;
    const auto* array = value->as<JsonValue::List>();
    if (!array) return refuse(key, "is not a list");
    for (size_t i = 0; i < array->items.size() && problem_.empty(); ++i) {
      each(array->items[i], std::format("{}[{}]", name_of(key), i));
    }
  }

  template <class Each>
  void objects(const char* key, Each each) {
    list(key, [&](const JsonValue& item, std::string path) {
      each(Fields(item, std::move(path), problem_));
    });
  }

  std::vector<std::string> texts(const char* key) {
    std::vector<std::string> texts;
    list(key, [&](const JsonValue& item, const std::string& path) {
      const auto* text = item.as<std::string>();
      if (!text) return refuse_at(path, "is not a text");
      texts.push_back(*text);
    });
    return texts;
  }

  bool has(const char* key) const { return object_.find(key) != nullptr; }
  void refuse(const char* key, std::string_view why) { refuse_at(name_of(key), why); }

 private:
  std::string name_of(const char* key) const {
    return path_.empty() || !*key ? path_ + key : path_ + "." + key;
  }

  void refuse_at(std::string_view path, std::string_view why) {
    if (problem_.empty()) {
      problem_ = std::format("{}{}{}", path, path.empty() ? "" : " ", why);
    }
  }

  const JsonValue* find(const char* key) {
    if (!problem_.empty()) return nullptr;
    const auto* found = object_.find(key);
    if (!found) refuse(key, "is missing");
    return found;
  }

  std::string hex(const char* key, size_t min, size_t max, std::string_view why) {
    auto digits = text(key);
    bool right = digits.size() >= min && digits.size() <= max &&
                 digits.find_first_not_of("0123456789abcdef") == digits.npos;
    if (!right) return refuse(key, why), std::string();
    return digits;
  }

  const JsonValue& object_;
  std::string path_;
  std::string& problem_;
};

EtcdFacts read_etcd(Fields fields) {
  EtcdFacts etcd;
  etcd.cluster_id = fields.id("clusterId");
  etcd.member_id = fields.id("memberId");
  etcd.member_name = fields.text("memberName");
  etcd.endpoint = fields.text("endpoint");
  etcd.choice = fields.text("choice");
  etcd.server_version = fields.text("serverVersion");
  etcd.storage_version = fields.optional_text("storageVersion");
  etcd.role = fields.one_of<Role>("role", {{"leader", Role::leader}, {"follower", Role::follower}});
  etcd.raft_term = fields.number<uint64_t>("raftTerm");
  etcd.raft_term_after = fields.number<uint64_t>("raftTermAfter");
  etcd.raft_index = fields.number<uint64_t>("raftIndex");
  etcd.revision = fields.number<int64_t>("revision");
  if (fields.has("compactRevision"))
    etcd.compact_revision = fields.number<int64_t>("compactRevision");
  fields.objects("alarms", [&](Fields alarm) {
    etcd.alarms.push_back({alarm.id("member"), alarm.text("kind")});
  });
  return etcd;
}

SnapshotFacts read_snapshot(Fields fields) {
  return {.file = fields.text("file"),
          .size_bytes = fields.number<uint64_t>("size"),
          .in_use_bytes = fields.number<uint64_t>("inUseSize"),
          .sha256 = fields.sha256("sha256"),
          .hash = fields.number<uint32_t>("hash"),
          .live_keys = fields.number<uint64_t>("liveKeys"),
          .total_pairs = fields.number<uint64_t>("totalPairs")};
}

ResourceFacts read_resources(Fields fields) {
  ResourceFacts resources;
  resources.paths = fields.texts("paths");
  fields.objects("certificates", [&](Fields certificate) {
    resources.certificates.push_back(
        {certificate.text("path"), certificate.text("subject"), certificate.time("notAfter")});
  });
  auto notes = [&](const char* key, std::vector<Note>& into) {
    fields.objects(key,
                   [&](Fields note) { into.push_back({note.text("path"), note.text("text")}); });
  };
  notes("notes", resources.notes);
  notes("incomplete", resources.incomplete);
  return resources;
}

Proof read_proof(Fields fields) {
  auto read = [&](const char* key) {
    auto entry = fields.object(key);
    auto outcome = entry.one_of<Outcome>(
        "result",
        {{"passed", Outcome::passed}, {"failed", Outcome::failed}, {"skipped", Outcome::skipped}});
    return ProofResult{outcome, entry.optional_text("reason")};
  };
  return {.trailer = read("trailer"),
          .structure = read("structure"),
          .mvcc = read("mvcc"),
          .kubernetes = read("kubernetes"),
          .members = read("members"),
          .resources = read("resources")};
}

// Names that are safe and different, sizes whose sum fits, the snapshot among them.
std::string problem_of_files(const Manifest& manifest) {
  std::unordered_set<std::string_view> names;
  uint64_t sum = 0;
  for (const auto& file : manifest.files) {
    if (auto ok = check_file_name(file.name); !ok) return "files: " + ok.error().message;
    if (!names.insert(file.name).second) return "files: '" + escaped(file.name) + "' stands twice";
    sum += file.size_bytes;  // both at most 2^63-1: cannot wrap
    if (sum > kMaxNumber) return "files: sizes beyond 2^63";
  }
  const auto& snapshot = manifest.snapshot;
  auto found = std::ranges::find(manifest.files, snapshot.file, &FileFacts::name);
  if (found == manifest.files.end()) return "snapshot.file is not among the files";
  if (found->size_bytes != snapshot.size_bytes || found->sha256 != snapshot.sha256) {
    return "snapshot and files disagree about '" + escaped(snapshot.file) + "'";
  }
  return {};
}

Result<void> check_schema(const JsonValue& root) {
  auto newer = [](std::string_view what) {
    return fail(Code::invalid,
                std::format("manifest: {}: written by a newer version of etcd-snapshot", what),
                "use that version for this set");
  };
  const auto* schema = root.find("schema");
  if (!schema) return fail(Code::corrupt, "manifest: schema is missing");
  const auto* number = schema->as<uint64_t>();
  if (!number || *number != 1) return newer("schema is not 1");
  // Whoever ignored this field would take an encrypted file for a database.
  const auto* encryption = root.find("encryption");
  if (encryption && !encryption->as<std::nullptr_t>()) return newer("encryption is set");
  return {};
}

}  // namespace

Result<Manifest> parse_manifest(std::string_view text) {
  if (text.size() > kMaxManifestBytes) {
    return fail(Code::corrupt, std::format("manifest: {} bytes, at most {} are read", text.size(),
                                           kMaxManifestBytes));
  }
  auto root = TRY(parse_strict(text, kMaxDepth).context("manifest"));
  if (!root.as<JsonValue::Object>()) return fail(Code::corrupt, "manifest: is not an object");
  TRY(check_schema(root));

  std::string problem;
  Fields fields(root, "", problem);
  Manifest manifest;
  manifest.set = fields.text("set");
  manifest.cluster = fields.text("cluster");
  manifest.trigger = fields.text("trigger");
  manifest.started = fields.time("started");
  manifest.finished = fields.time("finished");
  manifest.node = fields.text("node");
  manifest.agent = fields.text("agent");
  manifest.etcd = read_etcd(fields.object("etcd"));
  manifest.snapshot = read_snapshot(fields.object("snapshot"));
  fields.objects("files", [&](Fields file) {
    manifest.files.push_back(
        {file.text("name"), file.number<uint64_t>("size"), file.sha256("sha256")});
  });
  manifest.resources = read_resources(fields.object("resources"));
  manifest.proof = read_proof(fields.object("proof"));
  manifest.warnings = fields.texts("warnings");
  if (problem.empty()) problem = problem_of_files(manifest);
  if (!problem.empty()) return fail(Code::corrupt, "manifest: " + problem);
  return manifest;
}

}  // namespace snap::sets
