// A TCP proxy that breaks what passes through it, whatever the protocol.
//
//   Proxy proxy(cluster.endpoints()[0]);
//   proxy.play({.to_client = {.stall_at = 5'000'000}});
//   ... connect to proxy.url() ...
//   wait_until([&] { return proxy.stalled() == 1; });
//
// Each direction of each connection follows a script of its own. Bytes count from the beginning of
// the connection: with `at` N, exactly N bytes arrive before the fault. Counters tell how far
// things are, so that nobody has to sleep.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"

namespace snap::test {

// Of one direction.
struct LineScript {
  std::optional<uint64_t> fin_at = {};    // both ends see an orderly end
  std::optional<uint64_t> reset_at = {};  // both ends see a reset
  std::optional<uint64_t> stall_at = {};  // nothing more moves until release()
  std::optional<uint64_t> flip_at = {};   // the lowest bit of this byte is turned over
  bool drop = false;                      // bytes are taken and lost
  uint64_t bytes_per_second = 0;          // 0: as fast as it goes
  std::chrono::milliseconds delay{0};     // of the first byte
};

struct ProxyScript {
  LineScript to_server = {};
  LineScript to_client = {};
};

class Proxy {
 public:
  // `target` is a URL or HOST:PORT on loopback, "[::1]:2379" included.
  explicit Proxy(const std::string& target, const std::string& listen = "127.0.0.1");
  ~Proxy();  // cuts what is open
  Proxy(const Proxy&) = delete;

  int port() const { return port_; }
  std::string url() const;  // with the scheme of the target; HOST:PORT when that has none

  // For connections from now on.
  void play(ProxyScript script);
  // The script of each connection by its number, from 0.
  void play(std::function<ProxyScript(int connection)> script);
  // Lets everything go on that stands at its stall_at; it does not stall there again.
  void release();
  // While frozen nothing moves on any connection, and new ones are accepted and stay silent.
  void freeze() { frozen_ = true; }
  void thaw() { frozen_ = false; }
  // Resets everything that is open.
  void cut_all();

  int connections() const { return accepted_; }
  int stalled() const { return stalled_; }  // lines that stand at their stall_at
  int cuts() const { return cuts_; }        // by fin_at and reset_at
  int flips() const { return flips_; }
  uint64_t bytes_to_server() const { return bytes_to_server_; }  // of all connections
  uint64_t bytes_to_client() const { return bytes_to_client_; }
  // What passed to the client on one connection: its first MiB.
  std::string recorded(int connection) const;

 private:
  struct Connection;
  struct Line;
  void accept_loop();
  void begin(int client, int number);
  void pump(Connection& connection, Line& line);
  bool deliver(Connection& connection, Line& line, std::string bytes);
  bool send_all(Connection& connection, Line& line, std::string_view bytes);
  bool hold(Connection& connection, const std::function<bool()>& wait);
  void cut(Connection& connection, Line& line, bool reset);
  int connect() const;

  std::string scheme_, host_, listen_;
  int target_port_ = 0, port_ = 0;
  std::atomic<bool> ending_ = false, frozen_ = false;
  std::atomic<int> released_ = 0, accepted_ = 0, stalled_ = 0, cuts_ = 0, flips_ = 0;
  std::atomic<uint64_t> bytes_to_server_ = 0, bytes_to_client_ = 0;
  mutable std::mutex mutex_;
  std::function<ProxyScript(int)> script_;
  std::list<std::unique_ptr<Connection>> open_;  // all that ever were
  Fd listener_;
  std::thread acceptor_;
};

}  // namespace snap::test
