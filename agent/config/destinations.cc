#include "config/destinations.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <format>
#include <optional>
#include <span>
#include <utility>

#include "config/values.h"

namespace snap::config {
namespace {

// What a destination is while its keys are read: the fields of all types.
struct Draft {
  Destination common;
  NfsPlace nfs;
  SshPlace ssh;
  S3Place s3;
};

// Where the value of a key may be printed when it is refused.
enum class Print { yes, never };

struct ItemKey {
  std::string_view name;
  bool required = false;
  bool list = false;
  Print print = Print::yes;
  Result<void> (*set)(Draft&, const std::string& text) = nullptr;
};

Result<uint16_t> parse_port(std::string_view text) {
  auto port = TRY(parse_count(text));
  if (port == 0 || port > 65535) return fail(Code::invalid, "is not a port from 1 to 65535");
  return static_cast<uint16_t>(port);
}

// A user or group id, as large as OpenShift's (1000650000); libnfs takes it as an int.
Result<uint64_t> parse_owner(std::string_view text) {
  uint32_t id = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id > INT32_MAX)
    return fail(Code::invalid, std::format("is not a number from 0 to {}", INT32_MAX));
  return id;
}

Result<std::string> parse_text(std::string_view text) {
  if (text.empty()) return fail(Code::invalid, "is empty");
  return std::string(text);
}

Result<std::string> parse_name(std::string_view text) {
  if (text == "local")
    return fail(Code::invalid, "is the name of the local directory", "choose another one");
  if (!is_cluster_name(text))
    return fail(Code::invalid, "is not a name for a destination",
                "use 1 to 63 of a-z, 0-9, '.' and '-', the first and last a letter or digit");
  return std::string(text);
}

// A relative path of plain names.
Result<std::string> parse_below(std::string_view text) {
  while (text.ends_with('/')) text.remove_suffix(1);
  while (text.starts_with('/')) text.remove_prefix(1);
  for (const auto& part : split(text, '/')) {
    if (part.empty() || part.front() == '.')
      return fail(Code::invalid, "holds an empty name or one that begins with a dot");
  }
  return std::string(text);
}

Result<std::string> parse_prefix(std::string_view text) {
  auto prefix = TRY(parse_below(text));
  if (!prefix.empty()) prefix += '/';
  return prefix;
}

Result<std::string> parse_bucket(std::string_view text) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  };
  if (text.size() < 3 || text.size() > 63 || !std::ranges::all_of(text, allowed))
    return fail(Code::invalid, "is not a bucket name", "use 3 to 63 of a-z, 0-9, '.' and '-'");
  return std::string(text);
}

// "https://HOST" or "https://HOST:PORT", the same with http.
Result<std::string> parse_server(std::string_view text) {
  if (text.contains('@'))
    return fail(Code::invalid, "carries a user or a password", "keys are read from files");
  while (text.ends_with('/')) text.remove_suffix(1);
  auto start = text.find("://");
  if (start == std::string_view::npos || text.starts_with("unix"))
    return fail(Code::invalid, "does not begin with https:// or http://",
                "write it as https://s3.example.com");
  auto authority = text.substr(start + 3);
  auto bracket = authority.find(']');
  bool port = authority.find(':', bracket == std::string_view::npos ? 0 : bracket) !=
              std::string_view::npos;
  TRY(parse_endpoint(port ? std::string(text) : std::string(text) + ":443"));
  return std::string(text);
}

