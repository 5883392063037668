// Real servers as destinations in a configuration: what stands between the braces of
//   - {name: nas, type: nfs, ...}
#pragma once

#include <format>
#include <string>

#include "support/nfs_server.h"
#include "support/s3_server.h"
#include "support/ssh_server.h"

namespace snap::test {

inline std::string place(const std::string& name, const std::string& keys) {
  return std::format("- {{name: {}, {}}}\n", name, keys);
}

// `port`: of a proxy in front of the server; 0: its own.
inline std::string nfs_keys(const NfsServer& server, int version = 3, int port = 0) {
  return std::format("type: nfs, url: \"nfs://127.0.0.1:{}{}\", version: {}, mountPort: {}",
                     port ? port : server.port(), server.export_name(), version,
                     server.mount_port());
}

struct SshPlace {
  std::string hosts = {};          // empty: "hosts: [...]" with the server's
  std::string directory = "sets";  // below its data()
  int port = 0;                    // as for nfs_keys
  std::string known_hosts = {};    // empty: "knownHostsFile: ..." of the server
};
inline std::string ssh_keys(const SshServer& server, const SshPlace& place = {}) {
  return std::format(
      "type: ssh, {}, port: {}, user: root, directory: {}/{}, privateKeyFile: {}, {}",
      place.hosts.empty() ? "hosts: [" + server.host() + "]" : place.hosts,
      place.port ? place.port : server.port(), server.data(), place.directory,
      server.key("ed25519"),
      place.known_hosts.empty() ? "knownHostsFile: " + server.known_hosts() : place.known_hosts);
}

// `url`: of a proxy in front of the server; empty: its own.
inline std::string s3_keys(const S3Server& server, const std::string& url = {}) {
  return std::format(
      "type: s3, endpoint: \"{}\", bucket: {}, prefix: east, accessKeyFile: {}, secretKeyFile: {}",
      url.empty() ? server.url() : url, server.bucket(), server.access_key_file(),
      server.secret_key_file());
}

}  // namespace snap::test
