#include "cli/cluster.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <format>
#include <optional>
#include <utility>

#include "base/handle.h"
#include "base/text.h"
#include "cli/version.h"
#include "jobs/settings.h"
#include "kube/mirrors.h"
#include "kube/volumes.h"

namespace snap::cli {
namespace {

Result<kube::Access> access_of(const config::Config& config) {
  if (!config.kubernetes.kubeconfig.empty())
    return kube::from_kubeconfig(config.kubernetes.kubeconfig);
  return kube::in_cluster([](const char* name) { return std::getenv(name); });
}

// Of the network interfaces of this host, or of the pod.
std::vector<std::string> own_addresses() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return {};
  Handle<ifaddrs, &::freeifaddrs> all(first);
  std::vector<std::string> addresses;
  for (const auto* one = all.get(); one != nullptr; one = one->ifa_next) {
    if (!one->ifa_addr) continue;
    auto family = one->ifa_addr->sa_family;
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* bytes = nullptr;
    if (family == AF_INET) bytes = &reinterpret_cast<const sockaddr_in*>(one->ifa_addr)->sin_addr;
    if (family == AF_INET6)
      bytes = &reinterpret_cast<const sockaddr_in6*>(one->ifa_addr)->sin6_addr;
    if (bytes && ::inet_ntop(family, bytes, text.data(), text.size()))
      addresses.emplace_back(text.data());
  }
  return addresses;
}

// The question about a destination; empty: the configuration itself has the answer. What is kept of
// an earlier answer counts for the same question only.
std::string question_of(const config::Destination& destination) {
  if (const auto* nfs = std::get_if<config::NfsPlace>(&destination.place))
    return nfs->persistent_volume.empty() ? "" : "volume " + nfs->persistent_volume;
  const auto* ssh = std::get_if<config::SshPlace>(&destination.place);
  if (!ssh || ssh->node_selectors.empty()) return {};
  return std::format("{} nodes {}{}", ssh->any_node ? "all" : "control plane",
                     join(ssh->node_selectors, " or "),
                     ssh->base_domain.empty() ? "" : " in " + ssh->base_domain);
}

bool is_picked(const std::string& destination, const std::vector<std::string>& names) {
  return names.empty() || std::ranges::any_of(names, [&](const std::string& name) {
           return name.substr(0, name.find('/')) == destination;
         });
}

// Whether the API said so itself: then what it said before does not count any more. That it does
// not let us ask is no answer.
bool is_answer(const kube::Client& client, const Error& error) {
  if (error.code == Code::cancelled) return true;
  return client.heard() && (error.code == Code::not_found || error.code == Code::invalid);
}

// Asks about one destination after the other.
class Search {
 public:
  Search(const config::Config& config, Result<kube::Client>& client)
      : config_(config), client_(client) {
    rules_.own_name = jobs::this_node();
    rules_.own_addresses = own_addresses();
  }

  void ask_about(const config::Destination& destination, const std::string& question) {
    const auto& name = destination.name;
    auto answer = client_ ? found_by(destination) : std::unexpected(client_.error());
    if (answer) {
      answer->asked = question;
      result_.fresh.emplace_back(name, *answer);
      return take(destination, std::move(*answer));
    }
    auto error = std::move(answer).error();
    bool final = client_ && is_answer(*client_, error);
    auto last = final ? fail(Code::not_found, "")
                      : jobs::last_found(config_.local.directory, name, question);
    if (!last) return take_error(destination, std::move(error));
    add(name, true,
        std::format("the cluster's API does not say where {} is; what it said at {} is used: {}",
                    name, to_rfc3339(last->at), error.message),
        error.hint);
    take(destination, std::move(*last));
  }

  InCluster result() && {
    if (auto apart = client_ ? clock_warning(*client_) : std::nullopt)
      result_.findings.push_back({"clock", true, std::move(*apart)});
    return std::move(result_);
  }

 private:
  void add(const std::string& destination, bool warning, std::string text, std::string hint = {}) {
    result_.findings.push_back(
        {destination, warning, {Code::unavailable, std::move(text), std::move(hint)}});
  }

  void take(const config::Destination& destination, jobs::LastFound found) {
    if (destination.type() == "nfs") {
      result_.found.exports.insert_or_assign(destination.name, std::move(found.exported));
    } else {
      result_.found.mirrors.insert_or_assign(destination.name, std::move(found.mirrors));
    }
  }

  void take_error(const config::Destination& destination, Error error) {
    if (destination.type() == "nfs") {
      result_.found.exports.insert_or_assign(destination.name, std::unexpected(std::move(error)));
    } else {
      result_.found.mirrors.insert_or_assign(destination.name, std::unexpected(std::move(error)));
    }
  }

  Result<jobs::LastFound> found_by(const config::Destination& destination) {
    jobs::LastFound found{.asked = {}, .at = now_utc()};
    if (const auto* nfs = std::get_if<config::NfsPlace>(&destination.place)) {
      auto volume = TRY(kube::nfs_volume(*client_, nfs->persistent_volume));
      found.exported = {.server = volume.server, .path = volume.path};
      add(destination.name, false,
          std::format("PersistentVolume {} is nfs://{}{}", nfs->persistent_volume, volume.server,
                      volume.path));
    } else {
      found.mirrors =
          TRY(mirrors_of(destination.name, std::get<config::SshPlace>(destination.place)));
    }
    return found;
  }

