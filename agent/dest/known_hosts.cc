#include "dest/known_hosts.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <format>

#include "base/encode.h"
#include "base/text.h"
#include "stream/sha256.h"

namespace snap::dest {
namespace {

struct Line {
  std::string marker;  // "@revoked", "@cert-authority" or empty
  std::string hosts;
  HostKey key;
};

std::vector<Line> lines_of(std::string_view file) {
  std::vector<Line> lines;
  for (const auto& text : split(file, '\n')) {
    std::vector<std::string> words;
    for (auto& word : split(std::string(trim(text)), ' '))
      for (auto& part : split(word, '\t'))
        if (!part.empty()) words.push_back(std::move(part));
    if (words.empty() || words.front().starts_with('#')) continue;
    Line line;
    size_t at = 0;
    if (words.front().starts_with('@')) line.marker = words[at++];
    if (words.size() < at + 3) continue;
    line.hosts = words[at];
    line.key = {words[at + 1], words[at + 2]};
    lines.push_back(std::move(line));
  }
  return lines;
}

// "*" any number of characters, "?" one.
bool matches(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern.front() == '*')
    return matches(pattern.substr(1), name) || (!name.empty() && matches(pattern, name.substr(1)));
  if (name.empty() || (pattern.front() != '?' && pattern.front() != name.front())) return false;
  return matches(pattern.substr(1), name.substr(1));
}

// "|1|SALT|HASH": HMAC-SHA1 of the name, keyed with the salt.
bool matches_hash(std::string_view field, std::string_view name) {
  auto parts = split(field, '|');
  if (parts.size() != 4 || parts[1] != "1") return false;
  auto salt = from_base64(parts[2]);
  auto hash = from_base64(parts[3]);
  if (!salt || !hash) return false;
  unsigned char made[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (!::HMAC(::EVP_sha1(), salt->data(), static_cast<int>(salt->size()),
              reinterpret_cast<const unsigned char*>(name.data()), name.size(), made, &size))
    return false;
  return *hash == std::string_view(reinterpret_cast<const char*>(made), size);
}

std::string listed_name(const std::string& name, uint16_t port) {
  return port == 22 ? name : std::format("[{}]:{}", name, port);
}

// A pattern with "!" before it takes the host out again.
bool names_host(const std::string& hosts, const std::string& name) {
  if (hosts.starts_with('|')) return matches_hash(hosts, name);
  bool found = false;
  for (const auto& pattern : split(hosts, ',')) {
    bool excluded = pattern.starts_with('!');
    if (!matches(std::string_view(pattern).substr(excluded ? 1 : 0), name)) continue;
    if (excluded) return false;
    found = true;
  }
  return found;
}

bool is_of_host(const Line& line, const std::vector<std::string>& names, uint16_t port) {
  return std::ranges::any_of(
      names, [&](const auto& name) { return names_host(line.hosts, listed_name(name, port)); });
}

// The first of the names that the file has a key for; all of them where it has none.
std::vector<std::string> deciding(const std::vector<Line>& lines,
                                  const std::vector<std::string>& names, uint16_t port) {
  for (const auto& name : names) {
    for (const auto& line : lines)
      if (line.marker.empty() && is_of_host(line, {name}, port)) return {name};
  }
  return names;
}

}  // namespace

HostKeyFinding judge(std::string_view file, const std::vector<std::string>& names, uint16_t port,
                     const HostKey& key) {
  HostKeyFinding finding;
  bool known = false;
  auto lines = lines_of(file);
  auto first = deciding(lines, names, port);
  for (const auto& line : lines) {
    // A key that is revoked under any of the names is no good.
    if (!is_of_host(line, line.marker == "@revoked" ? names : first, port)) continue;
    bool same = line.key.type == key.type && line.key.base64 == key.base64;
    if (line.marker == "@revoked") {
      if (same) return {HostKeyVerdict::revoked, {}};
      continue;
    }
    if (!line.marker.empty()) continue;
    finding.expected.push_back(line.key);
    known = known || same;
  }
  // A revoked line may stand after the good one: only a look at all of them decides.
  if (known) finding.verdict = HostKeyVerdict::known;
  if (!known && !finding.expected.empty()) finding.verdict = HostKeyVerdict::changed;
  return finding;
}

std::vector<std::string> key_types(std::string_view file, const std::vector<std::string>& names,
                                   uint16_t port) {
  std::vector<std::string> types;
  auto lines = lines_of(file);
  auto first = deciding(lines, names, port);
  for (const auto& line : lines) {
    if (line.marker.empty() && is_of_host(line, first, port) &&
        !std::ranges::contains(types, line.key.type))
      types.push_back(line.key.type);
  }
  return types;
}

Result<std::string> fingerprint(const HostKey& key) {
  auto bytes = from_base64(key.base64);
  if (!bytes) return fail(Code::invalid, "a host key that is not base64");
  return "SHA256:" + base64(stream::sha256(as_bytes(*bytes))).substr(0, 43);  // without the padding
}

std::string line_for(const std::string& name, uint16_t port, const HostKey& key) {
  return std::format("{} {} {}\n", listed_name(name, port), key.type, key.base64);
}

}  // namespace snap::dest
