// Where the API of a cluster is, and how we show who we are.
//
// In a pod from the service account that the kubelet mounts, elsewhere from a kubeconfig. Formats:
// kubernetes/client-go:rest/config.go (InClusterConfig), tools/clientcmd/api/v1/types.go.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "net/endpoint.h"
#include "net/tls.h"

namespace snap::kube {

inline constexpr std::string_view kServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";

struct Access {
  std::string origin;     // for messages: "the pod's service account", "/root/admin.conf"
  net::Endpoint server;   // TLS, or this host: a token never travels in clear
  std::string base_path;  // what comes before "/api", as behind Rancher; often empty
  net::TlsFiles tls;
  std::string token_file;  // read again and again, since tokens expire; may be empty
  std::string token;       // where there is no file; may be empty
  std::string name_space;  // where we are, or the context's; "default" when neither says
  // Certificates that stand in the kubeconfig itself: `tls` names these files, which are in memory
  // only.
  std::shared_ptr<std::vector<Fd>> inline_files = nullptr;
};

// `get` is getenv; tests pass their own. `directory`: the mounted service account.
//
// Errors: not_found  this is no pod, or it has no service account token
//         invalid    what is mounted or set is not usable
Result<Access> in_cluster(const std::function<const char*(const char*)>& get,
                          const std::string& directory = std::string(kServiceAccount));

// The current context of the file. What needs another program (exec, auth-provider), a password or
// no verification is refused.
//
// Errors: invalid, with what to write instead; not_found, denied  the file; denied  the file of the
//         token
Result<Access> from_kubeconfig(const std::string& path);

}  // namespace snap::kube
