// An etcd member that follows a script: for what a real one will not do on demand.
//
// Speaks plain HTTP/2 on loopback, one request per connection. Answers Status, MemberList and Alarm
// like a healthy single member, and Snapshot and HashKV as told.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"

namespace snap::test {

// Messages of the Snapshot stream, in gRPC frames.
std::string snapshot_message(uint64_t remaining, const std::string& blob,
                             const std::string& version = "");
// `database` in messages of `piece_bytes`, as etcd sends it, without and with the trailer.
std::string snapshot_data(const std::string& database, size_t piece_bytes = 32768);
std::string snapshot_body(const std::string& database, size_t piece_bytes = 32768);
// Bytes that look like nothing, a multiple of 4096.
std::string some_database(size_t size_bytes);

// The answer to HashKV, which a member without a script refuses.
struct HashKvScript {
  uint32_t hash = 0;
  int64_t compact_revision = -1;
  int64_t hash_revision = 0;
  int grpc_status = 0;
  std::string grpc_message = {};
  int refusals = 0;  // this many refusals with grpc_status come first, then the answer
  bool hangs = false;
};

struct SnapshotScript {
  enum class Ending {
    trailers,    // grpc_status and grpc_message
    end_stream,  // the stream ends, without a grpc-status
    fin,         // the connection is closed
    reset,       // the connection is reset
    rst_stream,  // with error_code
    goaway,      // with error_code, then the connection is closed
    garbage,     // bytes that are no HTTP/2
    hang         // nothing more comes
  };

  std::string body = {};
  std::optional<size_t> stop_after = {};  // bytes of the body; all
  std::string repeat = {};                // sent again and again afterwards, without end
  size_t chunk_bytes = 16384;             // of the body, in each DATA frame
  std::chrono::milliseconds pause{0};     // after each DATA frame
  Ending ending = Ending::trailers;
  int grpc_status = 0;
  std::string grpc_message = {};
  uint32_t error_code = 0;
  int http_status = 200;
  // Bytes of everything the server writes on this connection; then `ending`, which must be fin or
  // reset.
  std::optional<size_t> cut_after = {};
  HashKvScript hash_kv = {.grpc_status = 12, .grpc_message = "unknown method HashKV"};
};

struct FakeMember {
  uint64_t cluster_id = 0xc1;
  uint64_t member_id = 0xa1;
  uint64_t leader = 0xa1;
  uint64_t term = 2;
  uint64_t raft_index = 100;
  uint64_t revision = 10;
  uint64_t db_size = 1 << 20;
  bool is_learner = false;
  uint64_t alarm = 0;  // 1 NOSPACE, 2 CORRUPT
};

class FakeGrpc {
 public:
  explicit FakeGrpc(SnapshotScript script = {}, FakeMember member = {});
  ~FakeGrpc();
  FakeGrpc(const FakeGrpc&) = delete;

  std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int port() const { return port_; }
  // The script of the snapshots from now on.
  void play(SnapshotScript script);
  // Requests that came for a method, "Snapshot".
  int requests(const std::string& method) const;

 private:
  friend class FakeConnection;
  void accept_loop();
  SnapshotScript script() const;
  std::string unary_answer(const std::string& path) const;

  const FakeMember member_;
  mutable std::mutex mutex_;
  SnapshotScript script_;
  std::map<std::string, int> requests_;
  std::list<int> open_;  // sockets of running connections
  std::atomic<bool> ending_ = false;
  Fd listener_;
  int port_ = 0;
  std::vector<std::thread> connections_;  // used by acceptor_ only, until it ended
  std::thread acceptor_;
};

}  // namespace snap::test
