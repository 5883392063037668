#include "support/failing_read.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

// Instead of libc's.
extern "C" ssize_t pread(int fd, void* into, size_t bytes, off_t at) {
  if (snap::test::FailingRead::left.fetch_sub(1) <= 0) {
    errno = EIO;
    return -1;
  }
  return ::syscall(SYS_pread64, fd, into, bytes, at);
}
