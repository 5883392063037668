#include "support/etcd_server.h"

#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>

#include "base/text.h"
#include "support/parts.h"

namespace snap::test {
namespace {

std::string member_log(const Command& command) {
  auto tail = run({.argv = {"tail", "-n", "5", command.output_file}});
  return tail.out;
}

}  // namespace

std::string EtcdCluster::binary(const std::string& name) const {
  auto line = "etcd-" + options_.version;
  return part(line + "/" + name, line);
}

std::string EtcdCluster::url(int port) const {
  auto host = options_.host.contains(':') ? "[" + options_.host + "]" : options_.host;
  return (options_.tls ? "https://" : "http://") + host + ":" + std::to_string(port);
}

std::string EtcdCluster::data_dir(int member) const {
  return directory_->path("m" + std::to_string(member) + ".etcd");
}

std::string EtcdCluster::password_file() const { return directory_->path("password"); }

void EtcdCluster::add_member(const std::string& name, const std::string& initial_cluster,
                             const std::string& state, int client_port, int peer_port) {
  Command command;
  command.argv = {binary("etcd"),
                  "--name",
                  name,
                  "--data-dir",
                  directory_->path(name + ".etcd"),
                  "--listen-client-urls",
                  url(client_port),
                  "--advertise-client-urls",
                  url(client_port),
                  "--listen-peer-urls",
                  url(peer_port),
                  "--initial-advertise-peer-urls",
                  url(peer_port),
                  "--initial-cluster",
                  initial_cluster,
                  "--initial-cluster-state",
                  state,
                  "--initial-cluster-token",
                  directory_->path(),
                  "--logger",
                  "zap",
                  "--log-level",
                  "warn"};
  auto add = [&command](const std::vector<std::string>& more) {
    command.argv.insert(command.argv.end(), more.begin(), more.end());
  };
  if (options_.tls) {
    auto custom = !options_.server_cert.empty();
    add({"--cert-file", custom ? options_.server_cert : pki_.server_cert, "--key-file",
         custom ? options_.server_key : pki_.server_key, "--trusted-ca-file", pki_.ca,
         "--client-cert-auth", "--peer-cert-file", pki_.server_cert, "--peer-key-file",
         pki_.server_key, "--peer-trusted-ca-file", pki_.ca, "--peer-client-cert-auth"});
  }
  // Without it a cluster younger than 5 s refuses the learner with "unhealthy cluster".
  if (options_.learner) add({"--strict-reconfig-check=false"});
  add(options_.extra_flags);
  command.argv.insert(command.argv.begin(), options_.launcher.begin(), options_.launcher.end());
  command.output_file = directory_->path(name + ".log");
  commands_.push_back(std::move(command));
  members_.emplace_back();
}

void EtcdCluster::spawn(size_t member) { members_[member] = Process(commands_[member]); }

EtcdCluster EtcdCluster::start(const EtcdOptions& options) {
  EtcdCluster cluster;
  cluster.options_ = options;
  cluster.directory_ = std::make_shared<TempDir>();
  write_file(cluster.password_file(), "secret\n");
  if (options.tls)
    cluster.pki_ = options.pki ? *options.pki : Pki::make(cluster.directory_->path("pki"));
  auto count = static_cast<size_t>(options.members);
  auto ports = free_ports(count * 2 + 2);
  std::string initial;
  for (size_t i = 0; i < count; ++i) {
    initial += (i ? ",m" : "m") + std::to_string(i) + "=" + cluster.url(ports[i * 2 + 1]);
    cluster.endpoints_.push_back(cluster.url(ports[i * 2]));
  }
  for (size_t i = 0; i < count; ++i) {
    cluster.add_member("m" + std::to_string(i), initial, "new", ports[i * 2], ports[i * 2 + 1]);
    cluster.spawn(i);
  }
  auto healthy = [&cluster] {
    for (size_t i = 0; i < cluster.members_.size(); ++i)
      if (!cluster.members_[i].running())
        throw std::runtime_error("etcd ended: " + member_log(cluster.commands_[i]));
    return cluster.try_ctl({"endpoint", "health"}).ok();
  };
  // Auth is not on yet: the user flags of try_ctl would be refused.
  cluster.options_.auth = false;
  if (!wait_until(healthy, std::chrono::seconds(30)))
    throw std::runtime_error("etcd is not healthy: " + member_log(cluster.commands_[0]));
  if (options.learner) cluster.add_learner(initial, ports[count * 2], ports[count * 2 + 1]);
  if (options.auth) cluster.enable_auth();
  return cluster;
}

void EtcdCluster::add_learner(const std::string& initial_cluster, int client_port, int peer_port) {
  ctl({"member", "add", "learner", "--learner", "--peer-urls", url(peer_port)});
  learner_endpoint_ = url(client_port);
  add_member("learner", initial_cluster + ",learner=" + url(peer_port), "existing", client_port,
             peer_port);
  spawn(members_.size() - 1);
  auto answers = [this] { return at(learner_endpoint_).try_ctl({"endpoint", "status"}).ok(); };
  if (!wait_until(answers, std::chrono::seconds(30)))
    throw std::runtime_error("the learner does not answer: " + member_log(commands_.back()));
}

void EtcdCluster::enable_auth() {
  ctl({"user", "add", "root:secret"});
  ctl({"user", "grant-role", "root", "root"});
  ctl({"auth", "enable"});
  options_.auth = true;
}

Finished EtcdCluster::try_ctl(const std::vector<std::string>& args,
                              const std::string& input) const {
  std::vector<std::string> argv = {binary("etcdctl"), "--endpoints", join(endpoints_, ",")};
  if (options_.tls)
    argv.insert(argv.end(),
                {"--cacert", pki_.ca, "--cert", pki_.client_cert, "--key", pki_.client_key});
  else if (options_.auth)
    argv.insert(argv.end(), {"--user", "root:secret"});
  argv.insert(argv.end(), args.begin(), args.end());
  argv.insert(argv.begin(), options_.launcher.begin(), options_.launcher.end());
  return run({.argv = argv, .env = {{"ETCDCTL_API", "3"}}, .input = input});
}

std::string EtcdCluster::ctl(const std::vector<std::string>& args, const std::string& input) const {
  auto done = try_ctl(args, input);
  if (!done.ok()) throw std::runtime_error("etcdctl " + join(args, " ") + ": " + done.text());
  return done.out;
}

std::string EtcdCluster::ctl_at(const std::string& endpoint,
                                const std::vector<std::string>& args) const {
  return at(endpoint).ctl(args);
}

EtcdCluster EtcdCluster::at(const std::string& endpoint) const {
  EtcdCluster one;
  one.options_ = options_;
  one.pki_ = pki_;
  one.endpoints_ = {endpoint};
  return one;
}

void EtcdCluster::fill(int mib) const {
  constexpr std::string_view kLetters =
      "0123456789abcdefghijklmnopqrstuvwyzxABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
  static std::mt19937 random(20261121);  // values differ from one call to the next
  std::string value(1 << 20, 'x');
  for (int i = 0; i < mib; ++i) {
    for (auto& c : value) c = kLetters[random() % kLetters.size()];
    ctl({"put", "/registry/filler/" + std::to_string(random())}, value);
  }
}

void EtcdCluster::restart(int member) {
  stop(member);
  spawn(static_cast<size_t>(member));
  const auto& endpoint = endpoints_[static_cast<size_t>(member)];
  auto answers = [&] { return at(endpoint).try_ctl({"endpoint", "status"}).ok(); };
  if (!wait_until(answers, std::chrono::seconds(30)))
    throw std::runtime_error("etcd does not come back: " +
                             member_log(commands_[static_cast<size_t>(member)]));
}

int EtcdCluster::leader() const {
  int found = -1;
  auto look = [this, &found] {
    auto done = try_ctl({"endpoint", "status", "-w", "json"});
    auto all = nlohmann::json::parse(done.out, nullptr, false);
    if (!all.is_array()) return false;
    for (const auto& one : all) {
      const auto& status = one["Status"];
      if (!status.contains("leader") || status["leader"] != status["header"]["member_id"]) continue;
      for (size_t i = 0; i < endpoints_.size(); ++i)
        if (one["Endpoint"].get<std::string>() == endpoints_[i]) found = static_cast<int>(i);
    }
    return found >= 0;
  };
  if (!wait_until(look, std::chrono::seconds(20))) throw std::runtime_error("no leader");
  return found;
}

}  // namespace snap::test