Result<void> set_nfs_url(Draft& draft, const std::string& text) {
  auto wrong = [](std::string what) {
    return fail(Code::invalid, std::move(what), "write it as nfs://10.0.0.5/exports/etcd");
  };
  std::string_view rest = text;
  if (!rest.starts_with("nfs://")) return wrong("is not an NFS address");
  rest.remove_prefix(6);
  if (rest.find_first_of("@?#") != std::string_view::npos)
    return wrong("holds more than a server and a path");
  auto slash = rest.find('/');
  if (slash == std::string_view::npos || slash == 0)
    return wrong("lacks the server or the path of the export");
  auto server = rest.substr(0, slash);
  auto path = rest.substr(slash);
  auto bracket = server.starts_with('[') ? server.find(']') : std::string_view::npos;
  auto colon = server.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    draft.nfs.port = TRY(parse_port(server.substr(colon + 1)));
    server = server.substr(0, colon);
  }
  if (server.starts_with('[') && server.ends_with(']'))
    server = server.substr(1, server.size() - 2);
  draft.nfs.server = TRY(parse_host(server));
  draft.nfs.path = "/";  // what version 4 with fsid=0 and EFS export
  if (path.find_first_not_of('/') != std::string_view::npos) draft.nfs.path = TRY(parse_path(path));
  return {};
}

// ".example.com" is what people write who think of the dot between the two.
Result<std::string> parse_domain(std::string_view text) {
  if (text.starts_with('.')) text.remove_prefix(1);
  return parse_host(text);
}

Result<void> set_version(Draft& draft, const std::string& text) {
  if (text != "3" && text != "4") return fail(Code::invalid, "is neither 3 nor 4");
  draft.nfs.version = text == "3" ? 3 : 4;
  return {};
}

Result<void> set_policy(Draft& draft, const std::string& text) {
  if (text != "strict" && text != "accept-new")
    return fail(Code::invalid, "is neither strict nor accept-new");
  draft.ssh.accept_new_host_keys = text == "accept-new";
  return {};
}

Result<void> set_addressing(Draft& draft, const std::string& text) {
  if (text != "path" && text != "virtual")
    return fail(Code::invalid, "is neither path nor virtual");
  draft.s3.path_style = text == "path";
  return {};
}

Result<void> set_encryption(Draft& draft, const std::string& text) {
  constexpr std::array<std::string_view, 3> kKinds = {"none", "sse-s3", "sse-kms"};
  auto found = std::ranges::find(kKinds, text);
  if (found == kKinds.end()) return fail(Code::invalid, "is not one of none, sse-s3, sse-kms");
  draft.s3.encryption = static_cast<S3Encryption>(found - kKinds.begin());
  return {};
}

// Setters by kind of value.
template <auto Parse, auto Part, auto Field>
Result<void> set_to(Draft& draft, const std::string& text) {
  (draft.*Part).*Field = TRY(Parse(text));
  return {};
}
template <auto Parse, auto Part, auto Field>
Result<void> set_or_none(Draft& draft, const std::string& text) {
  if (!text.empty()) return set_to<Parse, Part, Field>(draft, text);
  ((draft.*Part).*Field).clear();
  return {};
}
template <auto Parse, auto Part, auto Field>
Result<void> append(Draft& draft, const std::string& text) {
  ((draft.*Part).*Field).push_back(TRY(Parse(text)));
  return {};
}

constexpr std::array kCommonKeys = std::to_array<ItemKey>({
    {.name = "name",
     .required = true,
     .set = set_to<parse_name, &Draft::common, &Destination::name>},
    {.name = "type",
     .required = true,
     .set = [](Draft&, const std::string&) { return Result<void>{}; }},  // chose the rows
    {.name = "prune", .set = set_to<parse_bool, &Draft::common, &Destination::prune>},
    {.name = "stallTimeout",
     .set = set_to<parse_stall_limit, &Draft::common, &Destination::stall_timeout>},
});

constexpr std::array kNfsKeys = std::to_array<ItemKey>({
    {.name = "url", .print = Print::never, .set = set_nfs_url},
    {.name = "persistentVolume",
     .set = set_to<parse_object_name, &Draft::nfs, &NfsPlace::persistent_volume>},
    {.name = "directory", .set = set_or_none<parse_below, &Draft::nfs, &NfsPlace::directory>},
    {.name = "version", .set = set_version},
    {.name = "uid", .set = set_to<parse_owner, &Draft::nfs, &NfsPlace::uid>},
    {.name = "gid", .set = set_to<parse_owner, &Draft::nfs, &NfsPlace::gid>},
    {.name = "mountPort", .set = set_to<parse_port, &Draft::nfs, &NfsPlace::mount_port>},
});

