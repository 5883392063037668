// Nodes of the cluster, as far as mirrors need them.
//
// Fields: kubernetes/api:core/v1/types.go (Node, NodeAddress, NodeCondition).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "kube/client.h"

namespace snap::kube {

struct Node {
  std::string name;
  std::vector<std::string> internal_ips;  // in the API's order
  std::optional<bool> ready;              // nothing: the node's kubelet does not report
  // Labelled as one that runs the control plane or etcd. A kubelet cannot give itself such a label.
  bool control_plane = false;
};

// The nodes that the label selector picks, by name. Reads pages of 500; where the server has
// forgotten the list between two pages, all of it at once.
//
// Errors: as of Client; corrupt  a node without a usable name
Result<std::vector<Node>> list_nodes(Client& client, const std::string& label_selector);

}  // namespace snap::kube
