// The places of the configuration beside the local directory.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "dest/destination.h"

namespace snap::jobs {

// One place that sets are shipped to; each mirror is one of its own. It is opened by whoever works
// on it, on the thread that does.
struct Place {
  std::string name;   // "nas"; a mirror: "mirrors/master-1"
  std::string type;   // "nfs", "ssh", "s3"
  std::string label;  // "nfs://10.0.0.5/exports/etcd"; never a secret
  bool prune = true;  // false: the place keeps its own rules
  // What is there: a directory that is missing is an Error, not_found.
  std::function<Result<std::unique_ptr<dest::Destination>>(std::stop_token stop)> open;
  // The same for who brings sets: makes a directory that is missing. Empty: as open.
  std::function<Result<std::unique_ptr<dest::Destination>>(std::stop_token stop)> create = {};
};

// A mirror that is a node of the cluster.
struct NodeMirror {
  std::string name;                   // of the node
  std::string host;                   // where it is reached
  std::vector<std::string> known_as;  // names in known_hosts that come before `host`
};

struct Export {
  std::string server, path;
};

// What the cluster says of the destinations that leave it to the cluster, by their names.
struct Found {
  std::map<std::string, Result<std::vector<NodeMirror>>> mirrors;
  std::map<std::string, Result<Export>> exports;
};

// Every place, in the order of the file. Opens no connection. A destination that is to be found in
// the cluster and was not is one place that cannot be opened.
std::vector<Place> places_of(const config::Config& config, const Found& found = {});

// Those that `names` picks, each by its name or that of its destination ("mirrors"); all where
// `names` is empty. Error: invalid  a name that no place has, with the nearest as a hint.
Result<std::vector<Place>> pick(const std::vector<Place>& places,
                                const std::vector<std::string>& names);

// Does `work` for 0 to count - 1, each on a thread of its own, and waits for all: a slow or dead
// place delays no other. Nothing may be thrown out of a thread: what is thrown goes to `broken`,
// and so does that a thread could not be started.
void side_by_side(size_t count, const std::function<void(size_t)>& work,
                  const std::function<void(size_t, const std::exception&)>& broken);

}  // namespace snap::jobs
