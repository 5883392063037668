// Reads of the disk that fail, in this process. For test programs that link
// snap_test_failing_read. One test at a time; threads may read.
#pragma once

#include <atomic>

namespace snap::test {

// While it lives, one pread(2) fails with an I/O error, and those behind it do, too.
class FailingRead {
 public:
  // The first is number 0.
  explicit FailingRead(long number) { left = number; }
  ~FailingRead() { left = kNone; }
  FailingRead(const FailingRead&) = delete;
  FailingRead& operator=(const FailingRead&) = delete;
  // Whether it came to that.
  bool happened() const { return left < 0; }

  static constexpr long kNone = 1L << 60;
  static inline std::atomic<long> left = kNone;  // reads until one fails
};

}  // namespace snap::test
