#include "jobs/prune.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <functional>
#include <thread>

#include "base/text.h"
#include "jobs/lock.h"
#include "jobs/make_set.h"

namespace snap::jobs {
namespace {

namespace fs = std::filesystem;
using sets::State;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Names = std::vector<std::string>;

const std::string kRemoving(sets::kRemoving);
constexpr uint64_t kClusterId = 0xcdf818194e3a8c32;  // of sample_manifest()

retain::Occasion prune_at(Seconds now) {
  return {.mode = retain::Mode::prune,
          .now = now,
          .stream = {"prod-east", kClusterId},
          .just_made = {}};
}

const retain::Policy kKeepOne{.keep_last = 1, .keep_within = 0s};

Pruned prune(dest::Destination& place, bool dry_run = false) {
  auto inventory = read_inventory(place).value();
  return prune_place(place, inventory, kKeepOne, prune_at(test::kSampleStart + 10h), dry_run);
}

Names removed_of(const Pruned& pruned) {
  Names names;
  for (const auto& removal : pruned.removed) names.push_back(removal.set);
  return names;
}

sets::SetInfo info_of(dest::Destination& place, const std::string& set) {
  return *read_inventory(place).value().find(set);
}

// A place that fails after so many files were removed, as if the process had died there, and that
// writes down what is asked of it.
class Dying : public dest::Destination {
 public:
  Dying(std::unique_ptr<dest::Destination> place, size_t after)
      : place_(std::move(place)), after_(after) {}
  Names calls;

  std::string label() const override { return place_->label(); }
  Result<std::unique_ptr<dest::Incoming>> begin(const std::string& group) override {
    return place_->begin(group);
  }
  Result<std::unique_ptr<dest::Incoming>> resume(const std::string& group) override {
    return place_->resume(group);
  }
  Result<std::unique_ptr<stream::Source>> open(const std::string& group,
                                               const std::string& file) override {
    return place_->open(group, file);
  }
  Result<std::vector<dest::FileInfo>> files(const std::string& group) override {
    return place_->files(group);
  }
  Result<std::vector<dest::Entry>> list() override { return place_->list(); }
  Result<dest::Space> space() override { return place_->space(); }
  Result<Names> remove(const std::string& group, const Names& files) override {
    calls.push_back("remove " + group + ": " + join(files, " "));
    for (size_t i = 0; i < std::min(after_, files.size()); ++i)
      fs::remove(label() + "/" + group + "/" + files[i]);
    if (after_ <= files.size()) return fail(Code::internal, "remove " + group + ": i/o error");
    return place_->remove(group, files);
  }
  Result<std::vector<dest::Leftover>> leftovers() override { return place_->leftovers(); }
  Result<void> discard(const std::string& group) override { return place_->discard(group); }
  Result<Names> notes(const std::string& kind) override { return place_->notes(kind); }
  Result<void> put_note(const std::string& kind, const std::string& name,
                        const std::string& text) override {
    calls.push_back("note " + kind + "/" + name);
    if (note_error) return std::unexpected(*note_error);
    return place_->put_note(kind, name, text);
  }
  Result<void> remove_note(const std::string& kind, const std::string& name) override {
    calls.push_back("unnote " + kind + "/" + name);
    return place_->remove_note(kind, name);
  }
  std::optional<Error> note_error;

