// Memory that runs out at any allocation with operator new. For test programs that link
// snap_test_failing_new. One thread at a time.
#pragma once

#include <new>

namespace snap::test {

struct Allocations {
  long left = -1;         // until one fails; below 0: none does
  bool for_good = false;  // those behind it fail too
};
extern Allocations allocations;

// How often `work` was tried until it came to its end: with its first allocation failing, with its
// second, and so on. Each time before, it must have ended in bad_alloc.
template <class Work>
int tries_until_done(bool for_good, const Work& work) {
  for (int fails_at = 0;; ++fails_at) {
    allocations = {.left = fails_at, .for_good = for_good};
    try {
      work();
      allocations = {};
      return fails_at;
    } catch (const std::bad_alloc&) {
      allocations = {};
    }
  }
}

}  // namespace snap::test
