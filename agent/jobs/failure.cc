#include "jobs/failure.h"

namespace snap::jobs {

Exit local_exit(const Error& error) {
  switch (error.code) {
    case Code::invalid: return Exit::usage;
    case Code::no_space: return Exit::no_space;
    case Code::corrupt: return Exit::damaged;
    default: return Exit::unexpected;
  }
}

Exit argument_exit(const Error& error) {
  return error.code == Code::not_found ? Exit::usage : local_exit(error);
}

Exit etcd_exit(const Error& error) {
  switch (error.code) {
    case Code::invalid: return Exit::usage;
    case Code::corrupt: return Exit::damaged;
    case Code::no_space: return Exit::no_space;
    case Code::cancelled:
    case Code::internal: return Exit::unexpected;
    default: return Exit::etcd;
  }
}

}  // namespace snap::jobs
