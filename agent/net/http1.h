// One HTTP/1.1 exchange after the other, with bodies of any size in both directions.
//
// For servers that are given large objects: uploads over HTTP/2 are slower and have had more
// faults in libcurl. The connection is kept for the next exchange. No redirect is followed, nothing
// is taken from the environment, no proxy is used that was not named, TLS 1.2 or newer, the peer
// always verified, an answer is taken as it is: a status of 400 and above is no Error here.
#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "net/endpoint.h"
#include "net/tls.h"

namespace snap::net {

struct Http1Settings {
  TlsFiles tls;                               // checked before
  std::string proxy;                          // "http://proxy:3128"; empty: none
  std::chrono::milliseconds connect{10'000};  // name, TCP and TLS together
  std::stop_token stop;                       // asked while waiting: `cancelled`
};

struct Http1Request {
  std::string method;  // GET, HEAD, PUT, POST, DELETE
  Endpoint endpoint;
  std::string target;                // path and query, encoded; sent as it is
  std::vector<std::string> headers;  // "name: value"
  Bytes body;  // of PUT and POST; must live until the exchange ended or another was begun
  // Without any progress in either direction, and until the answer begins after the last byte of
  // ours. Time between calls does not count.
  std::chrono::milliseconds stall{60'000};
};

struct Http1Head {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  // A kept connection ended without an answer, and the body was sent once more over a new one: the
  // server may have seen it twice.
  bool repeated = false;

  // The last of this name; empty when there is none.
  std::string_view header(std::string_view name) const;
};

struct Http1Reply {
  Http1Head head;
  std::string body;
};

// Used by one thread at a time.
class Http1Client {
 public:
  explicit Http1Client(Http1Settings settings);
  ~Http1Client();
  Http1Client(const Http1Client&) = delete;

  // Sends the request and waits for the head of its answer; read() gives the body. An exchange that
  // was not read to its end is dropped, with its connection.
  //
  // Errors: unavailable, timeout, denied (certificates), cancelled
  Result<Http1Head> begin(const Http1Request& request);
  // Some bytes of the body; 0 at its end, when as many came as were announced.
  Result<size_t> read(MutableBytes into);
  // Both. Error besides: corrupt  the body is longer than `max_body_bytes`.
  Result<Http1Reply> ask(const Http1Request& request, size_t max_body_bytes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace snap::net
