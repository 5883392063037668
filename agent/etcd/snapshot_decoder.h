// SnapshotResponse messages, taken apart as they arrive. Private to this room.
//
// Blob bytes are passed on from where they lie; nothing but a few header bytes is ever kept,
// however long a message claims to be.
//
// The stream, as etcd 3.4 to 3.7 sends it: messages with 32 KiB of the database each and the number
// of bytes that still remain; then one message with the 32 bytes of the database's SHA-256.
// Source: etcd-io/etcd@v3.6.14:server/etcdserver/api/v3rpc/maintenance.go (Snapshot).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/grpc.h"
#include "wire/protobuf.h"

namespace snap::etcd {

inline constexpr uint64_t kTrailerBytes = 32;

class SnapshotDecoder {
 public:
  // Where the file's bytes go.
  class Out {
   public:
    virtual ~Out() = default;
    virtual void take(Bytes bytes) = 0;
  };

  // Errors: corrupt  the stream contradicts itself, or is none of this kind
  Result<void> feed(Bytes in, Out& out);
  // Errors: corrupt  the stream may not end here
  Result<void> finish() const;

  uint64_t delivered_bytes() const { return delivered_; }  // of the file, so far
  uint64_t total_bytes() const { return total_ ? *total_ + kTrailerBytes : 0; }
  const std::string& version() const { return version_; }

 private:
  enum class State : uint8_t { frame, tag, number, length, blob, version, skip };
  // The wire value that a varint in state `number` belongs to.
  static constexpr uint64_t kRemaining = 2, kBlob = 3, kVersion = 4;

  Result<void> feed_message(Bytes& in, Out& out);
  Result<void> feed_varint(Bytes& in);
  Result<void> begin_message(uint32_t size_bytes);
  Result<void> begin_field(uint64_t tag);
  Result<void> begin_bytes(uint64_t size_bytes);
  Result<void> begin_blob(uint64_t size_bytes);
  void feed_bytes(Bytes& in, Out& out);
  Result<void> end_message();
  // Bytes of the database still to come.
  uint64_t left() const { return delivered_ < *total_ ? *total_ - delivered_ : 0; }

  wire::FrameHeader header_;
  wire::Varint varint_;
  State state_ = State::frame;
  uint64_t message_left_ = 0;  // bytes
  uint64_t field_left_ = 0;    // bytes
  uint64_t field_ = 0;         // its number

  // Of the message at hand.
  uint64_t remaining_ = 0;
  std::optional<uint64_t> blob_;

  // Of the stream.
  std::optional<uint64_t> total_;  // bytes of the database
  uint64_t delivered_ = 0;
  bool trailer_seen_ = false;
  std::string version_;
};

}  // namespace snap::etcd
