#include "config/destinations.h"

#include <algorithm>
#include <format>
#include <optional>
#include <utility>

#include "config/destination_keys.h"
#include "config/setters.h"

namespace snap::config {
namespace {

const Node* value_of(const Node& map, std::string_view key) {
  for (size_t i = 0; i < map.keys.size(); ++i)
    if (map.keys[i].text == key) return &map.items[i];
  return nullptr;
}

// Reads one destination: a map of keys.
class Item {
 public:
  Item(const Node& map, std::string_view file, Problems& problems)
      : map_(map), file_(file), problems_(problems) {}

  std::optional<Destination> read() {
    if (map_.kind != Node::Kind::map) {
      problems_.add(at_line(file_, map_.line), "a destination must be a section with keys",
                    "write it as - {name: nas, type: nfs, url: \"nfs://10.0.0.5/exports/etcd\"}");
      return std::nullopt;
    }
    auto type = type_of();
    if (!type) return std::nullopt;
    for (const auto& key : common_keys()) keys_.push_back(key);
    for (const auto& key : keys_of(*type)) keys_.push_back(key);
    for (size_t i = 0; i < map_.keys.size(); ++i) read_key(map_.keys[i], map_.items[i]);
    for (const auto& key : keys_) {
      if (key.required && value_of(map_, key.name) == nullptr)
        problems_.add(where(map_.line), std::format("{} is missing", key.name));
    }
    if (*type == 0) check_choice("url", "persistentVolume");
    if (*type == 1) check_choice("hosts", "nodeSelectors");
    if (*type == 1 && value_of(map_, "nodeSelectors") == nullptr) {
      for (const auto* key : {"anyNode", "baseDomain"}) {
        if (const auto* node = value_of(map_, key))
          problems_.add(where(node->line), std::format("{} without nodeSelectors", key),
                        "hosts are taken as they stand");
      }
    }
    auto destination = std::move(draft_.common);
    destination.origin = std::format("{}:{}", file_, map_.line);
    if (*type == 0) destination.place = std::move(draft_.nfs);
    if (*type == 1) destination.place = std::move(draft_.ssh);
    if (*type == 2) destination.place = std::move(draft_.s3);
    return destination;
  }

 private:
  // One of both keys must be there.
  void check_choice(std::string_view plain, std::string_view of_cluster) {
    bool here = value_of(map_, plain) != nullptr;
    bool there = value_of(map_, of_cluster) != nullptr;
    if (here && there)
      problems_.add(where(map_.line), std::format("{} and {} are both given", plain, of_cluster),
                    "keep one of them");
    if (!here && !there)
      problems_.add(where(map_.line), std::format("{} is missing", plain),
                    std::format("in a cluster, {} can stand in its place", of_cluster));
  }

  std::string where(int line) const {
    const auto* name = value_of(map_, "name");
    return at_line(file_, line) + (name && name->kind == Node::Kind::scalar
                                       ? std::format("destination {}: ", shown(name->text))
                                       : "destination: ");
  }

  // Index in kDestinationTypes.
  std::optional<size_t> type_of() {
    const auto* type = value_of(map_, "type");
    if (!type) {
      problems_.add(where(map_.line), "type is missing", "write type: nfs, ssh or s3");
      return std::nullopt;
    }
    auto found = choice(kDestinationTypes, type->kind == Node::Kind::scalar ? type->text : "");
    if (found) return *found;
    problems_.refuse(where(type->line), "type", type->text, true, found.error());
    return std::nullopt;
  }

  void read_key(const Node::Key& name, const Node& node) {
    auto key = std::ranges::find(keys_, name.text, &ItemKey::name);
    if (key == keys_.end()) return report_unknown(name);
    if (node.kind == Node::Kind::scalar && !key->list) return set(*key, node);
    if (node.kind == Node::Kind::list && key->list) {
      if (node.items.empty())
        problems_.add(where(node.line), std::format("{} is empty", key->name));
      for (const auto& item : node.items) {
        if (item.kind == Node::Kind::scalar) {
          set(*key, item);
        } else {
          problems_.add(where(item.line), std::format("{} must be a list of texts", key->name));
        }
      }
      return;
    }
    problems_.add(where(node.line),
                  std::format("{} must be {}", key->name,
                              key->list ? "a list, as in [first, second]" : "a single value"));
  }

