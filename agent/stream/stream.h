// Bytes on their way: every transfer of this project goes from a Source through copy() into a Sink.
#pragma once

#include <cstdint>
#include <functional>

#include "base/bytes.h"
#include "base/result.h"

namespace snap::stream {

// Where bytes come from. Opens itself on the first read. Used by one thread at a time.
class Source {
 public:
  virtual ~Source() = default;
  // Fills `into`, or less of it; returns how many bytes. 0 means the end, and that all of it was
  // delivered: a source that was cut returns an Error instead. After an Error or the end, read is
  // not called again.
  virtual Result<size_t> read(MutableBytes into) = 0;
};

// Where bytes go. Destroyed without finish(), it leaves nothing that could be taken for the whole.
// Used by one thread at a time.
class Sink {
 public:
  virtual ~Sink() = default;
  // Takes all of `data` or fails. After an Error nothing but the destructor is called.
  virtual Result<void> write(Bytes data) = 0;
  // Everything written is durable afterwards. Call once, last.
  virtual Result<void> finish() = 0;
};

// Sees every byte once, in order, on a thread of copy()'s. Hashers and counters.
using Tap = std::function<void(Bytes)>;

}  // namespace snap::stream
