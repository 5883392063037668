#include "support/pushgateway.h"

#include <stdexcept>

#include "support/parts.h"

namespace snap::test {
namespace {

Finished get(const std::string& url) {
  return run({.argv = {"curl", "-sS", "--fail", "--max-time", "2", url}});
}

}  // namespace

Pushgateway::Pushgateway(const std::string& prefix) : prefix_(prefix), port_(free_ports(1)[0]) {
  Command command{.argv = {part("bin/prometheus-pushgateway", "pushgateway"),
                           "--web.listen-address=127.0.0.1:" + std::to_string(port_)},
                  .output_file = dir_.path("log")};
  if (!prefix.empty()) command.argv.push_back("--web.route-prefix=" + prefix);
  server_ = Process(command);
  auto ready = [this] { return !server_.running() || get(url() + "/-/ready").ok(); };
  if (!wait_until(ready, std::chrono::milliseconds(30'000)) || !server_.running())
    throw std::runtime_error("the Pushgateway does not start: " + read_file(dir_.path("log")));
}

std::string Pushgateway::metrics() const { return get(url() + "/metrics").out; }

}  // namespace snap::test
