#include "base/exception.h"

#include <cerrno>
#include <new>
#include <system_error>

namespace snap {

Error error_of(const std::exception& exception) {
  if (dynamic_cast<const std::bad_alloc*>(&exception))
    return {Code::internal, "out of memory", "raise the memory limit of this process"};
  const auto* system = dynamic_cast<const std::system_error*>(&exception);
  if (system && system->code().value() == EAGAIN)  // what std::thread throws
    return {Code::internal, "no thread could be started",
            "raise the limit of processes (ulimit -u, pids of the cgroup) or of memory"};
  return {Code::internal, exception.what(), ""};
}

}  // namespace snap
