// Sinks for archives, and what the tests need to look into them.
#pragma once

#include <string>
#include <utility>

#include "stream/stream.h"

namespace snap::test {

class StringSink : public stream::Sink {
 public:
  Result<void> write(Bytes data) override {
    content += as_text(data);
    return {};
  }
  Result<void> finish() override {
    finished = true;
    return {};
  }
  std::string content;
  bool finished = false;
};

// Bytes that gzip cannot make smaller, always the same.
inline std::string noise(size_t size) {
  std::string bytes(size, '\0');
  uint64_t state = 1;
  for (auto& byte : bytes) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    byte = static_cast<char>(state >> 56);
  }
  return bytes;
}

// Full after `room` bytes.
class FullSink : public stream::Sink {
 public:
  explicit FullSink(size_t room) : room_(room) {}
  Result<void> write(Bytes data) override {
    if (failed) wrote_after_failure = true;
    if (data.size() > room_) {
      failed = true;
      return fail(Code::no_space, "write a.tar.gz: no space left on device");
    }
    room_ -= data.size();
    return {};
  }
  Result<void> finish() override { return {}; }
  bool failed = false, wrote_after_failure = false;

 private:
  size_t room_;
};

}  // namespace snap::test
