// Writes Prometheus' text format. Private to this room.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"

namespace snap::report {

using Labels = std::vector<std::pair<std::string_view, std::string>>;

uint64_t unix_time(Seconds at);

// Gauges whose names begin with etcd_snapshot_, each with the label `cluster`.
class MetricsText {
 public:
  // `previous`: what the file held before. Both outlive this.
  MetricsText(const std::string& cluster, std::string_view previous)
      : cluster_(cluster), previous_(previous) {}

  void family(std::string_view name, std::string_view help);
  // A sample of the family begun last; a family without samples leaves no trace.
  void sample(const std::string& value, Labels more = {});
  void sample(uint64_t value, Labels more = {});
  // A sample of now, or what the file said before.
  void kept(std::optional<uint64_t> value, const Labels& more = {});

  std::string take() && { return std::move(out_); }

 private:
  std::string series(Labels more) const;

  const std::string& cluster_;
  std::string_view previous_;
  std::string name_;
  std::string header_;
  std::string out_;
};

}  // namespace snap::report
