// The program that checks the invariants finds what breaks them, each by its number, and says
// nothing of what is whole.
#include "support/invariants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <format>

#include "base/bytes.h"
#include "stream/sha256.h"

namespace snap::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using testing::IsEmpty;

// A place with sets that no program made, and a command that is said to have run.
class Scene {
 public:
  Scene() {
    fs::create_directory(sets());
    fs::permissions(sets(), fs::perms(0700));
    write_file(directory.path("outside"), "mine");
    for (int hour : {1, 2}) make(hour);
  }

  std::string sets() const { return directory.path("sets"); }
  static std::string name(int hour) {
    return std::format("prod-east_2026-11-20T{:02}0000Z_node-1", hour);
  }
  std::string path(int hour, const std::string& file) const {
    return sets() + "/" + name(hour) + "/" + file;
  }
  void write(const std::string& path, const std::string& content) const {
    write_file(path, content);
    ::chmod(path.c_str(), 0600);
  }
  void make(int hour, bool proven = true) const {
    fs::create_directory(sets() + "/" + name(hour));
    fs::permissions(sets() + "/" + name(hour), fs::perms(0700));
    write(path(hour, "a.db"), "data of " + name(hour));
    auto content = read_file(path(hour, "a.db"));
    Json file{{"name", "a.db"},
              {"size", content.size()},
              {"sha256", to_hex(stream::sha256(as_bytes(content)))}};
    Json manifest{{"etcd", {{"clusterId", "c1"}, {"revision", 7}}},
                  {"snapshot", {{"file", "a.db"}, {"size", content.size()}, {"hash", 1}}},
                  {"files", Json::array({file})},
                  {"proof",
                   {{"trailer", {{"result", "passed"}}},
                    {"resources", {{"result", proven ? "passed" : "failed"}}}}}};
    write(path(hour, "manifest.json"), manifest.dump());
  }
  // What `run` says after it has made a set.
  Deed ran(int hour) const {
    Json outcome{{"exit", 0},
                 {"error", nullptr},
                 {"set", name(hour)},
                 {"snapshot", {{"bytes", fs::file_size(path(hour, "a.db"))}}},
                 {"places",
                  {{{"has_set", true},
                    {"sets", nullptr},
                    {"pruned", Json::array()},
                    {"leftovers_removed", Json::array()}}}}};
    return {.args = {"run"}, .finished = {.exit_code = 0, .out = outcome.dump() + "\n"}};
  }
  InvariantSetup setup() const { return {.places = {{"local", sets()}}, .root = directory.path()}; }

  TempDir directory;
};

