// The outcome of the last run as a file in Prometheus' text format, for the node exporter's
// textfile collector. Every metric is described in docs/metrics.md. Format:
// prometheus.io/docs/instrumenting/exposition_formats, version 0.0.4.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "report/outcome.h"

namespace snap::report {

// The whole file. `previous` is what the file held before: what a failed run cannot know anew (when
// a run last succeeded, the last snapshot's size and revision) is taken over from there. It is data
// from outside: lines that do not read exactly like ours are ignored.
std::string metrics_text(const Outcome& outcome, std::string_view previous);

// Reads the old file, if there is one, and replaces it whole, mode 0644.
//
// Errors: those of replacing a file. The backup is good nevertheless: callers warn.
Result<void> write_metrics(const std::string& path, const Outcome& outcome);

}  // namespace snap::report