  Result<std::vector<jobs::NodeMirror>> mirrors_of(const std::string& name,
                                                   const config::SshPlace& ssh) {
    std::vector<kube::Node> nodes;
    for (const auto& selector : ssh.node_selectors)
      for (auto picked = TRY(kube::list_nodes(*client_, selector)); auto& node : picked)
        nodes.push_back(std::move(node));
    rules_.any_node = ssh.any_node;
    rules_.base_domain = ssh.base_domain;
    auto mirrors = kube::choose_mirrors(nodes, rules_);
    std::vector<std::string> passed_over;
    for (const auto& node : mirrors.passed_over) {
      passed_over.push_back(node.name + ": " + node.why);
      add(name, !node.ourselves, "no mirror is " + passed_over.back());
    }
    auto wanted = join(ssh.node_selectors, " or ");
    if (mirrors.chosen.empty())
      return fail(Code::not_found,
                  nodes.empty()
                      ? std::format("no node carries the label {}", wanted)
                      : std::format("none of the nodes with the label {} can be a mirror: "
                                    "{}",
                                    wanted, join(passed_over, "; ")),
                  std::format("label another node: kubectl label node NAME {}",
                              ssh.node_selectors.front()));
    std::vector<jobs::NodeMirror> found;
    for (auto& mirror : mirrors.chosen) {
      add(name, mirror.state != "ready",
          std::format("node {} at {} is a mirror, {}", mirror.name, mirror.host, mirror.state));
      found.push_back({std::move(mirror.name), std::move(mirror.host), std::move(mirror.known_as)});
    }
    return found;
  }

  const config::Config& config_;
  Result<kube::Client>& client_;
  kube::MirrorRules rules_;
  InCluster result_;
};

constexpr kube::Limits kHurriedLimits = {.connect = std::chrono::seconds(3),
                                         .request = std::chrono::seconds(5),
                                         .total = std::chrono::seconds(5),
                                         .attempts = 1};
}  // namespace

Result<kube::Client> client_for(const config::Config& config, std::stop_token stop,
                                const kube::Limits& limits) {
  auto access = TRY(access_of(config).context("the cluster's API"));
  return kube::Client(std::move(access), {.user_agent = std::format("etcd-snapshot/{}", kVersion),
                                          .limits = limits,
                                          .stop = std::move(stop)});
}

InCluster look_into_cluster(const config::Config& config, const Context& context,
                            const std::vector<std::string>& names) {
  std::vector<std::pair<const config::Destination*, std::string>> questions;
  for (const auto& destination : config.destinations) {
    auto question = question_of(destination);
    if (!question.empty() && is_picked(destination.name, names))
      questions.emplace_back(&destination, std::move(question));
  }
  if (questions.empty()) return {};
  auto limits = context.log().terminal() ? kHurriedLimits : kube::Limits{};
  auto client = client_for(config, context.stop(), limits);
  Search search(config, client);
  for (const auto& [destination, question] : questions) search.ask_about(*destination, question);
  return std::move(search).result();
}

std::optional<Error> clock_warning(const kube::Client& client) {
  constexpr std::chrono::seconds kTold{60};
  auto ahead = client.clock_difference();
  if (!ahead || std::chrono::abs(*ahead) <= kTold) return std::nullopt;
  return Error{Code::invalid,
               std::format("this host's clock is {} {} that of the cluster's API",
                           human_duration(std::chrono::abs(*ahead)),
                           ahead->count() > 0 ? "ahead of" : "behind"),
               "set both by NTP: names and ages of sets are by this host's clock, schedules by the "
               "cluster's"};
}

std::vector<std::string> log_findings(const InCluster& cluster, const Context& context) {
  std::vector<std::string> warnings;
  for (const auto& [destination, warning, what] : cluster.findings) {
    auto line = std::format("{}: {}", destination, describe(what));
    if (warning) {
      context.log().warn(line);
      warnings.push_back(line);
    } else {
      context.log().info(line);
    }
  }
  return warnings;
}

std::vector<jobs::Place> places_in_cluster(const config::Config& config, const Context& context,
                                           const std::vector<std::string>& names) {
  auto cluster = look_into_cluster(config, context, names);
  for (const auto& [destination, warning, what] : cluster.findings)
    if (warning) context.log().warn(std::format("{}: {}", destination, describe(what)));
  return jobs::places_of(config, cluster.found);
}

void keep(const InCluster& cluster, const config::Config& config, const Context& context) {
  for (const auto& [destination, found] : cluster.fresh) {
    auto kept = jobs::keep_found(config.local.directory, destination, found);
    if (!kept)
      context.log().warn(std::format("{}: where it is cannot be kept for a day without the API: {}",
                                     destination, kept.error().message));
  }
}

std::vector<jobs::CheckRow> check_rows(const InCluster& cluster) {
  std::vector<jobs::CheckRow> rows;
  for (const auto& [destination, warning, what] : cluster.findings)
    rows.push_back({.verdict = warning ? jobs::Verdict::warning : jobs::Verdict::ok,
                    .subject = destination,
                    .text = what.message,
                    .hint = what.hint});
  return rows;
}

}  // namespace snap::cli
