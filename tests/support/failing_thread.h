// Threads that cannot be started, by this thread. For test programs that link
// snap_test_failing_thread.
#pragma once

namespace snap::test {

// While it lives, this thread starts `number` more threads and then none.
class FailingThread {
 public:
  explicit FailingThread(long number) { left = number; }
  ~FailingThread() { left = kNone; }
  FailingThread(const FailingThread&) = delete;
  FailingThread& operator=(const FailingThread&) = delete;

  static constexpr long kNone = -1;
  static inline thread_local long left = kNone;  // threads until one fails; kNone: none does
};

}  // namespace snap::test
