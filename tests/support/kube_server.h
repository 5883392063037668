// A real kube-apiserver with an etcd of its own on loopback, gone with the object: objects, rights
// and tokens are real, but nothing schedules, runs or deletes anything.
//
// The binaries are kube_part()s; one that is missing is reported by throwing std::runtime_error,
// which fails the test with what to install.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "support/etcd_server.h"
#include "support/pki.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace snap::test {

class KubeServer {
 public:
  // Returns when the API server is ready. RBAC decides what others than admin() may do.
  static KubeServer start();

  int port() const { return port_; }
  std::string url() const { return "https://127.0.0.1:" + std::to_string(port_); }
  const Pki& pki() const { return pki_; }
  const TempDir& directory() const { return *directory_; }

  // kubectl as the administrator; fails the test when kubectl does.
  std::string kubectl(const std::vector<std::string>& args, const std::string& input = {}) const;
  // A token of the service account, made with its namespace if need be.
  std::string token_of(const std::string& name_space, const std::string& account) const;
  // Allows it `verb` on `resource` in the whole cluster.
  void allow(const std::string& name_space, const std::string& account, const std::string& verb,
             const std::string& resource) const;
  // A node as its kubelet would have registered it. `labels`: "a=b".
  void add_node(const std::string& name, const std::string& internal_ip,
                const std::vector<std::string>& labels, const std::string& ready = "True") const;

  // Paths: a kubeconfig with this token, or with the certificate of the administrator inside.
  std::string kubeconfig_with(const std::string& token) const;
  std::string admin_kubeconfig() const;
  // A directory as the kubelet mounts it into a pod.
  std::string service_account_with(const std::string& token, const std::string& name_space) const;

  void pause() { server_.pause(); }
  void resume() { server_.resume(); }
  void stop() { server_.kill(); }

 private:
  explicit KubeServer(EtcdCluster etcd) : etcd_(std::move(etcd)) {}
  Command kubectl_command(const std::vector<std::string>& args, const std::string& input) const;

  std::shared_ptr<TempDir> directory_ = std::make_shared<TempDir>();  // destroyed after the servers
  Pki pki_;
  Pki::Pair admin_;
  EtcdCluster etcd_;
  Process server_;
  int port_ = 0;
};

}  // namespace snap::test
