// The bytes of a snapshot file, straight from a member.
#pragma once

#include <cstdint>
#include <string>

#include "stream/stream.h"

namespace snap::etcd {

// The database, then 32 bytes: the SHA-256 that the member took over it. read() drives the
// connection on the calling thread and fills the whole buffer when it can. It returns 0 only after
// grpc-status 0, all announced bytes and the trailer arrived; comparing the trailer with the digest
// of what came before it is left to the caller, who hashes anyway.
//
// Errors: unavailable  cut, refused, or the server reported an error
//         timeout      no progress for the stall limit: time in which the caller does not read does
//                      not count, a slow stream is no stall
//         denied       credentials or certificate refused
//         corrupt      the stream contradicts itself, or ended without the trailer
//         cancelled    the stop token was set
class SnapshotStream : public stream::Source {
 public:
  // Size of the whole file, the trailer included; 0 before the first data came.
  virtual uint64_t total_bytes() const = 0;
  // "3.6.0"; empty from members older than 3.6 and before the first data came.
  virtual std::string storage_version() const = 0;
  // After a failure: it was about the user, its password or its rights. Users belong to the
  // cluster, so another member says the same.
  virtual bool user_refused() const = 0;
};

}  // namespace snap::etcd
