#include "support/kube_server.h"

#include <filesystem>
#include <format>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/text.h"
#include "support/parts.h"

namespace snap::test {

using nlohmann::json;

KubeServer KubeServer::start() {
  auto program = kube_part("kube-apiserver");
  KubeServer kube(EtcdCluster::start({.version = "3.5"}));
  kube.pki_ = Pki::make(kube.directory_->path("pki"));
  kube.admin_ = kube.pki_.issue({.name = "admin", .common_name = "admin/O=system:masters"});
  auto tokens_key = kube.directory_->path("tokens.pub");
  run({.argv = {"openssl", "pkey", "-in", kube.pki_.server_key, "-pubout", "-out", tokens_key}});
  kube.port_ = free_ports(1)[0];
  Command command{
      .argv = {program, "--etcd-servers=" + kube.etcd_.endpoints()[0], "--bind-address=127.0.0.1",
               std::format("--secure-port={}", kube.port_),
               "--cert-dir=" + kube.directory_->path("generated"),
               "--tls-cert-file=" + kube.pki_.server_cert,
               "--tls-private-key-file=" + kube.pki_.server_key, "--client-ca-file=" + kube.pki_.ca,
               "--service-account-issuer=https://kubernetes.default.svc",
               "--service-account-key-file=" + tokens_key,
               "--service-account-signing-key-file=" + kube.pki_.server_key,
               "--service-cluster-ip-range=10.96.0.0/24", "--endpoint-reconciler-type=none",
               "--authorization-mode=RBAC", "--profiling=false"}};
  command.output_file = kube.directory_->path("apiserver.log");
  kube.server_ = Process(command);
  auto ready = [&] {
    if (!kube.server_.running())
      throw std::runtime_error("kube-apiserver ended: " +
                               run({.argv = {"tail", "-n", "5", command.output_file}}).out);
    return listens("127.0.0.1", kube.port_) &&
           run(kube.kubectl_command({"get", "--raw", "/readyz"}, {})).ok();
  };
  if (!wait_until(ready, std::chrono::seconds(110)))
    throw std::runtime_error("kube-apiserver is not ready");
  return kube;
}

Command KubeServer::kubectl_command(const std::vector<std::string>& args,
                                    const std::string& input) const {
  Command command{
      .argv = {kube_part("kubectl"), "--server=" + url(), "--certificate-authority=" + pki_.ca,
               "--client-certificate=" + admin_.cert, "--client-key=" + admin_.key},
      .env = {{"HOME", directory_->path()}, {"KUBECONFIG", ""}},
      .input = input};
  command.argv.insert(command.argv.end(), args.begin(), args.end());
  return command;
}

std::string KubeServer::kubectl(const std::vector<std::string>& args,
                                const std::string& input) const {
  auto done = run(kubectl_command(args, input));
  if (!done.ok()) throw std::runtime_error("kubectl " + args[0] + ": " + done.text());
  return done.out;
}

std::string KubeServer::token_of(const std::string& name_space, const std::string& account) const {
  auto object = [&](const char* kind, const std::string& name) {
    json made = {{"apiVersion", "v1"}, {"kind", kind}, {"metadata", {{"name", name}}}};
    if (kind != std::string("Namespace")) made["metadata"]["namespace"] = name_space;
    kubectl({"apply", "-f", "-"}, made.dump());
  };
  object("Namespace", name_space);
  object("ServiceAccount", account);
  return std::string(trim(kubectl({"-n", name_space, "create", "token", account})));
}

void KubeServer::allow(const std::string& name_space, const std::string& account,
                       const std::string& verb, const std::string& resource) const {
  auto name = std::format("{}-{}", verb, resource.substr(0, resource.find('.')));
  kubectl({"create", "clusterrole", name, "--verb=" + verb, "--resource=" + resource});
  kubectl({"create", "clusterrolebinding", name, "--clusterrole=" + name,
           "--serviceaccount=" + name_space + ":" + account});
}

void KubeServer::add_node(const std::string& name, const std::string& internal_ip,
                          const std::vector<std::string>& labels, const std::string& ready) const {
  json node = {{"apiVersion", "v1"},
               {"kind", "Node"},
               {"metadata", {{"name", name}, {"labels", json::object()}}},
               {"status",
                {{"conditions", {{{"type", "Ready"}, {"status", ready}}}},
                 {"addresses",
                  {{{"type", "Hostname"}, {"address", name}},
                   {{"type", "InternalIP"}, {"address", internal_ip}}}}}}};
  for (const auto& label : labels) {
    auto equals = label.find('=');
    node["metadata"]["labels"][label.substr(0, equals)] =
        equals == label.npos ? "" : label.substr(equals + 1);
  }
  kubectl({"create", "-f", "-"}, node.dump());
}

namespace {

std::string kubeconfig(const std::string& cluster, const std::string& user) {
  return std::format(
      "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
      "contexts: [{{name: c, context: {{cluster: k, user: u}}}}]\n"
      "clusters: [{{name: k, cluster: {{{}}}}}]\nusers: [{{name: u, user: {{{}}}}}]\n",
      cluster, user);
}

std::string base64(const std::string& file) {
  return std::string(trim(run({.argv = {"base64", "-w0", file}}).out));
}

}  // namespace

std::string KubeServer::kubeconfig_with(const std::string& token) const {
  auto path = directory_->path("token.conf");
  write_file(
      path, kubeconfig(std::format("server: \"{}\", certificate-authority: \"{}\"", url(), pki_.ca),
                       "token: " + token));
  return path;
}

std::string KubeServer::admin_kubeconfig() const {
  auto path = directory_->path("admin.conf");
  write_file(path, kubeconfig(std::format("server: \"{}\", certificate-authority-data: {}", url(),
                                          base64(pki_.ca)),
                              std::format("client-certificate-data: {}, client-key-data: {}",
                                          base64(admin_.cert), base64(admin_.key))));
  return path;
}

std::string KubeServer::service_account_with(const std::string& token,
                                             const std::string& name_space) const {
  auto path = directory_->path("serviceaccount");
  std::filesystem::create_directories(path);
  write_file(path + "/token", token);
  write_file(path + "/namespace", name_space);
  std::filesystem::copy_file(pki_.ca, path + "/ca.crt",
                             std::filesystem::copy_options::overwrite_existing);
  return path;
}

}  // namespace snap::test
