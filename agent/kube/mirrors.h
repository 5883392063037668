// Which of the labelled nodes are mirrors, and how each is reached. Pure: no connection, no clock.
#pragma once

#include <string>
#include <vector>

#include "kube/nodes.h"

namespace snap::kube {

struct MirrorRules {
  bool any_node = false;    // nodes outside the control plane, too
  std::string base_domain;  // what short names lack; may be empty
  // We are no mirror of ourselves.
  std::string own_name;
  std::vector<std::string> own_addresses;
};

struct Mirror {
  std::string name;                   // of the node
  std::string host;                   // its first InternalIP, else its name
  std::vector<std::string> known_as;  // what it may be called in known_hosts, before `host`
  std::string state;                  // "ready", "not ready", "not reporting"
};

struct PassedOver {
  std::string name;        // of the node
  bool ourselves = false;  // as it should be; anything else may surprise who labelled the node
  std::string why;         // "no node of the control plane"
};

struct Mirrors {
  std::vector<Mirror> chosen;           // by name
  std::vector<PassedOver> passed_over;  // by name
};

// `nodes` may hold one several times, when several selectors picked it. A node that is not ready
// is a mirror all the same: what its kubelet says is no proof that its SSH server is down.
Mirrors choose_mirrors(const std::vector<Node>& nodes, const MirrorRules& rules);

}  // namespace snap::kube