constexpr std::array kSshKeys = std::to_array<ItemKey>({
    {.name = "hosts", .list = true, .set = append<parse_host, &Draft::ssh, &SshPlace::hosts>},
    {.name = "nodeSelectors",
     .list = true,
     .set = append<parse_selector, &Draft::ssh, &SshPlace::node_selectors>},
    {.name = "anyNode", .set = set_to<parse_bool, &Draft::ssh, &SshPlace::any_node>},
    {.name = "baseDomain", .set = set_or_none<parse_domain, &Draft::ssh, &SshPlace::base_domain>},
    {.name = "port", .set = set_to<parse_port, &Draft::ssh, &SshPlace::port>},
    {.name = "user", .required = true, .set = set_to<parse_text, &Draft::ssh, &SshPlace::user>},
    {.name = "directory",
     .required = true,
     .set = set_to<parse_path, &Draft::ssh, &SshPlace::directory>},
    {.name = "privateKeyFile",
     .required = true,
     .print = Print::never,
     .set = set_to<parse_path, &Draft::ssh, &SshPlace::private_key_file>},
    {.name = "passphraseFile",
     .print = Print::never,
     .set = set_or_none<parse_path, &Draft::ssh, &SshPlace::passphrase_file>},
    {.name = "knownHostsFile",
     .set = set_or_none<parse_path, &Draft::ssh, &SshPlace::known_hosts_file>},
    {.name = "hostKeyPolicy", .set = set_policy},
});

constexpr std::array kS3Keys = std::to_array<ItemKey>({
    {.name = "endpoint",
     .required = true,
     .print = Print::never,
     .set = set_to<parse_server, &Draft::s3, &S3Place::endpoint>},
    {.name = "region", .set = set_to<parse_text, &Draft::s3, &S3Place::region>},
    {.name = "bucket", .required = true, .set = set_to<parse_bucket, &Draft::s3, &S3Place::bucket>},
    {.name = "prefix", .set = set_or_none<parse_prefix, &Draft::s3, &S3Place::prefix>},
    {.name = "addressing", .set = set_addressing},
    {.name = "accessKeyFile",
     .required = true,
     .print = Print::never,
     .set = set_to<parse_path, &Draft::s3, &S3Place::access_key_file>},
    {.name = "secretKeyFile",
     .required = true,
     .print = Print::never,
     .set = set_to<parse_path, &Draft::s3, &S3Place::secret_key_file>},
    {.name = "sessionTokenFile",
     .print = Print::never,
     .set = set_or_none<parse_path, &Draft::s3, &S3Place::session_token_file>},
    {.name = "caFile", .set = set_or_none<parse_path, &Draft::s3, &S3Place::ca_file>},
    {.name = "proxy",
     .print = Print::never,
     .set = set_or_none<parse_server, &Draft::s3, &S3Place::proxy>},
    {.name = "encryption", .set = set_encryption},
    {.name = "kmsKeyId", .set = set_or_none<parse_text, &Draft::s3, &S3Place::kms_key_id>},
});

constexpr std::array<std::string_view, 3> kTypes = {"nfs", "ssh", "s3"};

std::span<const ItemKey> keys_of(size_t type) {
  if (type == 0) return kNfsKeys;
  if (type == 1) return kSshKeys;
  return kS3Keys;
}

const Node* value_of(const Node& map, std::string_view key) {
  for (size_t i = 0; i < map.keys.size(); ++i)
    if (map.keys[i].text == key) return &map.items[i];
  return nullptr;
}

// Reads one destination: a map of keys.
class Item {
 public:
  Item(const Node& map, std::string_view file, Problems& problems)
      : map_(map), file_(file), problems_(problems) {}

