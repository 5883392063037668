// A client of etcd's maintenance services: gRPC over HTTP/2, etcd 3.4 to 3.7.
//
// Reads only: no call of this room changes the cluster. Each call opens connections of its own and
// polls the stop token at least every 200 ms (`cancelled`).
// Services: etcd-io/etcd@v3.6.14:api/etcdserverpb/rpc.proto.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "etcd/snapshot_stream.h"
#include "etcd/status.h"
#include "net/tls.h"

namespace snap::etcd {

struct ClientConfig {
  std::vector<std::string> endpoints;  // "https://10.0.0.1:2379"; at least one
  net::TlsFiles tls;
  std::string username;  // etcd auth; empty: none, or the name in our certificate
  std::string password_file;
  // For connecting, and for the answer to one short question.
  std::chrono::milliseconds connect_timeout{10'000};
  // Without progress, while we wait for etcd.
  std::chrono::milliseconds stall_timeout{60'000};
  std::stop_token stop;
};

// Endpoints given to the calls need not be among the configured ones: member URLs work too.
// Used by one thread at a time; snapshot streams may live on other threads and outlive it.
class Client {
 public:
  // Opens no connection.
  //
  // Errors: invalid  no endpoint, a bad URL, bad TLS files, a password that would be sent in clear
  //                  beyond this host
  static Result<Client> create(ClientConfig config);

  // Status of all endpoints side by side, then member list and alarms from one that answered.
  //
  // Errors: unavailable, timeout, denied  no endpoint answered; the message has every cause
  Result<Survey> survey();
  // The same over these endpoints.
  Result<Survey> survey(const std::vector<std::string>& endpoints);

  Result<MemberStatus> status(const std::string& endpoint);

  // The hash over all key-value pairs up to `revision` (0: the current one), which is the same on
  // every healthy member that is compacted to the same revision. Takes `limit` at most, the stall
  // limit when there is none; writes wait on that member meanwhile.
  //
  // Errors: not_found  the revision is compacted, or newer than the member's (is_future_revision)
  Result<HashKv> hash_kv(const std::string& endpoint, int64_t revision,
                         std::optional<std::chrono::milliseconds> limit = {});

  // Connects on the first read.
  std::unique_ptr<SnapshotStream> snapshot(const std::string& endpoint);

 private:
  explicit Client(std::shared_ptr<class Session> session) : session_(std::move(session)) {}
  std::shared_ptr<class Session> session_;
};

// Whether a member refused because it has not yet come to the revision it was asked for.
bool is_future_revision(const Error& error);

}  // namespace snap::etcd
