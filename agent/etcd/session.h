// What all calls of one client share: where and how to connect, and the token of etcd's auth.
// Private to this room.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "etcd/client.h"
#include "etcd/grpc_status.h"
#include "net/http.h"

namespace snap::etcd {

struct Call {
  std::string endpoint;
  const char* method;
  std::string message;
  std::chrono::milliseconds limit;  // connecting and answering together
};

// The user proves who it is only when a member asks for it, and each password is tried once. Safe
// to use from several threads.
class Session {
 public:
  explicit Session(ClientConfig config) : config_(std::move(config)) {}

  const ClientConfig& config() const { return config_; }

  // All calls side by side; an answer or an Error, named after its endpoint, for each.
  std::vector<Result<std::string>> call(const std::vector<Call>& calls);
  Result<std::string> call(const Call& call);

  // The request of one call, with `token` when there is one.
  Result<net::Request> request(const std::string& endpoint, const char* method,
                               std::string_view message, const std::string& token) const;

  std::string token();
  // After a call with `used` met an AuthProblem: true when another token is there now and the call
  // is worth another try. An Error: the user was refused.
  Result<bool> renew(const std::string& used, const std::string& endpoint, AuthProblem problem);
  // The password was wrong.
  bool refused();

 private:
  Result<std::string> authenticate(const std::string& endpoint);

  const ClientConfig config_;
  std::mutex mutex_;
  std::string token_;
  std::optional<Error> refused_;  // what became of the password
};

// "https://10.0.0.1:2379" and the like, as this client reads endpoints.
Result<net::Endpoint> parse(const std::string& endpoint, const ClientConfig& config);

// Errors: invalid  a password would leave this host in clear
Result<void> require_safe_password(const net::Endpoint& endpoint, const ClientConfig& config);

std::unique_ptr<SnapshotStream> open_stream(std::shared_ptr<Session> session, std::string endpoint);

// The longest that a wait goes on without looking at the stop token.
inline constexpr std::chrono::milliseconds kStopPoll{200};

}  // namespace snap::etcd
