#include "kube/access.h"

#include <format>

#include "base/text.h"
#include "kube/fields.h"

namespace snap::kube {
namespace {

constexpr uint64_t kMaxNameBytes = 4096;

}  // namespace

Result<Access> in_cluster(const std::function<const char*(const char*)>& get,
                          const std::string& directory) {
  const char* host = get("KUBERNETES_SERVICE_HOST");
  const char* port = get("KUBERNETES_SERVICE_PORT");
  if (!host || !port || *host == '\0' || *port == '\0')
    return fail(Code::not_found, "this is not a pod: KUBERNETES_SERVICE_HOST is not set",
                "name a kubeconfig: kubernetes.kubeconfig or --kubeconfig FILE");
  Access access{.origin = "the pod's service account",
                .server = {},
                .base_path = {},
                .tls = {.ca = directory + "/ca.crt", .cert = {}, .key = {}, .server_name = {}},
                .token_file = directory + "/token",
                .token = {},
                .name_space = "default"};
  bool bare_ipv6 = std::string_view(host).contains(':') && *host != '[';
  auto text = std::format("https://{}:{}", bare_ipv6 ? std::format("[{}]", host) : host, port);
  access.server = TRY(net::parse_endpoint(text, 443, true).context("KUBERNETES_SERVICE_HOST"));
  if (auto name = read_small_file(directory + "/namespace", kMaxNameBytes))
    if (is_object_name(trim(*name))) access.name_space = trim(*name);
  auto token = read_small_file(access.token_file, 1U << 20);
  if (!token)
    return fail(token.error().code, "the pod has no token: " + token.error().message,
                "let it use a service account, with automountServiceAccountToken: true");
  if (trim(*token).empty())
    return fail(Code::invalid, access.token_file + " is empty", "restart the pod");
  TRY(net::check(access.tls).context(access.origin));
  return access;
}

}  // namespace snap::kube
