#include "jobs/last_found.h"

#include <sys/stat.h>

#include <cerrno>
#include <format>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/file.h"
#include "base/text.h"

namespace snap::jobs {
namespace {

using nlohmann::json;

constexpr uint64_t kMaxBytes = 4U << 20;

// Names of destinations hold no slash.
std::string file_of(const std::string& local_directory, const std::string& destination) {
  return std::format("{}/.state/cluster-{}.json", local_directory, destination);
}

std::optional<std::string> text_in(const json& object, const char* key) {
  auto found = object.is_object() ? object.find(key) : object.end();
  if (found == object.end() || !found->is_string()) return std::nullopt;
  auto text = found->get<std::string>();
  // They become names of places and arguments of connections.
  return escaped(text) == text ? std::optional(text) : std::nullopt;
}

std::optional<NodeMirror> mirror_in(const json& object) {
  auto name = text_in(object, "name");
  auto host = text_in(object, "host");
  if (!name || !host || name->empty() || host->empty() || name->contains('/')) return std::nullopt;
  NodeMirror mirror{.name = *name, .host = *host, .known_as = {}};
  auto known = object.find("knownAs");
  if (known == object.end() || !known->is_array()) return std::nullopt;
  for (const auto& one : *known) {
    if (!one.is_string()) return std::nullopt;
    mirror.known_as.push_back(one.get<std::string>());
  }
  return mirror;
}

// Nothing: no record of ours.
std::optional<LastFound> record_in(const json& object) {
  auto asked = text_in(object, "asked");
  auto at = text_in(object, "at");
  auto seconds = at ? from_rfc3339(*at) : std::nullopt;
  if (!asked || !seconds) return std::nullopt;
  LastFound found{.asked = *asked, .at = *seconds};
  if (object.contains("export")) {
    auto server = text_in(object["export"], "server");
    auto path = text_in(object["export"], "path");
    if (!server || !path || server->empty() || !path->starts_with('/')) return std::nullopt;
    found.exported = {*server, *path};
    return found;
  }
  auto mirrors = object.find("mirrors");
  if (mirrors == object.end() || !mirrors->is_array() || mirrors->empty()) return std::nullopt;
  for (const auto& one : *mirrors) {
    auto mirror = mirror_in(one);
    if (!mirror) return std::nullopt;
    found.mirrors.push_back(std::move(*mirror));
  }
  return found;
}

}  // namespace

Result<void> keep_found(const std::string& local_directory, const std::string& destination,
                        const LastFound& found) {
  json record = {{"asked", found.asked}, {"at", to_rfc3339(found.at)}};
  if (found.exported.server.empty()) {
    record["mirrors"] = json::array();
    for (const auto& mirror : found.mirrors)
      record["mirrors"].push_back(
          {{"name", mirror.name}, {"host", mirror.host}, {"knownAs", mirror.known_as}});
  } else {
    record["export"] = {{"server", found.exported.server}, {"path", found.exported.path}};
  }
  auto directory = local_directory + "/.state";
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return fail_errno(errno, "create " + directory);
  return replace_file(file_of(local_directory, destination),
                      record.dump(2, ' ', true, json::error_handler_t::replace) + "\n", 0600);
}

Result<LastFound> last_found(const std::string& local_directory, const std::string& destination,
                             const std::string& asked) {
  auto file = file_of(local_directory, destination);
  auto text = TRY(read_small_file(file, kMaxBytes));
  auto found = record_in(json::parse(text, nullptr, false));
  if (!found) return fail(Code::corrupt, file + ": not what this program wrote", "remove it");
  if (found->asked != asked)
    return fail(Code::not_found, file + ": was found under another configuration");
  return std::move(*found);
}

}  // namespace snap::jobs