  void set(const ItemKey& key, const Node& node) {
    auto done = has_control(node.text) ? control_refused() : key.set(draft_, node.text);
    if (!done)
      problems_.refuse(where(node.line), key.name, node.text, key.print == Print::yes,
                       done.error());
  }

  void report_unknown(const Node::Key& name) {
    std::vector<std::string_view> known;
    for (const auto& key : keys_) known.push_back(key.name);
    auto near = nearest(name.text, known);
    auto file_key = name.text + "File";
    std::string hint;
    if (std::ranges::contains(known, file_key)) {
      hint = std::format("secrets are read from files: use {}", file_key);
    } else if (near) {
      hint = std::format("did you mean {}?", *near);
    } else {
      hint = "known here: " + join(std::vector<std::string>(known.begin(), known.end()), ", ");
    }
    problems_.add(where(name.line), "unknown key " + shown(name.text), hint);
  }

  const Node& map_;
  std::string_view file_;
  Problems& problems_;
  std::vector<ItemKey> keys_;
  Draft draft_;
};

// What two destinations must not share: then one prune would work on the other's sets.
std::vector<std::string> identities(const Destination& destination) {
  std::vector<std::string> found;
  if (const auto* nfs = std::get_if<NfsPlace>(&destination.place))
    found.push_back(std::format("nfs {}{}:{}{}/{}", nfs->persistent_volume, nfs->server, nfs->port,
                                nfs->path, nfs->directory));
  if (const auto* ssh = std::get_if<SshPlace>(&destination.place)) {
    for (const auto& host : ssh->hosts)
      found.push_back(std::format("ssh {}:{}{}", host, ssh->port, ssh->directory));
    for (const auto& selector : ssh->node_selectors)
      found.push_back(std::format("nodes {}:{}{}", selector, ssh->port, ssh->directory));
  }
  if (const auto* s3 = std::get_if<S3Place>(&destination.place))
    found.push_back(std::format("s3 {}/{}/{}", s3->endpoint, s3->bucket, s3->prefix));
  return found;
}

// Rules between keys and between destinations.
void check(const std::vector<Destination>& all, Problems& problems) {
  std::vector<std::pair<std::string, std::string>> seen;  // identity, name
  std::vector<std::string> names;
  for (const auto& destination : all) {
    auto where = destination.origin + ": ";
    if (!destination.name.empty() && std::ranges::contains(names, destination.name))
      problems.add(where, std::format("two destinations are named {}", destination.name),
                   "names must differ");
    names.push_back(destination.name);
    for (const auto& identity : identities(destination)) {
      auto before = std::ranges::find(seen, identity, &std::pair<std::string, std::string>::first);
      if (before != seen.end())
        problems.add(
            where,
            std::format("destination {} is the same place as {}", destination.name, before->second),
            "remove one of them, or give them different directories");
      seen.emplace_back(identity, destination.name);
    }
    const auto* ssh = std::get_if<SshPlace>(&destination.place);
    if (ssh && ssh->known_hosts_file.empty() && !ssh->accept_new_host_keys)
      problems.add(where,
                   std::format("destination {}: knownHostsFile is missing", destination.name),
                   "make it with ssh-keyscan and compare the fingerprints, or write hostKeyPolicy: "
                   "accept-new");
    const auto* s3 = std::get_if<S3Place>(&destination.place);
    if (s3 && !s3->kms_key_id.empty() && s3->encryption != S3Encryption::sse_kms)
      problems.add(where, std::format("destination {}: kmsKeyId without encryption: sse-kms",
                                      destination.name));
  }
}

}  // namespace

std::string_view Destination::type() const { return kDestinationTypes[place.index()]; }

void read_destinations(const Node& list, int line, std::string_view file, Config& config,
                       Problems& problems) {
  if (list.kind == Node::Kind::null) return;  // all of it is commented out
  if (list.kind != Node::Kind::list) {
    problems.add(at_line(file, line), "destinations must be a list",
                 "begin each destination with a dash: - name: nas");
    return;
  }
  config.origins["destinations"] = std::format("{}:{}", file, line);
  for (const auto& node : list.items) {
    auto destination = Item(node, file, problems).read();
    if (destination) config.destinations.push_back(std::move(*destination));
  }
  check(config.destinations, problems);
}

}  // namespace snap::config
