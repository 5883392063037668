// HTTP exchanges over libcurl, driven by the caller's thread.
//
// No proxy, no redirect, no signal, TLS 1.2 or newer, the peer always verified. There is no limit
// on the whole time of an exchange: callers that wait measure progress themselves.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "net/endpoint.h"
#include "net/tls.h"

namespace snap::net {

struct Request {
  Endpoint endpoint;
  std::string path;                                   // "/etcdserverpb.Maintenance/Status"
  std::vector<std::string> headers;                   // "name: value"
  std::string body;                                   // sent by POST
  TlsFiles tls;                                       // checked before
  std::chrono::milliseconds connect_timeout{10'000};  // name, TCP and TLS together
};

// What comes back, called from within Loop::step. Nothing may throw out of these.
class Receiver {
 public:
  virtual ~Receiver() = default;
  // Header and trailer lines alike; the name in lower case.
  virtual void header(std::string_view name, std::string_view value) = 0;
  // An Error ends the exchange, and is what ended() gets.
  virtual Result<void> data(Bytes bytes) = 0;
  // Called once, last: the HTTP status, or why there is none. A status means that the connection
  // said the answer was whole, which does not prove it: trailers and contents do.
  virtual void ended(Result<int> http_status) = 0;
};

// Any number of HTTP/2 exchanges side by side, each on a connection of its own (over TLS by ALPN,
// without TLS by prior knowledge). Used by one thread at a time.
class Loop {
 public:
  Loop();
  ~Loop();  // ends what still runs, without calling ended()
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // `receiver` must live until ended() or the end of the Loop. An Error: nothing was started.
  Result<void> start(const Request& request, Receiver& receiver);
  // Takes what arrived; waits up to `wait` when there is nothing. Returns the number of exchanges
  // that still run.
  size_t step(std::chrono::milliseconds wait);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace snap::net
