#include "support/place_view.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <format>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/text.h"
#include "stream/sha256.h"

namespace snap::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string digest_of(const std::string& content) {
  return std::format("{} {}", content.size(), to_hex(stream::sha256(as_bytes(content))));
}

std::string look_at_file(const fs::directory_entry& entry) {
  if (entry.is_symlink()) return "-> " + fs::read_symlink(entry.path()).string();
  if (entry.is_regular_file()) return digest_of(content_of(entry.path()));
  return entry.is_directory() ? "directory" : "special";
}

// CLUSTER_START_NODE
bool parse_name(const std::string& name, SetView& set) {
  auto parts = split(name, '_');
  if (parts.size() != 3) return false;
  auto start = from_set_stamp(parts[1]);
  if (!start) return false;
  set.cluster = parts[0];
  set.start = *start;
  set.node = parts[2];
  return true;
}

void read_manifest(const std::string& text, SetView& set) {
  auto json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) {
    set.problem = "its manifest is not JSON";
    return;
  }
  try {
    set.cluster_id = json.at("etcd").at("clusterId");
    const auto& snapshot = json.at("snapshot");
    set.snapshot_file = snapshot.at("file");
    set.snapshot_bytes = snapshot.at("size");
    set.hash = snapshot.at("hash");
    set.revision = json.at("etcd").at("revision");
    set.proven = json.at("proof").at("trailer").at("result") == "passed";
    for (const auto& [name, proof] : json.at("proof").items())
      set.proven = set.proven && proof.at("result") != "failed";
    for (const auto& file : json.at("files")) {
      auto name = file.at("name").get<std::string>();
      auto expected = std::format("{} {}", file.at("size").get<uint64_t>(),
                                  file.at("sha256").get<std::string>());
      set.bytes += file.at("size").get<uint64_t>();
      auto found = set.files.find(name);
      if (found == set.files.end()) {
        set.problem = name + " is missing";
      } else if (found->second != expected) {
        set.problem = std::format("{} is {}, the manifest says {}", name, found->second, expected);
      }
    }
    set.whole = set.problem.empty();
  } catch (const Json::exception& error) {
    set.problem = std::string("its manifest lacks a field: ") + error.what();
  }
}

void look_at_set(const fs::path& path, SetView set, PlaceView& view) {
  auto name = path.filename().string();
  for (const auto& entry : fs::directory_iterator(path))
    set.files[entry.path().filename()] = look_at_file(entry);
  if (set.files.contains("manifest.json")) {
    read_manifest(content_of(path / "manifest.json"), set);
    view.sets[name] = std::move(set);
  } else {
    view.remains.insert(name);
  }
}

void look_at_mode(const fs::path& path, bool ours, PlaceView& view) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return;
  view.blocks += static_cast<uint64_t>(info.st_blocks);
  if (S_ISDIR(info.st_mode)) ++view.directories;
  if (!ours || S_ISLNK(info.st_mode)) return;
  auto mode = info.st_mode & 07777;
  if (mode != (S_ISDIR(info.st_mode) ? 0700U : 0600U) || info.st_uid != ::geteuid())
    view.modes.push_back(
        std::format("{} has mode {:o}, user {}", path.string(), mode, info.st_uid));
}

std::set<std::string> notes(const fs::path& directory) {
  std::set<std::string> names;
  if (!fs::exists(directory)) return names;
  for (const auto& entry : fs::directory_iterator(directory)) names.insert(entry.path().filename());
  return names;
}

}  // namespace

PlaceView look_at(const std::string& directory) {
  PlaceView view;
  if (!fs::exists(directory)) return view;
  for (const auto& entry : fs::directory_iterator(directory)) {
    auto name = entry.path().filename().string();
    SetView set;
    if (name.starts_with(".incoming-")) {
      view.incoming.insert(name.substr(10));
    } else if (!entry.is_symlink() && entry.is_directory() && parse_name(name, set)) {
      look_at_set(entry.path(), std::move(set), view);
    } else if (!name.starts_with('.')) {
      view.others.insert(name);
    }
  }
  for (auto at = fs::recursive_directory_iterator(directory); at != fs::end(at); ++at) {
    auto name = at->path().filename().string();
    if (name.ends_with(".part") || name.ends_with(".tmp")) view.temporary.push_back(at->path());
    auto top = at->path().lexically_relative(directory).begin()->string();
    look_at_mode(at->path(), !view.others.contains(top), view);
  }
  view.pins = notes(directory + "/.state/pins");
  view.removing = notes(directory + "/.state/removing");
  return view;
}

std::string tree_digest(const std::string& directory, const std::vector<std::string>& without) {
  std::vector<std::string> lines;
  for (auto at = fs::recursive_directory_iterator(directory); at != fs::end(at); ++at) {
    if (std::ranges::contains(without, at->path().string())) {
      at.disable_recursion_pending();
      continue;
    }
    struct stat info{};
    if (::lstat(at->path().c_str(), &info) != 0) continue;
    lines.push_back(
        std::format("{} {:o} {}", at->path().string(), info.st_mode, look_at_file(*at)));
  }
  std::ranges::sort(lines);
  return join(lines, "\n");
}

}  // namespace snap::test
