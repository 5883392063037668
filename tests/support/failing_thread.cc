#include "support/failing_thread.h"

#include <dlfcn.h>
#include <pthread.h>

#include <cerrno>

// Instead of libc's, which it calls.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*start)(void*), void* argument) noexcept {
  auto& left = snap::test::FailingThread::left;
  if (left == 0) return EAGAIN;
  if (left > 0) --left;
  static const auto real =
      reinterpret_cast<decltype(&pthread_create)>(::dlsym(RTLD_NEXT, "pthread_create"));
  return real(thread, attributes, start, argument);
}
