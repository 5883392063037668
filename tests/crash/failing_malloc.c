// For LD_PRELOAD: the Nth allocation of the process fails, N is SNAP_FAIL_MALLOC_AT.
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

extern void* __libc_malloc(size_t size);

static atomic_ulong calls;
static atomic_ulong fails_at;

__attribute__((constructor)) static void begin(void) {
  const char* at = getenv("SNAP_FAIL_MALLOC_AT");
  atomic_store(&fails_at, at ? strtoul(at, NULL, 10) : 0);
  atomic_store(&calls, 0);
}

void* malloc(size_t size) {
  unsigned long at = atomic_load(&fails_at);
  if (at != 0 && atomic_fetch_add(&calls, 1) + 1 == at) {
    errno = ENOMEM;
    return NULL;
  }
  return __libc_malloc(size);
}
