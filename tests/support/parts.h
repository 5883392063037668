// Where the real servers and tools lie that scripts/parts brings.
#pragma once

#include <string>

namespace snap::test {

// The program `path` among the parts: "etcd-3.5/etcd", "bin/promtool". Throws std::runtime_error
// when it is not there, which says that scripts/parts NAME brings it.
std::string part(const std::string& path, const std::string& name);

// The same for a program of Kubernetes: "kubectl".
std::string kube_part(const std::string& program);

}  // namespace snap::test
