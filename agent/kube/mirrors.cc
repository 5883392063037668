#include "kube/mirrors.h"

#include <algorithm>
#include <map>

namespace snap::kube {
namespace {

bool is_ourselves(const Node& node, const MirrorRules& rules) {
  return node.name == rules.own_name ||
         std::ranges::any_of(node.internal_ips, [&](const std::string& address) {
           return std::ranges::contains(rules.own_addresses, address);
         });
}

Mirror mirror_of(const Node& node, const MirrorRules& rules) {
  bool has_domain = node.name.contains('.') || rules.base_domain.empty();
  auto full_name = has_domain ? node.name : node.name + "." + rules.base_domain;
  Mirror mirror{.name = node.name,
                .host = node.internal_ips.empty() ? full_name : node.internal_ips.front(),
                .known_as = {node.name},
                .state = !node.ready   ? "not reporting"
                         : *node.ready ? "ready"
                                       : "not ready"};
  if (full_name != node.name) mirror.known_as.push_back(full_name);
  return mirror;
}

}  // namespace

Mirrors choose_mirrors(const std::vector<Node>& nodes, const MirrorRules& rules) {
  std::map<std::string, const Node*> by_name;
  for (const auto& node : nodes) by_name.emplace(node.name, &node);
  Mirrors mirrors;
  for (const auto& [name, node] : by_name) {
    if (is_ourselves(*node, rules)) {
      mirrors.passed_over.push_back({name, true, "this node itself"});
    } else if (!node->control_plane && !rules.any_node) {
      mirrors.passed_over.push_back({name, false,
                                     "no node of the control plane, and a mirror receives every "
                                     "secret of the cluster (anyNode: true would allow it)"});
    } else {
      mirrors.chosen.push_back(mirror_of(*node, rules));
    }
  }
  return mirrors;
}

}  // namespace snap::kube
