#include "kube/nodes.h"

#include <algorithm>
#include <array>
#include <format>
#include <nlohmann/json.hpp>

#include "base/encode.h"
#include "base/text.h"
#include "kube/fields.h"

namespace snap::kube {
namespace {

using nlohmann::json;

constexpr int kPageSize = 500;
constexpr int kMostPages = 200;
constexpr size_t kMaxListBytes = 64U << 20;

bool is_address(std::string_view text) {
  return !text.empty() && text.size() <= 253 && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == ':' || c == '-';
  });
}

std::optional<bool> ready(const json& status) {
  for (const auto& condition : list_in(status, "conditions")) {
    if (text_in(condition, "type") != "Ready") continue;
    auto value = text_in(condition, "status");
    if (value == "Unknown") return std::nullopt;
    return value == "True";
  }
  return std::nullopt;
}

Result<Node> node_of(const json& item) {
  constexpr std::array kRoles = {"node-role.kubernetes.io/control-plane",
                                 "node-role.kubernetes.io/master", "node-role.kubernetes.io/etcd"};
  const auto& metadata = map_in(item, "metadata");
  const auto& status = map_in(item, "status");
  Node node{.name = text_in(metadata, "name"),
            .internal_ips = {},
            .ready = ready(status),
            .control_plane = false};
  if (!is_object_name(node.name))
    return fail(Code::corrupt, std::format("list nodes: a node is named {}", escaped(node.name)));
  const auto& labels = map_in(metadata, "labels");
  node.control_plane =
      std::ranges::any_of(kRoles, [&](const char* role) { return labels.contains(role); });
  for (const auto& address : list_in(status, "addresses")) {
    auto text = text_in(address, "address");
    if (text_in(address, "type") == "InternalIP" && is_address(text))
      node.internal_ips.push_back(text);
  }
  return node;
}

Result<void> add_nodes(const json& list, std::vector<Node>& nodes) {
  for (const auto& item : list_in(list, "items")) nodes.push_back(TRY(node_of(item)));
  return {};
}

}  // namespace

Result<std::vector<Node>> list_nodes(Client& client, const std::string& label_selector) {
  auto call_for = [&](const std::string& more) {
    return Call{.verb = "list",
                .resource = "nodes",
                .name_space = {},
                .target = "/api/v1/nodes?labelSelector=" + percent_encoded(label_selector) + more,
                .max_bytes = kMaxListBytes};
  };
  auto page_size = std::format("&limit={}", kPageSize);
  std::vector<Node> nodes;
  std::string token;
  for (int page = 0; page < kMostPages; ++page) {
    auto more = token.empty() ? "" : "&continue=" + percent_encoded(token);
    auto answer = client.ask(call_for(page_size + more));
    if (!answer && answer.error().status == 410 && !token.empty()) {
      answer = client.ask(call_for(""));
      nodes.clear();
    }
    if (!answer) return std::unexpected(std::move(answer).error().error);
    TRY(add_nodes(*answer, nodes));
    token = text_in(map_in(*answer, "metadata"), "continue");
    if (token.empty()) {
      std::ranges::sort(nodes, {}, &Node::name);
      return nodes;
    }
  }
  return fail(Code::corrupt,
              std::format("list nodes: the list has no end after {} pages", kMostPages));
}

}  // namespace snap::kube
