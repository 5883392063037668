// The proof of a snapshot, taken while it flows by.
//
// The last 32 bytes of a snapshot are the SHA-256 of all bytes before them. Which bytes are the
// last is known only at the end, so 32 bytes are always held back.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "stream/sha256.h"

namespace snap::snapshot {

inline constexpr uint64_t kTrailerBytes = 32;

// A file of this length can end in a trailer: whole 512-byte blocks and 32 bytes more.
constexpr bool length_has_trailer(uint64_t size_bytes) { return size_bytes % 512 == kTrailerBytes; }

class TrailerDigest {
 public:
  struct Result {
    stream::Digest body{};     // of all but the last 32 bytes
    stream::Digest trailer{};  // those 32 bytes; zeros when there were fewer
    stream::Digest whole{};    // of everything
    uint64_t size_bytes = 0;   // of everything

    // The stream is a database followed by its own digest.
    bool matches() const { return length_has_trailer(size_bytes) && body == trailer; }
  };

  void update(Bytes data);
  // What was seen so far; more may follow.
  Result finish() const;

 private:
  stream::Sha256 hash_;  // of everything but what is held back
  std::array<std::byte, kTrailerBytes> held_{};
  size_t held_bytes_ = 0;
  uint64_t size_bytes_ = 0;
};

}  // namespace snap::snapshot
