// gRPC's framing of messages inside an HTTP/2 body, and its status texts.
//
// A frame is one byte (1: compressed, which we never ask for), the length as 4 bytes big-endian,
// and the message. Frames know nothing of HTTP/2 frames: they begin and end anywhere in what
// arrives. Format: grpc/grpc:doc/PROTOCOL-HTTP2.md.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace snap::wire {

inline constexpr size_t kFrameHeaderBytes = 5;

// One message as the body of a request.
std::string frame(std::string_view message);

// Collects the 5 bytes in front of a message.
class FrameHeader {
 public:
  // Takes what it needs from the front of `in`. The message's length once all 5 bytes are there;
  // the next call then begins another header.
  //
  // Errors: corrupt  a compressed frame, or a message longer than `max_bytes`
  Result<std::optional<uint32_t>> take(Bytes& in, uint32_t max_bytes);
  bool begun() const { return have_ > 0; }

 private:
  std::array<std::byte, kFrameHeaderBytes> bytes_ = {};
  size_t have_ = 0;
};

// Collects the one message of a unary answer. Memory grows with what arrives, not with what a
// header announces.
class UnaryMessage {
 public:
  explicit UnaryMessage(uint32_t max_bytes) : max_bytes_(max_bytes) {}

  // Errors: corrupt  as FrameHeader, or a second message
  Result<void> feed(Bytes in);
  // Errors: corrupt  no message, or only part of one
  Result<std::string> finish() &&;

 private:
  uint32_t max_bytes_;
  FrameHeader header_;
  std::optional<uint32_t> size_bytes_;
  std::string message_;
};

// grpc-message is percent-encoded; what is not a valid escape stays as it is.
std::string percent_decoded(std::string_view text);

}  // namespace snap::wire
