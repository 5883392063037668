// Moves bytes from a Source to a Sink with receive, hash and disk overlapped.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>

#include "stream/sha256.h"
#include "stream/stream.h"

namespace snap::stream {

struct CopyOptions {
  Tap tap;  // empty: none
  // Bytes so far, on the calling thread, after each read of the source.
  std::function<void(uint64_t bytes)> progress;
  std::stop_token stop;  // asked between reads: `cancelled`
};

// Copies until the source ends; returns the number of bytes. Finishing the sink is left to the
// caller, who may want to look at a digest before. The source is read on the calling thread; the
// sink and, where there is one, the tap run on threads of their own, over a ring of 3 MiB, each
// byte copied into it once. On the first Error of either side everything stops, the threads have
// ended, and that Error is returned.
Result<uint64_t> copy(Source& source, Sink& sink, const CopyOptions& options = {});

// Reads a source to its end for the tap alone, which must be there: no sink, one thread less.
Result<uint64_t> read_through(Source& source, CopyOptions options);

struct Hashed {
  Digest digest{};
  uint64_t bytes = 0;
};

// Reads a source to its end; hashed on another thread, so that the source is not kept waiting.
Result<Hashed> hash_all(Source& source, std::stop_token stop = {});

}  // namespace snap::stream
