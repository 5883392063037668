// A real Pushgateway on a loopback port, gone with the object.
#pragma once

#include <string>

#include "support/process.h"
#include "support/temp_dir.h"

namespace snap::test {

class Pushgateway {
 public:
  // `prefix`: "/push", where its paths begin. Returns when it answers; throws when it does not.
  explicit Pushgateway(const std::string& prefix = {});
  Pushgateway(const Pushgateway&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + prefix_; }
  // Everything it holds, as Prometheus would read it.
  std::string metrics() const;

 private:
  TempDir dir_;
  std::string prefix_;
  int port_ = 0;
  Process server_;
};

}  // namespace snap::test
