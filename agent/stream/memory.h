// Sources and sinks over strings: small files, tests.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "stream/stream.h"

namespace snap::stream {

class StringSource : public Source {
 public:
  explicit StringSource(std::string content) : content_(std::move(content)) {}
  Result<size_t> read(MutableBytes into) override {
    auto n = std::min(into.size(), content_.size() - at_);
    std::memcpy(into.data(), content_.data() + at_, n);
    at_ += n;
    return n;
  }

 private:
  std::string content_;
  size_t at_ = 0;
};

// Reads a source to its end; `invalid` when it holds more than `max_bytes`.
Result<std::string> read_all(Source& source, uint64_t max_bytes);

}  // namespace snap::stream
