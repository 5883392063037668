// The file of kubectl: what is accepted sends no secret in clear and no second line of a request.
#include <format>

#include "fuzz/memory_file.h"
#include "fuzz/target.h"
#include "kube/access.h"

namespace snap::fuzz {
namespace {

std::vector<std::string> seeds() {
  const std::string kHead =
      "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u, namespace: n}}]\n";
  return {kHead +
              "clusters: [{name: k, cluster: {server: \"https://h:6443/a/b\"}}]\n"
              "users: [{name: u, user: {token: abc}}]\n",
          kHead +
              "clusters:\n- name: k\n  cluster: {server: \"http://127.0.0.1:8001\", "
              "certificate-authority-data: YWJj}\nusers:\n- name: u\n  user: {tokenFile: /t}\n",
          kHead + "users: [{name: u, user: {exec: {command: x}}}]\nclusters: &a [*a]\n",
          "{\"contexts\": [7], \"current-context\": \"\\u0001\"}"};
}

void run(std::string_view input) {
  static MemoryFile file;
  auto path = std::format("/proc/self/fd/{}", file.holding(input).get());
  auto access = kube::from_kubeconfig(path);
  if (!access) {
    for (unsigned char c : describe(access.error())) require(c >= 0x20 && c != 0x7F);
    return;
  }
  require(access->server.tls || access->server.is_local());
  for (unsigned char c : access->token + access->base_path + access->name_space)
    require(c > ' ' && c < 0x7F);
}

}  // namespace

Target kubeconfig() { return {"kubeconfig", seeds, run}; }

}  // namespace snap::fuzz
