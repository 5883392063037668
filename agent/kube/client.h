// One Kubernetes API server over HTTP/1.1: a request, its answer as JSON, and words for a refusal.
//
// No proxy, no redirect, the server always verified. The token's file and the CA are read again
// every minute and once after a refusal, so that rotation needs no restart. Rules: each request and
// all its repeats end in bounded time; answers are bounded; 429, 5xx and broken connections are
// tried again, as long as the server asks with Retry-After, within that time. A watch will use
// connections of its own and this same preparation.
#pragma once

#include <chrono>
#include <expected>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kube/access.h"

namespace snap::kube {

struct Limits {
  std::chrono::milliseconds connect{5'000};
  std::chrono::milliseconds request{30'000};  // one answer, from its first byte to its last
  std::chrono::milliseconds total{30'000};    // with all repeats and pauses
  int attempts = 4;
};

struct ClientSettings {
  std::string user_agent;  // "etcd-snapshot/1.2.3 (run)": field managers are named after it
  Limits limits = {};
  std::stop_token stop;
};

// What is asked. Verb and resource are those of a Role, for messages: whoever reads "not allowed to
// list nodes" can grant it.
struct Call {
  std::string verb;             // "list", "get", "create"
  std::string resource;         // "nodes", "events.events.k8s.io"
  std::string name_space;       // empty: of the whole cluster
  std::string target;           // "/api/v1/nodes?limit=500", encoded
  std::string body = {};        // JSON; sent by POST when there is one, else GET
  size_t max_bytes = 8U << 20;  // of the answer
};

// Why there is no answer.
struct Refusal {
  Error error;     // denied: 401, 403, TLS; not_found: 404; exists: 409 AlreadyExists; invalid: the
                   // request; corrupt: the answer; unavailable, timeout, cancelled
  int status = 0;  // of HTTP; 0: none came
  std::string reason;  // of the API: "Forbidden", "Expired"; may be empty
};

// Used by one thread at a time.
class Client {
 public:
  Client(Access access, ClientSettings settings);
  ~Client();
  Client(Client&&) noexcept;

  const Access& access() const;
  // The answer to `call`, an object.
  std::expected<nlohmann::json, Refusal> ask(const Call& call);
  // Whether the last ask() was answered by an API: with an object, or with a Status that gives a
  // reason. What stands in front of one that is down (a balancer's redirect, a bare 404) speaks
  // for itself only.
  bool heard() const;
  // By how much our clock is ahead of the API's, as its first answer had it; nothing: it did not
  // say. Whole seconds, the time of the answer's way included.
  std::optional<std::chrono::seconds> clock_difference() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace snap::kube