struct Case {
  std::string name;
  std::string number;  // of the invariant that does not hold; empty: all hold
  void (*happens)(const Scene&, Deed&);
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
class Found : public testing::TestWithParam<Case> {};
TEST_P(Found, ByItsNumber) {
  Scene scene;
  Invariants invariants(scene.setup());
  scene.make(3);
  auto deed = scene.ran(3);
  GetParam().happens(scene, deed);
  auto broken = invariants.after(deed);
  if (GetParam().number.empty()) {
    EXPECT_THAT(broken, IsEmpty());
  } else {
    EXPECT_THAT(broken, testing::Contains(testing::StartsWith(GetParam().number + ": ")));
  }
}

void remove_set(const Scene& scene, int hour) {
  fs::remove_all(scene.sets() + "/" + Scene::name(hour));
}
Deed failed(int exit, const std::string& err) {
  Json outcome{{"exit", exit},
               {"error", {{"message", "the disk is full"}}},
               {"set", nullptr},
               {"places", Json::array()}};
  return {.args = {"run"},
          .finished = {.exit_code = exit, .out = outcome.dump() + "\n", .err = err}};
}

INSTANTIATE_TEST_SUITE_P(
    Invariant, Found,
    testing::Values(
        Case{"a_new_set", "", [](const Scene&, Deed&) {}},
        Case{"a_removal_that_is_told", "",
             [](const Scene& s, Deed& d) {
               remove_set(s, 1);
               d.finished.err = "removed " + Scene::name(1) + "\n";
             }},
        Case{"all_sets_gone", "2",
             [](const Scene& s, Deed&) {
               for (int hour : {1, 2, 3}) remove_set(s, hour);
             }},
        Case{"the_newest_set_gone_and_the_new_one_not_proven", "2",
             [](const Scene& s, Deed& d) {
               remove_set(s, 2);
               s.make(3, false);
               d.finished.err = "removed " + Scene::name(2) + "\n";
             }},
        Case{"a_set_whose_file_is_short", "4",
             [](const Scene& s, Deed&) { s.write(s.path(3, "a.db"), "dat"); }},
        Case{"a_set_whose_file_is_absent", "4",
             [](const Scene& s, Deed&) { fs::remove(s.path(3, "a.db")); }},
        Case{"success_without_a_set", "4", [](const Scene& s, Deed&) { remove_set(s, 3); }},
        Case{"an_old_set_changed", "5",
             [](const Scene& s, Deed&) { s.write(s.path(1, "a.db"), "data 0f" + Scene::name(1)); }},
        Case{"a_set_gone_without_a_word", "5", [](const Scene& s, Deed&) { remove_set(s, 1); }},
        Case{"an_unfinished_set_left", "6",
             [](const Scene& s, Deed&) {
               fs::create_directory(s.sets() + "/.incoming-" + Scene::name(4));
             }},
        Case{"a_temporary_file_left", "6",
             [](const Scene& s, Deed&) { s.write(s.sets() + "/x.part", ""); }},
        Case{"an_exit_status_of_no_table", "7",
             [](const Scene&, Deed& d) { d.finished.exit_code = 77; }},
        Case{"a_failure_without_a_cause", "7", [](const Scene&, Deed& d) { d = failed(8, ""); }},
        Case{"another_cause_on_standard_error", "7",
             [](const Scene&, Deed& d) { d = failed(8, "now error the dog ate it\n"); }},
        Case{"another_exit_in_the_outcome", "7",
             [](const Scene&, Deed& d) {
               d = failed(8, "now error the disk is full\n");
               d.finished.exit_code = 1;
             }},
        Case{"a_failure_with_its_cause", "",
             [](const Scene& s, Deed& d) {
               remove_set(s, 3);
               d = failed(8, "now error the disk is full\n");
             }},
        Case{"a_secret_in_the_output", "9",
             [](const Scene&, Deed& d) { d.finished.err = "canary-password\n"; }},
        Case{"a_secret_in_a_note", "9",
             [](const Scene& s, Deed&) { s.write(s.sets() + "/.lock-prod-east", "canary\n"); }},
        Case{"a_file_for_everybody", "10",
             [](const Scene& s, Deed&) { ::chmod(s.path(3, "a.db").c_str(), 0644); }},
        Case{"a_change_outside", "10",
             [](const Scene& s, Deed&) { write_file(s.directory.path("outside"), "yours"); }},
        Case{"space_that_is_not_given_back", "11",
             [](const Scene& s, Deed& d) {
               remove_set(s, 3);
               d = failed(8, "now error the disk is full\n");
               s.write(s.sets() + "/.junk", std::string(100'000, 'x'));
             }},
        Case{"a_command_without_end", "12",
             [](const Scene&, Deed& d) { d.took = std::chrono::hours(1); }},
        Case{"an_outcome_that_denies_its_set", "16",
             [](const Scene& s, Deed& d) {
               auto outcome = outcome_of(s.ran(3).finished);
               outcome["places"][0]["has_set"] = false;
               d.finished.out = outcome.dump() + "\n";
             }}),
    [](const auto& test) { return test.param.name; });

TEST(Invariants, FindANameThatIsUsedTwice) {
  Scene scene;
  Invariants invariants(scene.setup());
  remove_set(scene, 1);
  scene.make(3);
  auto deed = scene.ran(3);
  deed.finished.err = "removed " + Scene::name(1) + "\n";
  EXPECT_THAT(invariants.after(deed), IsEmpty());
  scene.make(1);
  EXPECT_THAT(invariants.after(scene.ran(1)), testing::Contains(testing::StartsWith("5: ")));
}

TEST(Invariants, HoldForPinnedSetsAndTheNewest) {
  Scene scene;
  fs::create_directories(scene.sets() + "/.state/pins");
  for (const auto* made : {"/.state", "/.state/pins"})
    fs::permissions(scene.sets() + made, fs::perms(0700));
  scene.write(scene.sets() + "/.state/pins/" + Scene::name(1), "");
  auto setup = scene.setup();
  setup.keep_last = 3;
  Invariants invariants(setup);
  for (int hour : {1, 2}) remove_set(scene, hour);
  scene.make(3);
  auto deed = scene.ran(3);
  deed.finished.err = "removed " + Scene::name(1) + " and " + Scene::name(2) + "\n";
  EXPECT_THAT(invariants.after(deed),
              testing::ElementsAre(testing::HasSubstr("3: 1 proven sets are left of 2"),
                                   testing::HasSubstr("was pinned")));
}

TEST(Invariants, CompareListAndVerifyWithTheDisk) {
  Scene scene;
  Invariants invariants(scene.setup());
  auto row = [](int hour) { return Json{{"set", Scene::name(hour)}, {"state", "good"}}; };
  auto sound = [](const std::string&) { return 0; };
  EXPECT_THAT(invariants.at_end({row(1), row(2)}, sound), IsEmpty());
  EXPECT_THAT(invariants.at_end(Json::array({row(1)}), sound), testing::SizeIs(1))
      << "one is not listed";
  EXPECT_THAT(invariants.at_end({row(1), row(2), row(3)}, sound), testing::SizeIs(1));
  EXPECT_THAT(invariants.at_end({row(1), row(2)}, [](const std::string&) { return 4; }),
              testing::SizeIs(2));
  invariants.changed_by_hand({Scene::name(1)});
  EXPECT_THAT(invariants.at_end({row(1), row(2)}, sound), testing::SizeIs(1))
      << "what was damaged must be refused";
}

}  // namespace
}  // namespace snap::test
