#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "sample.h"

namespace snap::report {
namespace {

using Json = nlohmann::json;

TEST(Outcome, IsOneLineOfAsciiJson) {
  auto outcome = sample_outcome();
  outcome.warnings = {"ö\n\xff"};
  auto line = to_json_line(outcome);
  EXPECT_EQ(std::ranges::count(line, '\n'), 1);
  EXPECT_TRUE(line.ends_with("}\n"));
  EXPECT_TRUE(std::ranges::all_of(line, [](char c) { return c > 0; }));
  EXPECT_TRUE(Json::accept(line));
}

TEST(Outcome, CarriesEveryFact) {
  auto json = Json::parse(to_json_line(sample_outcome()));
  EXPECT_EQ(json["schema"], 1);
  EXPECT_EQ(json["verb"], "run");
  EXPECT_EQ(json["exit"], 0);
  EXPECT_EQ(json["exit_name"], "done");
  EXPECT_EQ(json["started"], "2026-11-21T01:30:00Z");
  EXPECT_EQ(json["error"], nullptr);
  EXPECT_EQ(json["stages"][1], Json({{"name", "take"}, {"seconds", 40.25}}));
  EXPECT_EQ(json["snapshot"]["bytes"], 9'007'199'254'740'993U);  // past what a double holds
  EXPECT_EQ(json["snapshot"]["hash"], 4'000'000'000U);
  EXPECT_EQ(json["snapshot"]["from_leader"], false);
  EXPECT_EQ(json["resources"]["earliest_certificate_end"], "2027-01-01T00:00:00Z");
  EXPECT_EQ(json["resources"]["paths"], Json::array({"/etc/kubernetes/pki"}));
  EXPECT_EQ(json["proof"][1],
            Json({{"name", "members"}, {"result", "skipped"}, {"reason", "compacted"}}));
  const auto& place = json["places"][0];
  EXPECT_EQ(place["verdict"], "ok");
  EXPECT_EQ(place["sets"]["proven"], 5);
  EXPECT_EQ(place["sets"]["newest_proven"], "2026-11-21T01:30:00Z");
  EXPECT_EQ(place["pruned"][0]["reason"], "kept by no rule");
  EXPECT_EQ(place["leftovers_removed"].size(), 1u);
}

TEST(Outcome, OfARunThatReachedNothingHasTheSameFields) {
  auto whole = Json::parse(to_json_line(sample_outcome()));
  auto failed = Json::parse(to_json_line(failed_outcome()));
  for (const auto& [name, value] : whole.items()) EXPECT_TRUE(failed.contains(name)) << name;
  EXPECT_EQ(failed["set"], nullptr);
  EXPECT_EQ(failed["snapshot"], nullptr);
  EXPECT_EQ(failed["stages"], Json::array());
  EXPECT_EQ(failed["places"], Json::array());
  EXPECT_EQ(failed["warnings"], Json::array());
  EXPECT_EQ(failed["error"], Json({{"code", "unavailable"},
                                   {"message", "no endpoint answers"},
                                   {"hint", "is etcd running?"},
                                   {"stage", "preflight"}}));
}

TEST(Outcome, OfAPlaceThatFailedSaysWhy) {
  auto outcome = sample_outcome();
  outcome.places[0].failed = true;
  outcome.places[0].problem = "disk gone";
  outcome.places[0].sets.reset();
  outcome.places[0].free_bytes.reset();
  auto place = Json::parse(to_json_line(outcome))["places"][0];
  EXPECT_EQ(place["verdict"], "failed");
  EXPECT_EQ(place["problem"], "disk gone");
  EXPECT_EQ(place["sets"], nullptr);
  EXPECT_EQ(place["free_bytes"], nullptr);
}

void collect_names(const Json& json, std::vector<std::string>& names) {
  if (json.is_array()) {
    for (const auto& item : json) collect_names(item, names);
  } else if (json.is_object()) {
    for (const auto& [name, value] : json.items()) {
      names.push_back(name);
      collect_names(value, names);
    }
  }
}

TEST(Outcome, IsDocumentedFieldByField) {
  auto text = read_small_file(SNAP_SOURCE_DIR "/docs/outcome.md", 1 << 20);
  ASSERT_TRUE(text) << text.error().message;
  std::vector<std::string> names;
  collect_names(Json::parse(to_json_line(sample_outcome())), names);
  collect_names(Json::parse(to_json_line(failed_outcome())), names);
  EXPECT_GT(names.size(), 60u);
  for (const auto& name : names) {
    EXPECT_TRUE(text->contains("`" + name + "`") || text->contains("`" + name + "[]`") ||
                text->contains("." + name + "`"))
        << name;
  }
  for (auto exit : all_exits()) EXPECT_TRUE(text->contains(name_of(exit))) << name_of(exit);
}

}  // namespace
}  // namespace snap::report
