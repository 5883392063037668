// The last words of a container: what `kubectl describe pod` and `get pod -o yaml` show of it.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"
#include "report/outcome.h"

namespace snap::report {

// Of a longer file kubelet shows the end, which is no JSON any more. Source:
// kubernetes/kubernetes:pkg/kubelet/container/runtime.go, MaxContainerTerminationMessageLength.
inline constexpr size_t kMaxTerminationBytes = 4096;

// The outcome line, at most kMaxTerminationBytes with its line end. What does not fit is left out,
// the least important first, and named in the field `left_out`; texts are cut at last.
std::string termination_message(const Outcome& outcome);

// Writes it into the file, which kubelet has mounted: it is not replaced. Errors: of open and write
Result<void> write_termination_message(const std::string& path, const Outcome& outcome);

}  // namespace snap::report
