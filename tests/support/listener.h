// A port on loopback that takes connections and never says anything, or swallows them.
#pragma once

#include <array>
#include <string>

#include "base/file.h"

namespace snap::test {

class Listener {
 public:
  static Listener silent() { return Listener(false); }
  // Its queue is full, so the kernel drops every further SYN, as a firewall does.
  static Listener black_hole() { return Listener(true); }

  int port() const { return port_; }
  std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  explicit Listener(bool full);

  Fd fd_;
  std::array<Fd, 4> filling_;
  int port_ = 0;
};

}  // namespace snap::test