 private:
  std::unique_ptr<dest::Destination> place_;
  size_t after_;
};

TEST(RemoveSet, NotesItTakesTheManifestFirstAndForgetsTheNote) {
  test::TempDir dir;
  auto set = make_set(dir.path());
  Dying place(open_place(dir.path()), 99);
  auto notes = remove_set(place, info_of(place, set));
  ASSERT_TRUE(notes) << notes.error().message;
  EXPECT_THAT(*notes, IsEmpty());
  EXPECT_THAT(place.calls,
              ElementsAre("note removing/" + set,
                          "remove " + set + ": manifest.json " + kSnapshot + " " + kArchive,
                          "unnote removing/" + set));
  EXPECT_FALSE(fs::exists(dir.path(set)));
  EXPECT_THAT(place.notes(kRemoving).value(), IsEmpty());
}

TEST(RemoveSet, LeavesFilesThatAreNotOfTheSetAndNamesThem) {  // F-L19
  test::TempDir dir;
  auto set = make_set(dir.path());
  write_text(dir.path(set + "/read\nme"), "mine");
  auto place = open_place(dir.path());
  auto notes = remove_set(*place, info_of(*place, set)).value();
  EXPECT_THAT(notes, ElementsAre(set + "/read\\nme is no file of the set and was left"));
  EXPECT_EQ(read_text(dir.path(set + "/read\nme")), "mine");
  EXPECT_FALSE(fs::exists(dir.path(set + "/" + kSnapshot)));
  EXPECT_EQ(info_of(*place, set).state, State::remains);
}

TEST(RemoveSet, MakesRoomOnADiskTooFullForTheNote) {
  test::TempDir dir;
  auto set = make_set(dir.path());
  Dying place(open_place(dir.path()), 99);
  place.note_error = Error{Code::no_space, "write the note: no space left on device", ""};
  EXPECT_TRUE(remove_set(place, info_of(place, set)));
  EXPECT_FALSE(fs::exists(dir.path(set)));
}

TEST(RemoveSet, TouchesNothingWhenTheNoteIsRefused) {
  test::TempDir dir;
  auto set = make_set(dir.path());
  Dying place(open_place(dir.path()), 99);
  place.note_error = Error{Code::denied, "write the note: permission denied", ""};
  EXPECT_FALSE(remove_set(place, info_of(place, set)));
  EXPECT_EQ(info_of(place, set).state, State::good);
}

TEST(RemoveSet, RemovesALinkAndNotWhatItLeadsTo) {  // F-L20
  test::TempDir dir;
  auto set = make_set(dir.path());
  write_text(dir.path("precious"), "precious");
  fs::remove(dir.path(set + "/" + kArchive));
  fs::create_symlink(dir.path("precious"), dir.path(set + "/" + kArchive));
  auto place = open_place(dir.path());
  EXPECT_TRUE(remove_set(*place, info_of(*place, set)));
  EXPECT_FALSE(fs::exists(dir.path(set)));
  EXPECT_EQ(read_text(dir.path("precious")), "precious");
}

TEST(RemoveSet, OfRemainsTakesOnlyWhatASetOfThatNameHolds) {
  test::TempDir dir;
  auto set = make_set(dir.path());
  fs::remove(dir.path(set + "/" + kManifest));
  write_text(dir.path(set + "/snapshot_2020-01-01_000000.db"), "of another day");
  auto place = open_place(dir.path());
  EXPECT_EQ(remove_set(*place, info_of(*place, set)).value().size(), 1U);
  EXPECT_FALSE(fs::exists(dir.path(set + "/" + kSnapshot)));
  EXPECT_TRUE(fs::exists(dir.path(set + "/snapshot_2020-01-01_000000.db")));
}

TEST(PrunePlace, RemovesWhatNoRuleKeeps) {
  test::TempDir dir;
  auto old = make_set(dir.path());
  auto kept = make_set(dir.path(), {.start = test::kSampleStart + 1h});
  auto place = open_place(dir.path());
  auto pruned = prune(*place);
  EXPECT_EQ(removed_of(pruned), Names{old});
  EXPECT_FALSE(pruned.removed[0].reason.empty());
  EXPECT_THAT(pruned.notes, IsEmpty());
  EXPECT_THAT(pruned.failures, IsEmpty());
  ASSERT_EQ(pruned.verdicts.size(), 2U);
  EXPECT_TRUE(pruned.verdicts[0].keep);
  EXPECT_FALSE(pruned.verdicts[1].keep);
  EXPECT_THAT(dir.names(), ElementsAre(".state", kept));
}

TEST(PrunePlace, OnlyTalksInADryRun) {
  test::TempDir dir;
  make_set(dir.path());
  make_set(dir.path(), {.start = test::kSampleStart + 1h});
  auto place = open_place(dir.path());
  auto names = dir.names();
  auto pruned = prune(*place, true);
  EXPECT_FALSE(pruned.verdicts[1].keep);
  EXPECT_THAT(pruned.removed, IsEmpty());
  EXPECT_EQ(dir.names(), names);
  EXPECT_EQ(prunable_bytes(read_inventory(*place).value(), pruned.verdicts),
            info_of(*place, pruned.verdicts[1].set).total_bytes);
}

TEST(PrunePlace, SkipsASetThatIsReadAndRemovesItTheNextTime) {  // F-P09
  test::TempDir dir;
  auto read = make_set(dir.path());
  auto oldest = make_set(dir.path(), {.start = test::kSampleStart - 1h});
  make_set(dir.path(), {.start = test::kSampleStart + 1h});
  auto place = open_place(dir.path());
  {
    auto reader = hold_set(dir.path(read)).value();
    auto pruned = prune(*place);
    EXPECT_EQ(removed_of(pruned), Names{oldest}) << "one set in use stops no other";
    ASSERT_EQ(pruned.notes.size(), 1U);
    EXPECT_THAT(pruned.notes[0], HasSubstr(read + " was not removed"));
    EXPECT_THAT(pruned.failures, IsEmpty());
    EXPECT_EQ(info_of(*place, read).state, State::good);
    EXPECT_THAT(place->notes(kRemoving).value(), IsEmpty());
  }
  EXPECT_EQ(removed_of(prune(*place)), Names{read});
}

TEST(PrunePlace, ReportsARefusedRemovalAndGoesOn) {
  test::TempDir dir;
  auto first = make_set(dir.path());
  auto second = make_set(dir.path(), {.start = test::kSampleStart - 1h});
  make_set(dir.path(), {.start = test::kSampleStart + 1h});
  Dying place(open_place(dir.path()), 0);
  auto pruned = prune(place);
  ASSERT_EQ(pruned.failures.size(), 2U);
  EXPECT_EQ(pruned.failures[0].exit, Exit::prune_failed);
  EXPECT_EQ(pruned.failures[0].stage, "prune");
  EXPECT_THAT(pruned.failures[0].error.message, HasSubstr(first));
  EXPECT_THAT(pruned.failures[1].error.message, HasSubstr(second));
  EXPECT_THAT(pruned.removed, IsEmpty());
}

// F-P08: another pruner was faster; what is gone was to go.
TEST(PrunePlace, IsContentWhenSomebodyElseHasRemovedTheSet) {
  test::TempDir dir;
  auto old = make_set(dir.path());
  auto kept = make_set(dir.path(), {.start = test::kSampleStart + 1h});
  auto place = open_place(dir.path());
  auto inventory = read_inventory(*place).value();
  fs::remove_all(dir.path(old));
  auto pruned = prune_place(*place, inventory, kKeepOne, prune_at(test::kSampleStart + 10h), false);
  EXPECT_THAT(pruned.failures, IsEmpty());
  EXPECT_THAT(dir.names(), ElementsAre(".state", kept));
  EXPECT_THAT(place->notes(kRemoving).value(), IsEmpty());
}

// F-P10: two nodes at one place, each with an inventory and a connection of its own.
TEST(PrunePlace, ByTwoAtOnceKeepsWhatMustSurviveAndFailsForNobody) {
  for (int round = 0; round < 10; ++round) {
    test::TempDir dir;
    Names all;
    for (int i = 0; i < 12; ++i)
      all.push_back(make_set(dir.path(), {.start = test::kSampleStart + i * 1h}));
    Pruned pruned[2];
    {
      std::vector<std::jthread> nodes;
      for (auto& mine : pruned) {
        nodes.emplace_back([&] {
          auto place = open_place(dir.path());
          auto inventory = read_inventory(*place).value();
          mine = prune_place(*place, inventory, {.keep_last = 3, .keep_within = 0s},
                             prune_at(test::kSampleStart + 20h), false);
        });
      }
    }
    for (const auto& mine : pruned)
      for (const auto& failure : mine.failures) ADD_FAILURE() << failure.error.message;
    prune_place(*open_place(dir.path()), read_inventory(*open_place(dir.path())).value(),
                {.keep_last = 3, .keep_within = 0s}, prune_at(test::kSampleStart + 20h), false);
    EXPECT_THAT(dir.names(), ElementsAre(".state", all[9], all[10], all[11]));
    auto inventory = read_inventory(*open_place(dir.path())).value();
    for (const auto& set : inventory.sets) EXPECT_EQ(set.state, State::good) << set.problem;
  }
}

class Interrupted : public testing::TestWithParam<size_t> {};
TEST_P(Interrupted, RemovalIsFinishedTheNextTime) {  // F-L14, F-P07
  test::TempDir dir;
  auto old = make_set(dir.path());
  auto kept = make_set(dir.path(), {.start = test::kSampleStart + 1h});
  {
    Dying place(open_place(dir.path()), GetParam());
    ASSERT_EQ(prune(place).failures.size(), 1U);
    // Either the whole old set, or no set at all.
    EXPECT_EQ(info_of(place, old).state, GetParam() == 0 ? State::good : State::remains);
    EXPECT_TRUE(info_of(place, old).removal_begun);
  }
  auto place = open_place(dir.path());
  EXPECT_EQ(removed_of(prune(*place)), Names{old});
  EXPECT_THAT(dir.names(), ElementsAre(".state", kept));
  EXPECT_THAT(place->notes(kRemoving).value(), IsEmpty());
}
INSTANTIATE_TEST_SUITE_P(AfterFiles, Interrupted, testing::Values(0, 1, 2, 3),
                         testing::PrintToStringParamName());

TEST(PrunePlace, KeepsRemainsThatNobodyBeganToRemove) {  // a half restored copy, a foreign hand
  test::TempDir dir;
  auto old = make_set(dir.path());
  make_set(dir.path(), {.start = test::kSampleStart + 1h});
  fs::remove(dir.path(old + "/" + kManifest));
  auto place = open_place(dir.path());
  auto pruned = prune(*place);
  EXPECT_THAT(pruned.removed, IsEmpty());
  EXPECT_TRUE(pruned.verdicts[1].notice);
  EXPECT_TRUE(fs::exists(dir.path(old + "/" + kSnapshot)));
}

TEST(PrunePlace, ForgetsARemovalThatNeverReachedASetWhichIsKeptNow) {
  test::TempDir dir;
  auto set = make_set(dir.path());
  auto place = open_place(dir.path());
  ASSERT_TRUE(place->put_note(kRemoving, set, ""));
  EXPECT_THAT(removed_of(prune(*place)), IsEmpty());
  EXPECT_THAT(place->notes(kRemoving).value(), IsEmpty());
  EXPECT_EQ(info_of(*place, set).state, State::good);
}

TEST(PrunePlace, ForgetsRemovalsWhoseSetIsGone) {  // F-L14
  test::TempDir dir;
  make_set(dir.path());
  auto place = open_place(dir.path());
  ASSERT_TRUE(place->put_note(kRemoving, "prod-east_2020-01-01T000000Z_master-0", ""));
  // Another cluster's command may be at work on this one.
  ASSERT_TRUE(place->put_note(kRemoving, "prod-west_2020-01-01T000000Z_master-0", ""));
  prune(*place, true);
  EXPECT_EQ(place->notes(kRemoving).value().size(), 2U);
  prune(*place);
  EXPECT_THAT(place->notes(kRemoving).value(),
              ElementsAre("prod-west_2020-01-01T000000Z_master-0"));
}

TEST(PrunePlace, NeverTouchesWhatIsNotOurs) {  // F-L10
  test::TempDir dir;
  make_set(dir.path(), {.start = test::kSampleStart + 1h});
  fs::create_directory(dir.path("lost+found"));
  write_text(dir.path("notes.txt"), "mine");
  write_text(dir.path("prod-east_2020-01-01T000000Z_master-0"), "a file");
  fs::create_directory_symlink("/", dir.path("prod-east_2020-01-02T000000Z_master-0"));
  auto damaged = make_set(dir.path(), {.start = test::kSampleStart - 1h});
  write_text(dir.path(damaged + "/" + kManifest), "{");
  auto other = make_set(dir.path(), {.cluster = "prod-west"});
  auto names = dir.names();
  EXPECT_THAT(removed_of(prune(*open_place(dir.path()))), IsEmpty());
  EXPECT_EQ(dir.names(), names);
}

struct LeftoverCase {
  std::string name;
  std::string group;
  std::chrono::hours age;
  bool removed;
};
void PrintTo(const LeftoverCase& c, std::ostream* out) { *out << c.name; }
class CleanUp : public testing::TestWithParam<LeftoverCase> {};
TEST_P(CleanUp, Decides) {  // F-L18
  test::TempDir dir;
  auto kept = make_set(dir.path());
  auto leftover = ".incoming-" + GetParam().group;
  fs::create_directory(dir.path(leftover));
  write_text(dir.path(leftover + "/snapshot.db"), "half");
  auto now = now_utc();
  timespec times[2]{};
  times[0].tv_sec = times[1].tv_sec = (now - GetParam().age).time_since_epoch().count();
  ASSERT_EQ(::utimensat(AT_FDCWD, dir.path(leftover).c_str(), times, 0), 0);
  auto place = open_place(dir.path());
  auto done = clean_up(*place, {.cluster = "prod-east", .node = "master-0", .now = now});
  EXPECT_THAT(done.problems, IsEmpty());
  EXPECT_EQ(fs::exists(dir.path(leftover)), !GetParam().removed);
  if (GetParam().removed) {
    EXPECT_THAT(done.removed,
                ElementsAre("removed " + leftover + ", left by a run that did not end"));
  } else {
    EXPECT_THAT(done.removed, IsEmpty());
  }
  EXPECT_EQ(info_of(*place, kept).state, State::good);
}
INSTANTIATE_TEST_SUITE_P(
    Leftovers, CleanUp,
    testing::Values(
        LeftoverCase{"own_young", "prod-east_2026-11-21T020000Z_master-0", 0h, true},
        LeftoverCase{"own_old", "prod-east_2026-11-21T020000Z_master-0", 24h * 30, true},
        LeftoverCase{"other_node_young", "prod-east_2026-11-21T020000Z_master-1", 1h, false},
        LeftoverCase{"other_node_at_seven_days", "prod-east_2026-11-21T020000Z_master-1", 24h * 7,
                     false},
        LeftoverCase{"other_node_older", "prod-east_2026-11-21T020000Z_master-1", 24h * 7 + 1h,
                     true},
        LeftoverCase{"other_cluster_may_run_now", "prod-west_2026-11-21T020000Z_master-0", 0h,
                     false},
        LeftoverCase{"other_cluster_old", "prod-west_2026-11-21T020000Z_master-0", 24h * 30, false},
        LeftoverCase{"longer_node_name", "prod-east_2026-11-21T020000Z_master-01", 0h, false},
        LeftoverCase{"from_the_future", "prod-east_2026-11-21T020000Z_master-1", -24h * 30, false},
        LeftoverCase{"no_set_name", "something", 24h * 30, false}),
    [](const auto& test) { return test.param.name; });

TEST(CleanUp, LeavesAFileOrLinkWithTheNameOfALeftover) {
  test::TempDir dir;
  write_text(dir.path(".incoming-" + kSet), "a file");
  fs::create_directory_symlink("/", dir.path(".incoming-prod-east_2026-11-21T020000Z_master-0"));
  auto names = dir.names();
  auto place = open_place(dir.path());
  EXPECT_THAT(clean_up(*place, {"prod-east", "master-0", now_utc()}).removed, IsEmpty());
  EXPECT_EQ(dir.names(), names);
}

TEST(CleanUp, TellsALeftoverThatCannotBeRemovedAndGoesOn) {
  test::TempDir dir;
  fs::create_directories(dir.path(".incoming-prod-east_2026-11-21T010000Z_master-0/directory"));
  fs::create_directories(dir.path(".incoming-prod-east_2026-11-21T020000Z_master-0"));
  auto place = open_place(dir.path());
  auto done = clean_up(*place, {"prod-east", "master-0", now_utc()});
  EXPECT_EQ(done.removed.size(), 1U);
  ASSERT_EQ(done.problems.size(), 1U);
  EXPECT_THAT(done.problems[0], testing::HasSubstr("cannot be removed"));
}

TEST(PolicyOf, TakesEveryRuleOver) {
  config::Retention retention{.keep_last = 1,
                              .keep_within = 2h,
                              .keep_hourly = 3,
                              .keep_daily = 4,
                              .keep_weekly = 5,
                              .keep_monthly = 6,
                              .keep_yearly = 1ULL << 40,
                              .max_size_bytes = 7};
  auto policy = policy_of(retention);
  EXPECT_EQ(policy.keep_last, 1U);
  EXPECT_EQ(policy.keep_within, 2h);
  EXPECT_EQ(policy.keep_hourly, 3U);
  EXPECT_EQ(policy.keep_daily, 4U);
  EXPECT_EQ(policy.keep_weekly, 5U);
  EXPECT_EQ(policy.keep_monthly, 6U);
  EXPECT_EQ(policy.keep_yearly, ~0U) << "as much as there can be, not what is left of the number";
  EXPECT_EQ(policy.max_size_bytes, 7U);
}

}  // namespace
}  // namespace snap::jobs
