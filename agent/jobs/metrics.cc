#include "jobs/metrics.h"

#include <functional>

#include "jobs/push.h"
#include "report/metrics.h"

namespace snap::jobs {
namespace {

// One way for all metrics.
class Reports {
 public:
  explicit Reports(const config::Report& report) : report_(report) {}

  void write(const std::function<Result<void>(const std::string& file)>& how) {
    if (!report_.metrics_file.empty()) note(how(report_.metrics_file));
  }
  void push(const Push& what) {
    if (!report_.pushgateway.empty()) note(push_metrics(report_.pushgateway, what));
  }
  std::vector<std::string> problems() && { return std::move(problems_); }

 private:
  void note(const Result<void>& done) {
    if (!done) problems_.push_back(describe(done.error()));
  }

  const config::Report& report_;
  std::vector<std::string> problems_;
};

}  // namespace

std::vector<std::string> report_run(const config::Report& report, const report::Outcome& outcome) {
  if (outcome.cluster.empty()) return {};
  Reports reports(report);
  reports.write([&](const std::string& file) { return report::write_metrics(file, outcome); });
  // A run that went well knows all there is to know; after another one what it could not know anew
  // stays at the Pushgateway as it was.
  reports.push({.labels = {{"cluster", outcome.cluster}},
                .text = report::metrics_text(outcome, ""),
                .replace_all = outcome.exit == report::Exit::done});
  return std::move(reports).problems();
}

std::vector<std::string> report_reproofs(const config::Report& report, const std::string& cluster,
                                         const std::vector<report::ReproofFacts>& facts,
                                         const std::vector<std::string>& places) {
  if (facts.empty() || cluster.empty()) return {};
  Reports reports(report);
  reports.write([&](const std::string& file) {
    return report::write_reproofs(file, cluster, facts, places);
  });
  // Each place for itself: what is pushed for one leaves the others as they are.
  for (const auto& fact : facts)
    reports.push({.labels = {{"cluster", cluster}, {"place", fact.place}},
                  .text = report::reproof_text(cluster, {fact}, {fact.place}, ""),
                  .replace_all = true});
  return std::move(reports).problems();
}

}  // namespace snap::jobs
