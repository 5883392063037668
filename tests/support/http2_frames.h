// HTTP/2 frames and header blocks, as much as a scripted server needs. RFC 9113 and RFC 7541.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace snap::test {

enum FrameType : uint8_t {
  kData = 0,
  kHeaders = 1,
  kRstStream = 3,
  kSettings = 4,
  kPing = 6,
  kGoaway = 7,
  kWindowUpdate = 8
};
inline constexpr uint8_t kEndStream = 1, kAck = 1, kEndHeaders = 4, kPadded = 8, kPriority = 32;
inline constexpr size_t kHttp2HeaderBytes = 9;

std::string big_endian(uint32_t value);
std::string http2_frame(uint8_t type, uint8_t flags, uint32_t stream, const std::string& payload);
// Literal header fields, without indexing and without Huffman coding.
std::string header_block(const std::vector<std::pair<std::string, std::string>>& headers);
// The value of :path in the header block of a connection's first request.
std::string path_in(const std::string& block);

}  // namespace snap::test
