// Exceptions on their way into a Result.
#pragma once

#include <exception>

#include "base/result.h"

namespace snap {

// The error for an exception that must go no further: memory or threads that ran out, or a bug.
Error error_of(const std::exception& exception);

}  // namespace snap
