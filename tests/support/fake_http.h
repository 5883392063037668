// An HTTP/1.1 server on loopback for what real ones will not do on demand: it answers what a script
// says, or hands a request on to a real server and may change what comes back.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"

namespace snap::test {

struct FakeRequest {
  std::string method, target;                  // the target as it was sent
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  bool is(const std::string& wanted_method, const std::string& part_of_target) const {
    return method == wanted_method && target.find(part_of_target) != target.npos;
  }
};

struct FakeReply {
  int status = 200;
  std::vector<std::string> headers;  // "Name: value", beside Content-Length and Date
  std::string body;
  bool cut = false;                  // close before the first byte of the answer
  std::optional<size_t> body_bytes;  // close behind so many bytes of the body
  bool silent = false;               // no answer until the server ends
};

class FakeHttp {
 public:
  // Called on a thread for each connection. No reply: the request goes to the server on `upstream`.
  using Script = std::function<std::optional<FakeReply>(const FakeRequest& request)>;
  // Sees what the upstream answered, and may change it.
  using Rewrite = std::function<void(const FakeRequest& request, FakeReply& reply)>;

  explicit FakeHttp(Script script, int upstream = 0, Rewrite rewrite = {});
  ~FakeHttp();
  FakeHttp(const FakeHttp&) = delete;

  int port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::vector<FakeRequest> requests() const;  // without their bodies
  size_t count(const std::string& method, const std::string& part_of_target) const;

 private:
  void serve(int client);
  FakeReply ask_upstream(const FakeRequest& request) const;

  Script script_;
  Rewrite rewrite_;
  int upstream_ = 0, port_ = 0;
  Fd listener_;
  std::atomic<bool> ending_ = false;
  mutable std::mutex mutex_;
  std::vector<FakeRequest> seen_;
  std::list<Fd> clients_;  // all that ever were
  std::list<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace snap::test
