// Metrics for a Prometheus Pushgateway. API: github.com/prometheus/pushgateway, README.md.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace snap::jobs {

struct Push {
  // Beside job="etcd-snapshot": what is pushed under other labels stays as it is there.
  std::vector<std::pair<std::string, std::string>> labels;
  std::string text;  // Prometheus' text format
  // true: everything under these labels; false: only the metrics that the text names.
  bool replace_all = false;
};

// How long one push may take, whatever the server does: a run has ended and waits for it.
inline constexpr std::chrono::milliseconds kPushLimit{10'000};

// Pushes to the server at `url`, whose paths begin there ("http://host:9091").
//
// Errors: unavailable, timeout, denied (certificate); invalid  the server refuses what it was sent
Result<void> push_metrics(const std::string& url, const Push& push,
                          std::chrono::milliseconds limit = kPushLimit);

// Whether a Pushgateway answers there. Errors as above.
Result<void> ask_pushgateway(const std::string& url, std::chrono::milliseconds limit = kPushLimit);

// "/metrics/job/etcd-snapshot/cluster/prod-east": any value, with a slash in it too. For tests.
std::string grouping_path(const std::vector<std::pair<std::string, std::string>>& labels);

}  // namespace snap::jobs
