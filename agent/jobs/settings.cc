#include "jobs/settings.h"

#include <cstdlib>
#include <format>
#include <utility>

#include "config/secret.h"
#include "sets/name.h"

namespace snap::jobs {
namespace {

// Empty: it is not given.
std::string given_node_name() {
  const char* given = std::getenv("NODE_NAME");
  return given ? given : "";
}

void merge_etcd(const config::Etcd& configured, const node::Discovery& found,
                etcd::ClientConfig& merged) {
  merged.endpoints = configured.endpoints.empty() ? found.endpoints : configured.endpoints;
  // The CA, and certificate with key, each by itself: what is set wins over what was found.
  bool own_cert = !configured.cert.empty();
  merged.tls = {.ca = configured.cacert.empty() ? found.cacert : configured.cacert,
                .cert = own_cert ? configured.cert : found.cert,
                .key = own_cert ? configured.key : found.key,
                .server_name = configured.server_name};
  merged.username = configured.username;
  merged.password_file = configured.password_file;
  merged.stall_timeout = configured.stall_timeout;
}

}  // namespace

std::string this_node() {
  auto given = given_node_name();
  return given.empty() ? node::node_name() : given;
}

Result<std::string> own_node_name() {
  return sets::node_part(this_node())
      .context(given_node_name().empty() ? "host name" : "NODE_NAME");
}

Result<Settings> settle(config::Config config, const node::Host& host, std::stop_token stop) {
  Settings settings;
  settings.discovery = TRY(node::discover(host, config.etcd.profile));
  settings.node = TRY(own_node_name());
  settings.host_root = host.root;
  merge_etcd(config.etcd, settings.discovery, settings.etcd);
  settings.etcd.stop = std::move(stop);
  if (settings.etcd.endpoints.empty()) {
    const auto& found = settings.discovery;
    if (!found.no_etcd.empty()) return fail(Code::invalid, found.no_etcd, found.no_etcd_hint);
    return fail(Code::invalid,
                std::format("no etcd endpoint is configured, and profile {} found none",
                            settings.discovery.profile),
                "set etcd.endpoints, or give --endpoints https://HOST:2379");
  }
  auto effective = config.etcd;
  effective.endpoints = settings.etcd.endpoints;
  TRY(config::check_password_transport(effective));
  settings.roots = settings.discovery.resources;
  for (const auto& path : config.resources.include)
    settings.roots.push_back({.path = path, .named_by = node::NamedBy::config});
  settings.config = std::move(config);
  return settings;
}

Result<etcd::Client> client_for(const Settings& settings, std::vector<std::string>& warnings) {
  if (!settings.etcd.password_file.empty()) {
    auto secret = config::read_secret(settings.etcd.password_file).context("etcd.passwordFile");
    if (!secret) {
      return fail(Code::invalid, secret.error().message,
                  "write the password into it, readable by this user only");
    }
    if (!secret->warning.empty()) warnings.push_back(secret->warning);
  }
  return etcd::Client::create(settings.etcd);
}

}  // namespace snap::jobs
