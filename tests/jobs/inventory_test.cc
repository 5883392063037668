#include "jobs/inventory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "jobs/make_set.h"
#include "support/faulty_destination.h"

namespace snap::jobs {
namespace {

namespace fs = std::filesystem;
using sets::State;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> names(const Inventory& inventory) {
  std::vector<std::string> names;
  for (const auto& set : inventory.sets) names.push_back(set.name);
  return names;
}

TEST(Inventory, ListsTheNewestFirst) {
  test::TempDir dir;
  auto middle = make_set(dir.path());
  auto oldest = make_set(dir.path(), {.start = test::kSampleStart - 1h});
  auto newest = make_set(dir.path(), {.start = test::kSampleStart + 1h});
  auto inventory = read_inventory(*open_place(dir.path())).value();
  EXPECT_THAT(names(inventory), ElementsAre(newest, middle, oldest));
  for (const auto& set : inventory.sets) {
    EXPECT_EQ(set.state, State::good) << set.problem;
    EXPECT_TRUE(set.proven);
  }
}

TEST(Inventory, IsEmptyForAnEmptyPlace) {
  test::TempDir dir;
  EXPECT_TRUE(read_inventory(*open_place(dir.path())).value().sets.empty());
}

// Remembers which manifests were read.
class CountedPlace : public test::FaultyDestination {
 public:
  explicit CountedPlace(const std::string& directory)
      : FaultyDestination(open_place(directory), std::make_shared<test::Fault>()) {}
  Result<std::unique_ptr<stream::Source>> open(const std::string& group,
                                               const std::string& file) override {
    opened.push_back(group);
    return FaultyDestination::open(group, file);
  }
  std::vector<std::string> opened;
};

TEST(Inventory, ReadsNoWholeSetTwice) {
  test::TempDir dir;
  auto whole = make_set(dir.path());
  auto gone = make_set(dir.path(), {.start = test::kSampleStart - 1h});
  auto damaged = make_set(dir.path(), {.start = test::kSampleStart - 2h});
  write_text(dir.path(damaged) + "/" + kManifest, "{");
  CountedPlace place(dir.path());
  auto before = read_inventory(place).value();
  EXPECT_THAT(place.opened, testing::UnorderedElementsAre(whole, gone, damaged));
  place.opened.clear();
  fs::remove_all(dir.path(gone));
  auto fresh = make_set(dir.path(), {.start = test::kSampleStart + 1h});
  ASSERT_TRUE(place.put_note(std::string(sets::kPins), whole, ""));
  auto now = read_inventory(place, before).value();
  EXPECT_THAT(place.opened, testing::UnorderedElementsAre(fresh, damaged));
  EXPECT_THAT(names(now), ElementsAre(fresh, whole, damaged));
  EXPECT_TRUE(now.find(whole)->pinned) << "pins are read anew";
  EXPECT_EQ(now.find(whole)->total_bytes, before.find(whole)->total_bytes);
}

TEST(Inventory, ShowsNothingThatIsStillWritten) {
  test::TempDir dir;
  fs::rename(dir.path(make_set(dir.path())), dir.path(".incoming-" + kSet));
  fs::create_directory(dir.path(".state"));
  EXPECT_TRUE(read_inventory(*open_place(dir.path())).value().sets.empty());
}

struct Foreign {
  std::string name;
  std::string entry;
  void (*make)(const std::string& path);
  std::string problem;
};
void PrintTo(const Foreign& c, std::ostream* out) { *out << c.name; }
class ForeignNames : public testing::TestWithParam<Foreign> {};
TEST_P(ForeignNames, AreListedAndAreNoSets) {  // F-L10
  test::TempDir dir;
  auto good = make_set(dir.path(), {.start = test::kSampleStart + 1h});
  GetParam().make(dir.path(GetParam().entry));
  auto inventory = read_inventory(*open_place(dir.path())).value();
  ASSERT_EQ(inventory.sets.size(), 2U);
  const auto* found = inventory.find(GetParam().entry);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->state, State::foreign);
  EXPECT_EQ(found->problem, GetParam().problem);
  EXPECT_FALSE(found->proven);
  EXPECT_EQ(inventory.find(good)->state, State::good);
}
void make_file(const std::string& path) { write_text(path, ""); }
void make_directory(const std::string& path) { fs::create_directory(path); }
void make_link(const std::string& path) { fs::create_directory_symlink("/", path); }
INSTANTIATE_TEST_SUITE_P(
    Kinds, ForeignNames,
    testing::Values(
        Foreign{"directory", "lost+found", make_directory, "not named like a set"},
        Foreign{"almost_a_set", "prod-east_2026-02-30T013000Z_master-0", make_directory,
                "not named like a set"},
        Foreign{"old_style_name", "snapshot_2026-11-21_013000.db", make_file, "not a directory"},
        Foreign{"file_named_like_a_set", kSet, make_file, "not a directory"},
        Foreign{"symlink_named_like_a_set", kSet, make_link, "not a directory"},
        Foreign{"dangling_symlink", kSet,
                [](const std::string& p) { fs::create_symlink("none", p); }, "not a directory"},
        Foreign{"fifo_named_like_a_set", kSet,
                [](const std::string& p) { ASSERT_EQ(::mkfifo(p.c_str(), 0600), 0); },
                "not a directory"},
        Foreign{"control_characters", "a\n\x1b[31mb", make_directory, "not named like a set"}),
    [](const auto& test) { return test.param.name; });

struct Spoilt {
  std::string name;
  void (*spoil)(const std::string& manifest);
  State state;
};
void PrintTo(const Spoilt& c, std::ostream* out) { *out << c.name; }
class SpoiltManifests : public testing::TestWithParam<Spoilt> {};
TEST_P(SpoiltManifests, AreToldAndTheirNeighboursStillListed) {  // F-L20, F-V06
  test::TempDir dir;
  make_set(dir.path());
  auto neighbour = make_set(dir.path(), {.start = test::kSampleStart + 1h});
  GetParam().spoil(dir.path(kSet + "/" + kManifest));
  auto inventory = read_inventory(*open_place(dir.path())).value();
  const auto* spoilt = inventory.find(kSet);
  ASSERT_NE(spoilt, nullptr);
  EXPECT_EQ(sets::name_of(spoilt->state), sets::name_of(GetParam().state));
  EXPECT_NE(spoilt->problem, "");
  EXPECT_FALSE(spoilt->proven);
  EXPECT_EQ(inventory.find(neighbour)->state, State::good);
}
INSTANTIATE_TEST_SUITE_P(
    Kinds, SpoiltManifests,
    testing::Values(
        Spoilt{"missing", [](const auto& path) { fs::remove(path); }, State::remains},
        Spoilt{"empty", [](const auto& path) { write_text(path, ""); }, State::damaged},
        Spoilt{"half", [](const auto& path) { fs::resize_file(path, fs::file_size(path) / 2); },
               State::damaged},
        Spoilt{"binary", [](const auto& path) { write_text(path, std::string("\0\xff\xfe{}", 5)); },
               State::damaged},
        Spoilt{"one_gib", [](const auto& path) { fs::resize_file(path, 1ULL << 30); },
               State::damaged},
        Spoilt{"symlink",
               [](const auto& path) {
                 fs::rename(path, path + ".real");
                 fs::create_symlink(path + ".real", path);
               },
               State::damaged},
        Spoilt{"fifo",
               [](const auto& path) {
                 fs::remove(path);
                 ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
               },
               State::damaged},
        Spoilt{"directory",
               [](const auto& path) {
                 fs::remove(path);
                 fs::create_directory(path);
               },
               State::damaged},
        Spoilt{"of_a_newer_version", [](const auto& path) { write_text(path, R"({"schema":2})"); },
               State::newer}),
    [](const auto& test) { return test.param.name; });

TEST(Inventory, TellsTheManifestOfAnotherSet) {  // F-V05
  test::TempDir dir;
  make_set(dir.path());
  auto other = make_set(dir.path(), {.start = test::kSampleStart + 1h});
  fs::copy_file(dir.path(other + "/" + kManifest), dir.path(kSet + "/" + kManifest),
                fs::copy_options::overwrite_existing);
  auto inventory = read_inventory(*open_place(dir.path())).value();
  EXPECT_EQ(inventory.find(kSet)->state, State::damaged);
  EXPECT_THAT(inventory.find(kSet)->problem, HasSubstr(other));
  EXPECT_EQ(inventory.find(other)->state, State::good);
}

TEST(Inventory, DoesNotTrustAManifestWhoseFilesAreCutOrGone) {  // F-P02
  test::TempDir dir;
  auto cut = make_set(dir.path());
  auto gone = make_set(dir.path(), {.start = test::kSampleStart + 1h});
  auto whole = make_set(dir.path(), {.start = test::kSampleStart + 2h});
  fs::resize_file(dir.path(cut + "/" + kSnapshot), 100);
  fs::remove(dir.path(gone + "/" + sets::snapshot_file_name(test::kSampleStart + 1h)));
  auto inventory = read_inventory(*open_place(dir.path())).value();
  EXPECT_EQ(inventory.find(cut)->state, State::damaged);
  EXPECT_THAT(inventory.find(cut)->problem, HasSubstr("bytes, the manifest says"));
  EXPECT_EQ(inventory.find(gone)->state, State::damaged);
  EXPECT_EQ(inventory.find(whole)->state, State::good);
}

TEST(Inventory, KnowsPinsAndRemovalsThatWereBegun) {
  test::TempDir dir;
  auto first = make_set(dir.path());
  auto second = make_set(dir.path(), {.start = test::kSampleStart + 1h});
  auto place = open_place(dir.path());
  ASSERT_TRUE(place->put_note(std::string(sets::kPins), first, "before the upgrade"));
  ASSERT_TRUE(place->put_note(std::string(sets::kPins), "prod-east_2020-01-01T000000Z_gone", ""));
  ASSERT_TRUE(place->put_note(std::string(sets::kRemoving), second, ""));
  auto inventory = read_inventory(*place).value();
  ASSERT_EQ(inventory.sets.size(), 2U) << "a pin alone is no set";
  EXPECT_TRUE(inventory.find(first)->pinned);
  EXPECT_FALSE(inventory.find(first)->removal_begun);
  EXPECT_FALSE(inventory.find(second)->pinned);
  EXPECT_TRUE(inventory.find(second)->removal_begun);
}

TEST(NoSuchSet, NamesTheNearestOne) {
  test::TempDir dir;
  make_set(dir.path());
  auto inventory = read_inventory(*open_place(dir.path())).value();
  auto error = no_such_set(inventory, "prod-east_2026-11-21T013000Z_master-1", "/b");
  EXPECT_EQ(error.code, Code::not_found);
  EXPECT_EQ(error.message, "no set prod-east_2026-11-21T013000Z_master-1 at /b");
  EXPECT_EQ(error.hint, "did you mean " + kSet + "?");
  EXPECT_EQ(no_such_set(inventory, "x\n", "/b").message, "no set x\\n at /b");
  EXPECT_EQ(no_such_set(inventory, "x", "/b").hint, "see: etcd-snapshot list");
}

}  // namespace
}  // namespace snap::jobs
