#include "sets/name.h"

#include <algorithm>
#include <format>

#include "base/names.h"
#include "base/text.h"

namespace snap::sets {
namespace {

constexpr size_t kMaxPart = 63;
constexpr size_t kMaxFileName = 255;

bool letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

Result<void> check_part(std::string_view what, std::string_view part) {
  auto refuse = [&](std::string_view why) {
    return fail(Code::invalid, std::format("{} '{}': {}", what, escaped(part.substr(0, 80)), why),
                "use 1 to 63 of a-z, 0-9, '.' and '-', first and last a letter or digit");
  };
  if (part.empty()) return refuse("is empty");
  if (part.size() > kMaxPart) return refuse("is longer than 63 characters");
  if (!std::ranges::all_of(part,
                           [](char c) { return letter_or_digit(c) || c == '.' || c == '-'; })) {
    return refuse("holds a character that names of sets cannot carry");
  }
  if (!letter_or_digit(part.front()) || !letter_or_digit(part.back())) {
    return refuse("begins or ends with '.' or '-'");
  }
  return {};
}

}  // namespace

std::string SetName::text() const {
  return std::format("{}_{}_{}", cluster, to_set_stamp(start), node);
}

Result<SetName> SetName::parse(std::string_view text) {
  auto refuse = [&](std::string_view why) {
    return fail(Code::invalid,
                std::format("'{}' is no name of a set: {}", escaped(text.substr(0, 255)), why));
  };
  auto first = text.find('_');
  auto last = text.rfind('_');
  if (first == last || text.substr(first + 1, last - first - 1).contains('_')) {
    return refuse("it is not <cluster>_<start>_<node>");
  }
  auto start = from_set_stamp(text.substr(first + 1, last - first - 1));
  if (!start) return refuse("its start is no time such as 2026-11-21T013000Z");
  SetName name{std::string(text.substr(0, first)), *start, std::string(text.substr(last + 1))};
  if (auto ok = check_cluster_name(name.cluster); !ok) return refuse(ok.error().message);
  if (auto ok = check_node_name(name.node); !ok) return refuse(ok.error().message);
  return name;
}

Result<void> check_cluster_name(std::string_view name) { return check_part("cluster name", name); }
Result<void> check_node_name(std::string_view name) { return check_part("node name", name); }

Result<std::string> node_part(std::string_view host_name) {
  auto part = lower_case(host_name.substr(0, kMaxPart));
  // The cut may fall behind a dot or a dash. A name that was short enough is not repaired.
  if (host_name.size() > kMaxPart) part.erase(part.find_last_not_of(".-") + 1);
  TRY(check_node_name(part));
  return part;
}

Result<void> check_file_name(std::string_view name) {
  auto refuse = [&](std::string_view why) {
    return fail(Code::invalid,
                std::format("file name '{}': {}", escaped(name.substr(0, kMaxFileName)), why));
  };
  if (name.empty()) return refuse("is empty");
  if (name.size() > kMaxFileName) return refuse("is longer than 255 bytes");
  if (name.front() == '.') return refuse("begins with a dot");
  if (name.contains('/')) return refuse("holds a '/'");
  if (std::ranges::any_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7f; })) {
    return refuse("holds a control character");
  }
  if (name == kManifestName) return refuse("is the manifest itself");
  return {};
}

std::string snapshot_file_name(Seconds start) {
  return std::format("snapshot_{}.db", to_file_stamp(start));
}

std::string static_resources_file_name(Seconds start) {
  return std::format("static_kuberesources_{}.tar.gz", to_file_stamp(start));
}

std::string host_files_file_name(Seconds start) {
  return std::format("host_files_{}.tar.gz", to_file_stamp(start));
}

std::string note_text(Seconds at, std::string_view node, std::string_view why) {
  return std::format("{} {}{}{}\n", to_rfc3339(at), node, why.empty() ? "" : ": ", escaped(why));
}

}  // namespace snap::sets
