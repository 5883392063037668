#include "config/destination_keys.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <format>

#include "config/setters.h"
#include "config/values.h"

namespace snap::config {
namespace {

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

constexpr std::array<std::string_view, 2> kVersions = {"3", "4"};
constexpr std::array<std::string_view, 2> kPolicies = {"strict", "accept-new"};
constexpr std::array<std::string_view, 2> kAddressings = {"virtual", "path"};
constexpr std::array<std::string_view, 3> kEncryptions = {"none", "sse-s3", "sse-kms"};

Result<void> set_version(Draft& draft, const std::string& text) {
  draft.nfs.version = 3 + TRY(choice(kVersions, text));
  return {};
}

constexpr std::array kCommonKeys = std::to_array<ItemKey>({
    {.name = "name",
     .required = true,
     .set = set_parsed<parse_name, &Draft::common, &Destination::name>},
    {.name = "type",
     .required = true,
     .set = [](Draft&, const std::string&) { return Result<void>{}; }},  // chose the rows
    {.name = "prune", .set = set_parsed<parse_bool, &Draft::common, &Destination::prune>},
    {.name = "stallTimeout",
     .set = set_parsed<parse_stall_limit, &Draft::common, &Destination::stall_timeout>},
});

constexpr std::array kNfsKeys = std::to_array<ItemKey>({
    {.name = "url", .print = Print::never, .set = set_nfs_url},
    {.name = "persistentVolume",
     .set = set_parsed<parse_object_name, &Draft::nfs, &NfsPlace::persistent_volume>},
    {.name = "directory", .set = set_or_none<parse_below, &Draft::nfs, &NfsPlace::directory>},
    {.name = "version", .set = set_version},
    {.name = "uid", .set = set_parsed<parse_owner, &Draft::nfs, &NfsPlace::uid>},
    {.name = "gid", .set = set_parsed<parse_owner, &Draft::nfs, &NfsPlace::gid>},
    {.name = "mountPort", .set = set_parsed<parse_port, &Draft::nfs, &NfsPlace::mount_port>},
});

constexpr std::array kSshKeys = std::to_array<ItemKey>({
    {.name = "hosts", .list = true, .set = append<parse_host, &Draft::ssh, &SshPlace::hosts>},
    {.name = "nodeSelectors",
     .list = true,
     .set = append<parse_selector, &Draft::ssh, &SshPlace::node_selectors>},
    {.name = "anyNode", .set = set_parsed<parse_bool, &Draft::ssh, &SshPlace::any_node>},
    {.name = "baseDomain", .set = set_or_none<parse_domain, &Draft::ssh, &SshPlace::base_domain>},
    {.name = "port", .set = set_parsed<parse_port, &Draft::ssh, &SshPlace::port>},
    {.name = "user", .required = true, .set = set_parsed<parse_text, &Draft::ssh, &SshPlace::user>},
    {.name = "directory",
     .required = true,
     .set = set_parsed<parse_path, &Draft::ssh, &SshPlace::directory>},
    {.name = "privateKeyFile",
     .required = true,
     .print = Print::never,
     .set = set_parsed<parse_path, &Draft::ssh, &SshPlace::private_key_file>},
    {.name = "passphraseFile",
     .print = Print::never,
     .set = set_or_none<parse_path, &Draft::ssh, &SshPlace::passphrase_file>},
    {.name = "knownHostsFile",
     .set = set_or_none<parse_path, &Draft::ssh, &SshPlace::known_hosts_file>},
    {.name = "hostKeyPolicy",
     .set = set_choice<kPolicies, &Draft::ssh, &SshPlace::accept_new_host_keys>},
});

constexpr std::array kS3Keys = std::to_array<ItemKey>({
    {.name = "endpoint",
     .required = true,
     .print = Print::never,
     .set = set_parsed<parse_server, &Draft::s3, &S3Place::endpoint>},
    {.name = "region", .set = set_parsed<parse_text, &Draft::s3, &S3Place::region>},
    {.name = "bucket",
     .required = true,
     .set = set_parsed<parse_bucket, &Draft::s3, &S3Place::bucket>},
    {.name = "prefix", .set = set_or_none<parse_prefix, &Draft::s3, &S3Place::prefix>},
    {.name = "addressing", .set = set_choice<kAddressings, &Draft::s3, &S3Place::path_style>},
    {.name = "accessKeyFile",
     .required = true,
     .print = Print::never,
     .set = set_parsed<parse_path, &Draft::s3, &S3Place::access_key_file>},
    {.name = "secretKeyFile",
     .required = true,
     .print = Print::never,
     .set = set_parsed<parse_path, &Draft::s3, &S3Place::secret_key_file>},
    {.name = "sessionTokenFile",
     .print = Print::never,
     .set = set_or_none<parse_path, &Draft::s3, &S3Place::session_token_file>},
    {.name = "caFile", .set = set_or_none<parse_path, &Draft::s3, &S3Place::ca_file>},
    {.name = "proxy",
     .print = Print::never,
     .set = set_or_none<parse_server, &Draft::s3, &S3Place::proxy>},
    {.name = "encryption", .set = set_choice<kEncryptions, &Draft::s3, &S3Place::encryption>},
    {.name = "kmsKeyId", .set = set_or_none<parse_text, &Draft::s3, &S3Place::kms_key_id>},
});

}  // namespace

std::span<const ItemKey> common_keys() { return kCommonKeys; }

std::span<const ItemKey> keys_of(size_t type) {
  if (type == 0) return kNfsKeys;
  if (type == 1) return kSshKeys;
  return kS3Keys;
}

}  // namespace snap::config
