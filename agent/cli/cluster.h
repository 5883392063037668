// What the verbs want of the Kubernetes API: the destinations that it knows.
//
// It is asked only where the configuration needs it, and no verb depends on its answer: without one
// the last known mirrors and exports count.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "cli/context.h"
#include "config/config.h"
#include "jobs/check.h"
#include "jobs/last_found.h"
#include "jobs/places.h"
#include "kube/client.h"

namespace snap::cli {

// Something that the administrator should know about a destination, or about the clock.
struct Finding {
  std::string destination;  // or "clock"
  bool warning = false;
  Error what;  // code and hint besides the text
};

struct InCluster {
  jobs::Found found;
  std::vector<Finding> findings;
  std::vector<std::pair<std::string, jobs::LastFound>> fresh;  // destination, for keep()
};

// Asks the API about the destinations that `names` picks, each by its name or that of one of its
// places ("mirrors/master-1"); all where `names` is empty. Takes half a minute when the API is
// silent, 5 s where somebody waits at a terminal, who is better served by what is known than by
// patience; and nothing where nobody needs it.
InCluster look_into_cluster(const config::Config& config, const Context& context,
                            const std::vector<std::string>& names = {});

// The places of the configuration for verbs that only want to know them: nothing but warnings is
// logged. Those that `names` does not pick are not looked for.
std::vector<jobs::Place> places_in_cluster(const config::Config& config, const Context& context,
                                           const std::vector<std::string>& names = {});

// The warnings among the findings, each a line; all findings are logged.
std::vector<std::string> log_findings(const InCluster& cluster, const Context& context);

// Keeps what was found in the local directory for the next time.
void keep(const InCluster& cluster, const config::Config& config, const Context& context);

// The findings as rows of `check`.
std::vector<jobs::CheckRow> check_rows(const InCluster& cluster);

// The API server of the configuration: a kubeconfig's, or the pod's own.
Result<kube::Client> client_for(const config::Config& config, std::stop_token stop,
                                const kube::Limits& limits);

// A warning where this host's clock and that of the API are more than a minute apart; the wrong one
// may be either.
std::optional<Error> clock_warning(const kube::Client& client);

}  // namespace snap::cli
