// What a host's files say about how etcd and the API server were started. Private to this room.
//
// Four forms, one result: the flags in a static pod's manifest, etcd's environment file, etcd's
// YAML file, OpenShift's configuration of the API server. Every setting gets the spelling of its
// flag: "listen-client-urls".
// Format: etcd-io/etcd:server/etcdmain/help.go, server/embed/config.go (configYAML),
// kubernetes/api:core/v1 (Pod), openshift/api:kubecontrolplane/v1/types.go.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace snap::node {

struct HostPathMount {
  std::string in_pod, on_host;
};

struct Settings {
  std::string source;  // path of the file on the host
  std::map<std::string, std::string, std::less<>> values;
  std::vector<HostPathMount> mounts;  // of a static pod

  // The value, or "".
  std::string get(std::string_view name) const;
  // A path as the process sees it, as a path on the host: through the longest mount that holds it.
  std::string on_host(std::string_view path) const;
  // get() and then on_host(); "" stays "".
  std::string file(std::string_view name) const;
};

// Flags and ETCD_* variables of the container `container` (else of the only one) of a pod manifest.
// Flags in a shell script ("sh -c SCRIPT") count as well; $(NAME) and ${NAME} become the value that
// the container's environment has.
// Errors: invalid  no YAML, or no pod with that container
Result<Settings> parse_static_pod(std::string_view yaml, std::string_view container);

// KEY=value lines as systemd's EnvironmentFile has them; ETCD_ and ETCDCTL_ only. ETCD_DATA_DIR
// becomes "data-dir", ETCDCTL_CACERT "etcdctl-cacert". Lines that are none are passed over.
Settings parse_environment(std::string_view text);

// etcd's --config-file. client-transport-security and peer-transport-security become the flags they
// stand for. Errors: invalid  no YAML mapping
Result<Settings> parse_etcd_yaml(std::string_view yaml);

// OpenShift's KubeAPIServerConfig: the first value of each of its apiServerArguments.
// Errors: invalid  no YAML mapping
Result<Settings> parse_openshift_config(std::string_view yaml);

}  // namespace snap::node
