// Real etcd clusters on loopback, in a temporary directory, gone with the object.
//
// The servers are part()s; one that is missing is reported by throwing std::runtime_error, which
// fails the test with what to install.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "support/pki.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace snap::test {

struct EtcdOptions {
  std::string version = "3.6";  // 3.4, 3.5, 3.6
  int members = 1;
  bool tls = false;   // client certificates are required then
  bool auth = false;  // user root, password "secret"; with TLS CN=root will do
  bool learner = false;
  std::string host = "127.0.0.1";  // or "::1"
  std::vector<std::string> extra_flags = {};
  const Pki* pki = nullptr;                       // whose certificates; null: a new one
  std::string server_cert = {}, server_key = {};  // shown to clients; empty: the Pki's
  // In front of every command: {"nsenter", "--net=/proc/1/ns/net"} for another network.
  std::vector<std::string> launcher = {};
};

class EtcdCluster {
 public:
  // Returns when every member answers and, with more than one, a leader is there.
  static EtcdCluster start(const EtcdOptions& options);

  const std::vector<std::string>& endpoints() const { return endpoints_; }
  std::string learner_endpoint() const { return learner_endpoint_; }
  const Pki& pki() const { return pki_; }  // TLS only
  const TempDir& directory() const { return *directory_; }
  std::string data_dir(int member) const;
  std::string password_file() const;                  // holds "secret"
  std::string binary(const std::string& name) const;  // "etcdctl", "etcdutl"

  // etcdctl with this cluster's endpoints, TLS and user flags. ctl fails the test when etcdctl
  // does.
  Finished try_ctl(const std::vector<std::string>& args, const std::string& input = {}) const;
  std::string ctl(const std::vector<std::string>& args, const std::string& input = {}) const;
  // Against one endpoint only.
  std::string ctl_at(const std::string& endpoint, const std::vector<std::string>& args) const;
  // About `mib` MiB of keys /registry/..., values of 1 MiB that hardly compress.
  void fill(int mib) const;

  void pause(int member) { members_[static_cast<size_t>(member)].pause(); }
  void resume(int member) { members_[static_cast<size_t>(member)].resume(); }
  void kill(int member) { members_[static_cast<size_t>(member)].kill(); }
  void stop(int member) { members_[static_cast<size_t>(member)].stop(); }
  void restart(int member);  // after kill or stop, with the same data
  pid_t pid(int member) const { return members_[static_cast<size_t>(member)].pid(); }
  // Index of the leader in endpoints(); waits for one.
  int leader() const;

 private:
  EtcdCluster() = default;
  EtcdOptions options_;
  std::shared_ptr<TempDir> directory_;  // destroyed after the members
  Pki pki_;
  // A command for the server of one member; its URLs differ by ports only.
  void add_member(const std::string& name, const std::string& initial_cluster,
                  const std::string& state, int client_port, int peer_port);
  std::string url(int port) const;
  EtcdCluster at(const std::string& endpoint) const;  // no servers: for etcdctl only
  void spawn(size_t member);
  void add_learner(const std::string& initial_cluster, int client_port, int peer_port);
  void enable_auth();

  std::vector<Command> commands_;
  std::vector<Process> members_;
  std::vector<std::string> endpoints_;
  std::string learner_endpoint_;
};

}  // namespace snap::test
