// docs/outcome.md and docs/metrics.md name what is really printed and written, no more and no less.
#include <set>

#include "base/text.h"
#include "cli/scenes.h"

namespace snap::cli {
namespace {

using test::Agent;
using test::FakeGrpc;
using Names = std::set<std::string>;

// The words in backticks of a row's first cell: "| `sets.proven`, `sets.unproven` | ..."; without
// "[]" and what stands before a dot.
Names names_of(const std::string& row) {
  Names names;
  auto first = row.substr(2, row.find(" | ", 2) - 2);
  for (const auto& part : split(first, ',')) {
    auto name = std::string(trim(part));
    std::erase(name, '`');
    if (name.ends_with("[]")) name.erase(name.size() - 2);
    names.insert(name);
  }
  return names;
}

// Fields of each table of outcome.md; the first one has no name, the others as in "`stages[]`:".
std::map<std::string, Names> documented_fields() {
  std::map<std::string, Names> tables;
  std::string table;
  auto text = test::read_file(std::string(SNAP_SOURCE_DIR) + "/docs/outcome.md");
  for (const auto& line : split(text, '\n')) {
    if (line.starts_with("`") && line.ends_with("`:")) table = line.substr(1, line.size() - 3);
    if (line.starts_with("| `")) tables[table].merge(names_of(line));
  }
  return tables;
}

Names keys_of(const nlohmann::json& object, const std::string& before = "") {
  Names keys;
  for (const auto& [key, value] : object.items()) keys.insert(before + key);
  return keys;
}

TEST(Docs, NameEveryFieldOfTheOutcomeLine) {
  FakeGrpc fake(test::good_script());
  Agent agent({.endpoints = {fake.endpoint()}});
  auto good = outcome_of(agent.run({"run"}));
  auto bad = outcome_of(agent.run({"run", "--endpoints", "http://127.0.0.1:9"}));
  auto docs = documented_fields();
  ASSERT_TRUE(good["snapshot"].is_object()) << good;
  EXPECT_EQ(docs[""], keys_of(good));
  EXPECT_EQ(docs[""], keys_of(bad));
  EXPECT_EQ(docs["error"], keys_of(bad["error"]));
  EXPECT_EQ(docs["stages[]"], keys_of(good["stages"][0]));
  EXPECT_EQ(docs["snapshot"], keys_of(good["snapshot"]));
  EXPECT_EQ(docs["resources"], keys_of(good["resources"]));
  EXPECT_EQ(docs["proof[]"], keys_of(good["proof"][0]));
  auto place = keys_of(good["places"][0]);
  place.merge(keys_of(good["places"][0]["sets"], "sets."));
  EXPECT_EQ(docs["places[]"], place);
  EXPECT_EQ(docs.size(), 7U) << "a table that this test does not compare";
}

// Name of a metric and its labels but `cluster`: "place_sets place proven".
Names documented_metrics() {
  Names metrics;
  auto text = test::read_file(std::string(SNAP_SOURCE_DIR) + "/docs/metrics.md");
  for (const auto& line : split(text, '\n')) {
    if (!line.starts_with("| `etcd_snapshot_")) continue;
    auto cells = split(line, '|');
    auto metric = std::string(trim(cells[1])) + " " + std::string(trim(cells[2]));
    std::erase_if(metric, [](char c) { return c == '`' || c == ','; });
    metrics.emplace(trim(metric));
  }
  return metrics;
}

Names written_metrics(const std::string& text) {
  Names metrics;
  for (const auto& line : split(text, '\n')) {
    if (line.empty() || line.starts_with('#')) continue;
    auto brace = line.find('{');
    auto metric = line.substr(0, brace);
    for (const auto& label : split(line.substr(brace + 1, line.find('}') - brace - 1), ',')) {
      auto name = label.substr(0, label.find('='));
      if (name != "cluster") metric += " " + name;
    }
    metrics.insert(metric);
  }
  return metrics;
}

TEST(Docs, NameEveryMetricAndItsLabels) {
  FakeGrpc fake(test::good_script());
  Agent agent({.endpoints = {fake.endpoint()}});
  test::Pki pki = test::Pki::make(agent.path(""));
  std::filesystem::copy(pki.ca, agent.host_tree() + "/pki/ca.crt");
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  ASSERT_EQ(agent.run({"verify", agent.sets()[0]}).exit_code, 0);
  auto written = written_metrics(test::read_file(agent.metrics_file()));
  written.merge(written_metrics(test::read_file(agent.path("metrics/etcd_snapshot-verify.prom"))));
  EXPECT_EQ(documented_metrics(), written);
}

std::string value_of(const std::string& metrics, const std::string& name) {
  auto begin = metrics.find("\n" + name + "{");
  auto space = metrics.find("} ", begin);
  return begin == std::string::npos
             ? ""
             : metrics.substr(space + 2, metrics.find('\n', space) - space - 2);
}

TEST(Metrics, KeepTheLastSuccessThroughFailedRuns) {
  FakeGrpc fake(test::good_script());
  Agent agent({.endpoints = {fake.endpoint()}});
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  const std::string kSuccess = "etcd_snapshot_last_success_timestamp_seconds";
  auto success = value_of(test::read_file(agent.metrics_file()), kSuccess);
  ASSERT_FALSE(success.empty());
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(agent.run({"run", "--endpoints", "http://127.0.0.1:9"}).exit_code, 3);
    auto metrics = test::read_file(agent.metrics_file());
    EXPECT_EQ(value_of(metrics, kSuccess), success);
    EXPECT_EQ(value_of(metrics, "etcd_snapshot_last_exit_code"), "3");
    EXPECT_NE(value_of(metrics, "etcd_snapshot_snapshot_bytes"), "");
  }
}

}  // namespace
}  // namespace snap::cli