  std::optional<Destination> read() {
    if (map_.kind != Node::Kind::map) {
      problems_.add(at_line(file_, map_.line), "a destination must be a section with keys",
                    "write it as - {name: nas, type: nfs, url: \"nfs://10.0.0.5/exports/etcd\"}");
      return std::nullopt;
    }
    auto type = type_of();
    if (!type) return std::nullopt;
    keys_.assign(kCommonKeys.begin(), kCommonKeys.end());
    for (const auto& key : keys_of(*type)) keys_.push_back(key);
    for (size_t i = 0; i < map_.keys.size(); ++i) read_key(map_.keys[i], map_.items[i]);
    for (const auto& key : keys_) {
      if (key.required && value_of(map_, key.name) == nullptr)
        problems_.add(where(map_.line), std::format("{} is missing", key.name));
    }
    if (*type == 0) check_choice("url", "persistentVolume");
    if (*type == 1) check_choice("hosts", "nodeSelectors");
    if (*type == 1 && value_of(map_, "nodeSelectors") == nullptr) {
      for (const auto* key : {"anyNode", "baseDomain"}) {
        if (const auto* node = value_of(map_, key))
          problems_.add(where(node->line), std::format("{} without nodeSelectors", key),
                        "hosts are taken as they stand");
      }
    }
    auto destination = std::move(draft_.common);
    destination.origin = std::format("{}:{}", file_, map_.line);
    if (*type == 0) destination.place = std::move(draft_.nfs);
    if (*type == 1) destination.place = std::move(draft_.ssh);
    if (*type == 2) destination.place = std::move(draft_.s3);
    return destination;
  }

 private:
  // One of both keys must be there.
  void check_choice(std::string_view plain, std::string_view of_cluster) {
    bool here = value_of(map_, plain) != nullptr;
    bool there = value_of(map_, of_cluster) != nullptr;
    if (here && there)
      problems_.add(where(map_.line), std::format("{} and {} are both given", plain, of_cluster),
                    "keep one of them");
    if (!here && !there)
      problems_.add(where(map_.line), std::format("{} is missing", plain),
                    std::format("in a cluster, {} can stand in its place", of_cluster));
  }

  std::string where(int line) const {
    const auto* name = value_of(map_, "name");
    return at_line(file_, line) + (name && name->kind == Node::Kind::scalar
                                       ? std::format("destination {}: ", shown(name->text))
                                       : "destination: ");
  }

  std::optional<size_t> type_of() {
    const auto* type = value_of(map_, "type");
    auto text = type && type->kind == Node::Kind::scalar ? type->text : "";
    auto found = std::ranges::find(kTypes, text);
    if (found != kTypes.end()) return static_cast<size_t>(found - kTypes.begin());
    auto near = nearest(text, kTypes);
    problems_.add(where(type ? type->line : map_.line),
                  type ? std::format("type: \"{}\" is not one of nfs, ssh, s3", shown(text))
                       : "type is missing",
                  near ? std::format("did you mean {}?", *near) : "write type: nfs, ssh or s3");
    return std::nullopt;
  }

  void read_key(const Node::Key& name, const Node& node) {
    auto key = std::ranges::find(keys_, name.text, &ItemKey::name);
    if (key == keys_.end()) return report_unknown(name);
    if (node.kind == Node::Kind::scalar && !key->list) return set(*key, node);
    if (node.kind == Node::Kind::list && key->list) {
      if (node.items.empty())
        problems_.add(where(node.line), std::format("{} is empty", key->name));
      for (const auto& item : node.items) {
        if (item.kind == Node::Kind::scalar) {
          set(*key, item);
        } else {
          problems_.add(where(item.line), std::format("{} must be a list of texts", key->name));
        }
      }
      return;
    }
    problems_.add(where(node.line),
                  std::format("{} must be {}", key->name,
                              key->list ? "a list, as in [first, second]" : "a single value"));
  }

  void set(const ItemKey& key, const Node& node) {
    auto done = has_control(node.text) ? control_refused() : key.set(draft_, node.text);
    if (!done)
      problems_.refuse(where(node.line), key.name, node.text, key.print == Print::yes,
                       done.error());
  }

