// What reading stored copies again came to, in Prometheus' text format. Described in
// docs/metrics.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace snap::report {

// Of one place, by one command.
struct ReproofFacts {
  std::string place;
  Seconds at{};             // when it ended
  uint64_t checked = 0;     // sets that were read again
  uint64_t damaged = 0;     // of those
  uint64_t unreadable = 0;  // of those: nobody knows how they are
};

// "DIR/etcd-verify.prom" for "DIR/etcd.prom": a file of its own, since `verify` may end while a
// run writes the other one.
std::string reproof_file(const std::string& metrics_file);

// The whole file. Without facts the values of `previous` stay for a place that `places` names, by
// its own name or that of its destination ("mirrors").
std::string reproof_text(const std::string& cluster, const std::vector<ReproofFacts>& facts,
                         const std::vector<std::string>& places, std::string_view previous);

// Replaces reproof_file(metrics_file), mode 0644. Errors: those of replacing a file.
Result<void> write_reproofs(const std::string& metrics_file, const std::string& cluster,
                            const std::vector<ReproofFacts>& facts,
                            const std::vector<std::string>& places);

}  // namespace snap::report
