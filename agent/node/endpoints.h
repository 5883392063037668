// From the URLs etcd listens on to the ones to connect to. Private to this room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace snap::node {

// URLs out of the comma-separated `listen`, in its order: http and https only, 0.0.0.0 and [::] as
// the loopback address. When any of them is on the loopback only those are returned: they work
// without a network, and two addresses of one member are no second member.
std::vector<std::string> endpoints_of_listeners(std::string_view listen);

// The http and https URLs of a comma-separated list, as they are; without those that hold a "$",
// variables that only the pod knows.
std::vector<std::string> endpoint_list(std::string_view urls);

}  // namespace snap::node