  void report_unknown(const Node::Key& name) {
    std::vector<std::string_view> known;
    for (const auto& key : keys_) known.push_back(key.name);
    auto near = nearest(name.text, known);
    auto file_key = name.text + "File";
    std::string hint;
    if (std::ranges::contains(known, file_key)) {
      hint = std::format("secrets are read from files: use {}", file_key);
    } else if (near) {
      hint = std::format("did you mean {}?", *near);
    } else {
      hint = "known here: " + join(std::vector<std::string>(known.begin(), known.end()), ", ");
    }
    problems_.add(where(name.line), "unknown key " + shown(name.text), hint);
  }

  const Node& map_;
  std::string_view file_;
  Problems& problems_;
  std::vector<ItemKey> keys_;
  Draft draft_;
};

// What two destinations must not share: then one prune would work on the other's sets.
std::vector<std::string> identities(const Destination& destination) {
  std::vector<std::string> found;
  if (const auto* nfs = std::get_if<NfsPlace>(&destination.place))
    found.push_back(std::format("nfs {}{}:{}{}/{}", nfs->persistent_volume, nfs->server, nfs->port,
                                nfs->path, nfs->directory));
  if (const auto* ssh = std::get_if<SshPlace>(&destination.place)) {
    for (const auto& host : ssh->hosts)
      found.push_back(std::format("ssh {}:{}{}", host, ssh->port, ssh->directory));
    for (const auto& selector : ssh->node_selectors)
      found.push_back(std::format("nodes {}:{}{}", selector, ssh->port, ssh->directory));
  }
  if (const auto* s3 = std::get_if<S3Place>(&destination.place))
    found.push_back(std::format("s3 {}/{}/{}", s3->endpoint, s3->bucket, s3->prefix));
  return found;
}

// Rules between keys and between destinations.
void check(const std::vector<Destination>& all, Problems& problems) {
  std::vector<std::pair<std::string, std::string>> seen;  // identity, name
  std::vector<std::string> names;
  for (const auto& destination : all) {
    auto where = destination.origin + ": ";
    if (!destination.name.empty() && std::ranges::contains(names, destination.name))
      problems.add(where, std::format("two destinations are named {}", destination.name),
                   "names must differ");
    names.push_back(destination.name);
    for (const auto& identity : identities(destination)) {
      auto before = std::ranges::find(seen, identity, &std::pair<std::string, std::string>::first);
      if (before != seen.end())
        problems.add(
            where,
            std::format("destination {} is the same place as {}", destination.name, before->second),
            "remove one of them, or give them different directories");
      seen.emplace_back(identity, destination.name);
    }
    const auto* ssh = std::get_if<SshPlace>(&destination.place);
    if (ssh && ssh->known_hosts_file.empty() && !ssh->accept_new_host_keys)
      problems.add(where,
                   std::format("destination {}: knownHostsFile is missing", destination.name),
                   "make it with ssh-keyscan and compare the fingerprints, or write hostKeyPolicy: "
                   "accept-new");
    const auto* s3 = std::get_if<S3Place>(&destination.place);
    if (s3 && !s3->kms_key_id.empty() && s3->encryption != S3Encryption::sse_kms)
      problems.add(where, std::format("destination {}: kmsKeyId without encryption: sse-kms",
                                      destination.name));
  }
}

}  // namespace

std::string_view Destination::type() const { return kTypes[place.index()]; }

void read_destinations(const Node& list, int line, std::string_view file, Config& config,
                       Problems& problems) {
  if (list.kind == Node::Kind::null) return;  // all of it is commented out
  if (list.kind != Node::Kind::list) {
    problems.add(at_line(file, line), "destinations must be a list",
                 "begin each destination with a dash: - name: nas");
    return;
  }
  config.origins["destinations"] = std::format("{}:{}", file, line);
  for (const auto& node : list.items) {
    auto destination = Item(node, file, problems).read();
    if (destination) config.destinations.push_back(std::move(*destination));
  }
  check(config.destinations, problems);
}

}  // namespace snap::config
