#include "jobs/places.h"

#include <algorithm>
#include <format>
#include <utility>

#include "base/text.h"
#include "dest/nfs.h"
#include "dest/s3.h"
#include "dest/sftp.h"

namespace snap::jobs {
namespace {

dest::Patience patience_of(const config::Destination& destination, std::stop_token stop) {
  return {.stall = destination.stall_timeout, .stop = std::move(stop)};
}

// How a place is opened, by its type.
std::function<Result<std::unique_ptr<dest::Destination>>(std::stop_token)> opener(
    const config::Destination& destination, const config::NfsPlace& nfs) {
  dest::NfsConfig config{.server = nfs.server,
                         .path = nfs.path,
                         .directory = nfs.directory,
                         .version = static_cast<int>(nfs.version),
                         .port = nfs.port,
                         .mount_port = nfs.mount_port,
                         .uid = static_cast<uint32_t>(nfs.uid),
                         .gid = static_cast<uint32_t>(nfs.gid)};
  return [config, destination](std::stop_token stop) mutable {
    config.patience = patience_of(destination, std::move(stop));
    return dest::open_nfs(config);
  };
}

std::function<Result<std::unique_ptr<dest::Destination>>(std::stop_token)> opener(
    const config::Destination& destination, const config::SshPlace& ssh, const std::string& host,
    const std::string& local_directory) {
  dest::SftpConfig config{.host = host,
                          .port = ssh.port,
                          .user = ssh.user,
                          .directory = ssh.directory,
                          .private_key_file = ssh.private_key_file,
                          .passphrase_file = ssh.passphrase_file,
                          .known_hosts_file = ssh.known_hosts_file,
                          .host_key_policy = ssh.accept_new_host_keys
                                                 ? dest::HostKeyPolicy::accept_new
                                                 : dest::HostKeyPolicy::strict,
                          .pinned_hosts_file = local_directory + "/.state/known_hosts"};
  return [config, destination](std::stop_token stop) mutable {
    config.patience = patience_of(destination, std::move(stop));
    return dest::open_sftp(config);
  };
}

std::function<Result<std::unique_ptr<dest::Destination>>(std::stop_token)> opener(
    const config::Destination& destination, const config::S3Place& s3) {
  dest::S3Config config{.endpoint = s3.endpoint,
                        .region = s3.region,
                        .bucket = s3.bucket,
                        .prefix = s3.prefix,
                        .path_style = s3.path_style,
                        .access_key_file = s3.access_key_file,
                        .secret_key_file = s3.secret_key_file,
                        .session_token_file = s3.session_token_file,
                        .ca_file = s3.ca_file,
                        .proxy = s3.proxy,
                        .encryption = static_cast<dest::S3Encryption>(s3.encryption),
                        .kms_key_id = s3.kms_key_id};
  return [config, destination](std::stop_token stop) mutable {
    config.patience = patience_of(destination, std::move(stop));
    return dest::open_s3(config);
  };
}

}  // namespace

std::vector<Place> places_of(const config::Config& config) {
  std::vector<Place> places;
  for (const auto& destination : config.destinations) {
    Place place{.name = destination.name,
                .type = std::string(destination.type()),
                .label = {},
                .prune = destination.prune,
                .open = {}};
    if (const auto* nfs = std::get_if<config::NfsPlace>(&destination.place)) {
      place.label = std::format("nfs://{}{}{}{}", nfs->server, nfs->path,
                                nfs->directory.empty() ? "" : "/", nfs->directory);
      place.open = opener(destination, *nfs);
      places.push_back(std::move(place));
    } else if (const auto* s3 = std::get_if<config::S3Place>(&destination.place)) {
      place.label = std::format("s3://{}/{}", s3->bucket, s3->prefix);
      place.open = opener(destination, *s3);
      places.push_back(std::move(place));
    } else if (const auto* ssh = std::get_if<config::SshPlace>(&destination.place)) {
      for (const auto& host : ssh->hosts) {
        auto mirror = place;
        mirror.name = std::format("{}/{}", destination.name, host);
        mirror.label = std::format("sftp://{}@{}{}", ssh->user, host, ssh->directory);
        mirror.open = opener(destination, *ssh, host, config.local.directory);
        places.push_back(std::move(mirror));
      }
    }
  }
  return places;
}

Result<std::vector<Place>> pick(const std::vector<Place>& places,
                                const std::vector<std::string>& names) {
  if (names.empty()) return places;
  std::vector<Place> picked;
  for (const auto& place : places) {
    auto group = place.name.substr(0, place.name.find('/'));
    for (const auto& name : names) {
      if (name != place.name && name != group) continue;
      picked.push_back(place);
      break;
    }
  }
  for (const auto& name : names) {
    bool known = std::ranges::any_of(places, [&](const Place& place) {
      return place.name == name || place.name.substr(0, place.name.find('/')) == name;
    });
    if (known) continue;
    std::vector<std::string_view> all;
    for (const auto& place : places) all.push_back(place.name);
    auto near = nearest(name, all);
    return fail(Code::invalid, std::format("no destination is named {}", escaped(name)),
                near          ? std::format("did you mean {}?", *near)
                : all.empty() ? "the configuration names none: see destinations"
                              : "see: etcd-snapshot check");
  }
  return picked;
}

}  // namespace snap::jobs
