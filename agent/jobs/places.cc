#include "jobs/places.h"

#include <algorithm>
#include <chrono>
#include <format>
#include <system_error>
#include <thread>
#include <utility>

#include "base/text.h"
#include "dest/nfs.h"
#include "dest/s3.h"
#include "dest/sftp.h"

namespace snap::jobs {
namespace {

using Opened = Result<std::unique_ptr<dest::Destination>>;

// Opens with this configuration, however often it is asked.
template <class Config>
void open_with(Place& place, const Config& config, std::chrono::seconds stall_limit,
               Opened (*open)(const Config&)) {
  auto opener = [=](bool create) {
    return [=](std::stop_token stop) {
      auto effective = config;
      effective.patience = {.stall = stall_limit, .stop = std::move(stop)};
      if constexpr (requires { effective.create; }) effective.create = create;
      return open(effective);
    };
  };
  place.open = opener(false);
  place.create = opener(true);
}

dest::NfsConfig config_of(const config::NfsPlace& nfs) {
  return {.server = nfs.server,
          .path = nfs.path,
          .directory = nfs.directory,
          .version = static_cast<int>(nfs.version),
          .port = nfs.port,
          .mount_port = nfs.mount_port,
          .uid = static_cast<uint32_t>(nfs.uid),
          .gid = static_cast<uint32_t>(nfs.gid)};
}

dest::SftpConfig config_of(const config::SshPlace& ssh, const NodeMirror& mirror,
                           const std::string& local_directory) {
  return {.host = mirror.host,
          .port = ssh.port,
          .known_as = mirror.known_as,
          .user = ssh.user,
          .directory = ssh.directory,
          .private_key_file = ssh.private_key_file,
          .passphrase_file = ssh.passphrase_file,
          .known_hosts_file = ssh.known_hosts_file,
          .host_key_policy = ssh.accept_new_host_keys ? dest::HostKeyPolicy::accept_new
                                                      : dest::HostKeyPolicy::strict,
          .pinned_hosts_file = local_directory + "/.state/known_hosts"};
}

dest::S3Config config_of(const config::S3Place& s3) {
  return {.endpoint = s3.endpoint,
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
}

// What the cluster says of this destination.
template <class T>
Result<T> in_cluster(const std::map<std::string, Result<T>>& found, const std::string& name) {
  auto here = found.find(name);
  if (here != found.end()) return here->second;
  return fail(Code::internal, std::format("the cluster was not asked about {}", name));
}

std::function<Opened(std::stop_token)> never_opens(Error error) {
  return [error = std::move(error)](const std::stop_token&) -> Opened {
    return std::unexpected(error);
  };
}

void add_export(const config::Destination& destination, config::NfsPlace nfs, const Found& found,
                Place place, std::vector<Place>& places) {
  if (!nfs.persistent_volume.empty()) {
    auto there = in_cluster(found.exports, destination.name);
    if (!there) {
      place.label = "persistent volume " + nfs.persistent_volume;
      place.open = never_opens(there.error());
      return places.push_back(std::move(place));
    }
    nfs.server = there->server;
    nfs.path = there->path;
  }
  place.label = std::format("nfs://{}{}{}{}", nfs.server, nfs.path,
                            nfs.directory.empty() ? "" : "/", nfs.directory);
  open_with(place, config_of(nfs), destination.stall_timeout, dest::open_nfs);
  places.push_back(std::move(place));
}

void add_mirrors(const config::Destination& destination, const config::SshPlace& ssh,
                 const std::string& local_directory, const Found& found, Place place,
                 std::vector<Place>& places) {
  std::vector<NodeMirror> mirrors;
  for (const auto& host : ssh.hosts)
    mirrors.push_back({.name = host, .host = host, .known_as = {}});
  if (!ssh.node_selectors.empty()) {
    auto nodes = in_cluster(found.mirrors, destination.name);
    if (!nodes) {
      place.label = "nodes with " + join(ssh.node_selectors, " or ");
      place.open = never_opens(nodes.error());
      return places.push_back(std::move(place));
    }
    mirrors = std::move(*nodes);
  }
  for (const auto& mirror : mirrors) {
    auto one = place;
    one.name = std::format("{}/{}", destination.name, mirror.name);
    one.label = std::format("sftp://{}@{}{}", ssh.user, mirror.host, ssh.directory);
    open_with(one, config_of(ssh, mirror, local_directory), destination.stall_timeout,
              dest::open_sftp);
    places.push_back(std::move(one));
  }
}

}  // namespace

std::vector<Place> places_of(const config::Config& config, const Found& found) {
  std::vector<Place> places;
  for (const auto& destination : config.destinations) {
    Place place{.name = destination.name,
                .type = std::string(destination.type()),
                .label = {},
                .prune = destination.prune,
                .open = {}};
    if (const auto* nfs = std::get_if<config::NfsPlace>(&destination.place)) {
      add_export(destination, *nfs, found, std::move(place), places);
    } else if (const auto* s3 = std::get_if<config::S3Place>(&destination.place)) {
      place.label = std::format("s3://{}/{}", s3->bucket, s3->prefix);
      open_with(place, config_of(*s3), destination.stall_timeout, dest::open_s3);
      places.push_back(std::move(place));
    } else if (const auto* ssh = std::get_if<config::SshPlace>(&destination.place)) {
      add_mirrors(destination, *ssh, config.local.directory, found, std::move(place), places);
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

void side_by_side(size_t count, const std::function<void(size_t)>& work,
                  const std::function<void(size_t, const std::exception&)>& broken) {
  std::vector<std::jthread> threads;
  threads.reserve(count);
  auto one = [&](size_t i) {
    try {
      work(i);
    } catch (const std::exception& error) {
      broken(i, error);
    }
  };
  for (size_t i = 0; i < count; ++i) {
    try {
      threads.emplace_back(one, i);
    } catch (const std::system_error& error) {  // no more threads: the others go on
      broken(i, error);
    }
  }
}

}  // namespace snap::jobs
