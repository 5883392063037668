// What the configuration and the host together come to.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "etcd/client.h"
#include "node/discover.h"

namespace snap::jobs {

// What this host is called: by the cluster, which the chart passes as NODE_NAME (in a pod the host
// name is the pod's), else by itself.
std::string this_node();

// The same as it stands in names of sets. Error: invalid  it cannot.
Result<std::string> own_node_name();

struct Settings {
  config::Config config;
  node::Discovery discovery;
  etcd::ClientConfig etcd;  // explicit settings win over what was found
  std::vector<node::Root>
      roots;              // host files of a backup set: the profile's, then the configuration's
  std::string node;       // as it stands in names of sets
  std::string host_root;  // where the host's "/" is: below it lie `roots`
};

// Looks at the host and merges. Opens no connection.
//
// Errors: invalid  no endpoint is configured and none was found; the host's name cannot stand in a
// set's name
Result<Settings> settle(config::Config config, const node::Host& host, std::stop_token stop);

// A client with these settings, after a look at the password file: a secret that others can read is
// a warning. Opens no connection.
//
// Errors: as etcd::Client::create; invalid  the password file cannot be read or holds no password
Result<etcd::Client> client_for(const Settings& settings, std::vector<std::string>& warnings);

}  // namespace snap::jobs
