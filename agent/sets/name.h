// Names of backup sets and of what lies in and beside them. FORMAT.md has the whole picture.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace snap::sets {

inline constexpr std::string_view kManifestName = "manifest.json";
inline constexpr std::string_view kIncomingPrefix = ".incoming-";  // then the set that is written
// Kinds of notes in .state/KIND/SET. The name counts, the text is for people.
inline constexpr std::string_view kPins = "pins";  // retention and remove leave the set alone
// A run is at work here: two names of one place find out that they are.
inline constexpr std::string_view kHere = "here";
// Was removed by name from this place: is not shipped there again.
inline constexpr std::string_view kRemoved = "removed";
inline constexpr std::string_view kRemoving = "removing";  // being removed; gone when it is done

// "prod-east_2026-11-21T013000Z_master-0": the directory of a set, and what it is called
// everywhere.
struct SetName {
  std::string cluster;
  Seconds start{};
  std::string node;

  std::string text() const;
  // Exactly what text() gives for a cluster and a node that the checks below accept.
  //
  // Errors: invalid
  static Result<SetName> parse(std::string_view text);
  auto operator<=>(const SetName&) const = default;
};

// 1 to 63 of a-z, 0-9, '.' and '-', the first and the last a letter or digit.
//
// Errors: invalid
Result<void> check_cluster_name(std::string_view name);
Result<void> check_node_name(std::string_view name);

// The node's part of a set name out of its Kubernetes name or host name: upper case becomes lower
// (host names do not tell them apart), what is longer is cut to 63.
//
// Errors: invalid  other characters are in it, or nothing is left
Result<std::string> node_part(std::string_view host_name);

// Refuses a file name that could leave the set or hide in it: empty, longer than 255 bytes, with a
// '/', a control character or a dot first, or the manifest's own name.
//
// Errors: invalid
Result<void> check_file_name(std::string_view name);

std::string snapshot_file_name(Seconds start);          // "snapshot_2026-11-21_013000.db"
std::string static_resources_file_name(Seconds start);  // "static_kuberesources_....tar.gz"
std::string host_files_file_name(Seconds start);        // "host_files_....tar.gz"

// The text of a note: "2026-11-21T01:30:00Z master-0: before the upgrade\n". `why` may be empty.
std::string note_text(Seconds at, std::string_view node, std::string_view why);

}  // namespace snap::sets
