// The Kubernetes Events that tell how runs ended, where the configuration wants them.
#pragma once

#include <optional>

#include "cli/context.h"
#include "config/config.h"
#include "jobs/check.h"
#include "report/outcome.h"

namespace snap::cli {

// Whether Events may be made, as a row of `check`; none where nobody wants them.
std::optional<jobs::CheckRow> check_events(const config::Config& config, const Context& context);

// The Event of a run. A lost one is a warning in the outcome.
void send_event(const config::Config& config, report::Outcome& outcome, const Context& context);

}  // namespace snap::cli
