// One gzip member, unpacked with a suspicious eye. Private to this room.
// Format: RFC 1952; zlib checks its CRC and length.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "node/archive_check.h"
#include "stream/stream.h"

namespace snap::node {

class Gunzip {
 public:
  Gunzip(stream::Source& source, const ArchiveLimits& limits);
  ~Gunzip();

  // Fills `into` or less of it; 0 at the end, or where damage() says why it ends early. Errors are
  // those of the source.
  Result<size_t> read(MutableBytes into);

  // What is wrong with the stream so far; empty: nothing.
  const std::string& damage() const { return damage_; }
  uint64_t unpacked_bytes() const { return unpacked_; }

 private:
  struct State;
  Result<void> refill();
  Result<void> end();
  void check_limits();

  stream::Source& source_;
  const ArchiveLimits& limits_;
  std::unique_ptr<State> state_;
  std::vector<std::byte> packed_;
  uint64_t packed_bytes_ = 0, unpacked_ = 0;
  bool source_ended_ = false, ended_ = false;
  std::string damage_;
};

}  // namespace snap::node
