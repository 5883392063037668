#include "support/failing_new.h"

#include <cstdlib>
#include <new>

namespace snap::test {
Allocations allocations;
}  // namespace snap::test

// In a file of their own, where the compiler pairs no inlined half of them with the library's.
// Every form that gtest or the library calls is here: the address sanitizer has each of its own.
void* operator new(size_t size) {
  auto& [left, for_good] = snap::test::allocations;
  if (left == 0) {
    if (!for_good) left = -1;
    throw std::bad_alloc();
  }
  if (left > 0) --left;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void* operator new(size_t size, const std::nothrow_t&) noexcept { return std::malloc(size); }
void* operator new[](size_t size) { return operator new(size); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept { return std::malloc(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
