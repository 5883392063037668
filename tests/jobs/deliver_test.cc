// Shipping to many places: directories that stand for destinations, and such that fail.
#include "jobs/deliver.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <format>
#include <functional>
#include <utility>

#include "jobs/make_set.h"
#include "jobs/ship.h"
#include "support/faulty_destination.h"

namespace snap::jobs {
namespace {

namespace fs = std::filesystem;
using test::Fault;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class NoProgress : public report::Progress {
 public:
  void begin(std::string, uint64_t) override {}
  void update(uint64_t done) override {
    if (done > 0 && at_work) at_work();
  }
  void end() override {}
  std::function<void()> at_work;  // while a set is shipped
};

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory))
    names.push_back(entry.path().filename());
  std::ranges::sort(names);
  return names;
}

class Deliver : public testing::Test {
 protected:
  Deliver() { fs::create_directory(local()); }

  std::string local() const { return dir_.path("local"); }
  std::string there(const std::string& name) const { return dir_.path(name); }

  // A directory that stands for a destination.
  Place place(const std::string& name, std::shared_ptr<Fault> fault = std::make_shared<Fault>()) {
    auto directory = there(name);
    return {
        .name = name, .type = "nfs", .label = name, .open = [directory, fault](std::stop_token) {
          auto opened = dest::open_local(directory, true);
          return Result<std::unique_ptr<dest::Destination>>(
              std::make_unique<test::FaultyDestination>(std::move(opened.value().place), fault));
        }};
  }
  static Place unreachable(const std::string& name, Code code = Code::timeout) {
    return {.name = name, .type = "nfs", .label = name, .open = [code](std::stop_token) {
              return Result<std::unique_ptr<dest::Destination>>(fail(code, "connect: no answer"));
            }};
  }

  std::vector<Delivery> deliver(const std::vector<Place>& places, const std::string& set,
                                std::function<void(DeliveryRequest&)> change = {}) {
    auto inventory = read_inventory(*open_place(local())).value();
    DeliveryRequest request{.local_directory = local(),
                            .cluster = "prod-east",
                            .node = "master-0",
                            .started = test::kSampleStart + 1min,
                            .set = set};
    if (!inventory.sets.empty()) request.stream = inventory.sets.front().stream();
    if (change) change(request);
    return jobs::deliver(places, inventory, request,
                         {log_, progress_, [] { return test::kSampleStart + 2min; }, {}});
  }

  // Every file of the set is the same at both places.
  void expect_copy(const std::string& name, const std::string& set) {
    for (const auto& file : names_in(local() + "/" + set))
      EXPECT_TRUE(read_text(local() + "/" + set + "/" + file) ==
                  read_text(there(name) + "/" + set + "/" + file))
          << name << ": " << file;
  }
  std::vector<std::string> sets_at(const std::string& name) const {
    auto names = fs::exists(there(name)) ? names_in(there(name)) : std::vector<std::string>{};
    std::erase_if(names, [](const auto& n) { return n.starts_with('.'); });
    return names;
  }

  test::TempDir dir_;
  report::Log log_{{.fd = -1}};
  NoProgress progress_;
};

TEST_F(Deliver, BringsTheSetToEveryPlace) {
  auto set = make_set(local());
  auto done = deliver({place("a"), place("b")}, set);
  ASSERT_EQ(done.size(), 2U);
  for (const auto& delivery : done) {
    EXPECT_THAT(delivery.failures, IsEmpty());
    EXPECT_FALSE(delivery.facts.failed);
    EXPECT_TRUE(delivery.facts.has_set);
    EXPECT_TRUE(delivery.facts.proven);
    EXPECT_EQ(delivery.facts.proven_by, "read back");
    EXPECT_EQ(delivery.facts.sets->proven, 1U);
  }
  expect_copy("a", set);
  expect_copy("b", set);
}

TEST_F(Deliver, ADeadPlaceKeepsNoOtherFromItsSet) {
  auto set = make_set(local());
  auto done = deliver({unreachable("dead"), place("a")}, set);
  EXPECT_TRUE(done[0].facts.failed);
  ASSERT_EQ(done[0].failures.size(), 1U);
  EXPECT_EQ(done[0].failures[0].exit, Exit::destination_failed);
  EXPECT_THAT(done[0].failures[0].error.message, HasSubstr("destination dead: connect"));
  EXPECT_TRUE(done[1].facts.proven);
}

TEST_F(Deliver, ShipsWhatAPlaceMissesNewestFirstAndNoMoreThanAsked) {
  std::vector<std::string> old;
  for (int i = 1; i <= 6; ++i)
    old.push_back(make_set(local(), {.start = test::kSampleStart - i * 1h, .value = i}));
  auto set = make_set(local());
  auto keep_all = [](DeliveryRequest& request) { request.policy.keep_last = 20; };
  auto done = deliver({place("a")}, set, keep_all);
  EXPECT_THAT(done[0].facts.caught_up, ElementsAre(old[0], old[1], old[2], old[3]));
  done = deliver({place("a")}, "", [&](DeliveryRequest& request) {
    keep_all(request);
    request.most_old = 100;
  });
  EXPECT_THAT(done[0].facts.caught_up, ElementsAre(old[4], old[5]));
  EXPECT_EQ(sets_at("a").size(), 7U);
}

TEST_F(Deliver, ShipsNoOldSetThatRetentionWouldRemoveAtOnce) {
  auto kept = make_set(local(), {.start = test::kSampleStart - 1h});
  auto stale = make_set(local(), {.start = test::kSampleStart - std::chrono::days(30)});
  auto set = make_set(local());
  auto done = deliver({place("a")}, set,
                      [](DeliveryRequest& r) { r.policy = {.keep_last = 2, .keep_within = 24h}; });
  EXPECT_THAT(done[0].facts.caught_up, ElementsAre(kept));
}

TEST_F(Deliver, ShipsNoSetThatWasRemovedByName) {
  auto removed = make_set(local(), {.start = test::kSampleStart - 1h});
  auto set = make_set(local());
  auto opened = place("a").open({}).value();
  ASSERT_TRUE(opened->put_note(std::string(sets::kRemoved), removed, ""));
  auto done = deliver({place("a")}, set);
  EXPECT_THAT(done[0].facts.caught_up, IsEmpty());
  EXPECT_THAT(sets_at("a"), ElementsAre(set));
}

TEST_F(Deliver, ShipsNoOldSetThatIsNotProven) {
  make_set(local(), {.start = test::kSampleStart - 1h, .failed = "m2 differs"});
  auto set = make_set(local());
  EXPECT_THAT(deliver({place("a")}, set)[0].facts.caught_up, IsEmpty());
}

TEST_F(Deliver, ShipsTheSetOfThisRunAlsoWhenItIsNotProvenAndSaysSo) {
  auto set = make_set(local(), {.failed = "m2 differs"});
  auto done = deliver({place("a")}, set, [](DeliveryRequest& request) { request.proven = false; });
  EXPECT_TRUE(done[0].facts.has_set);
  EXPECT_FALSE(done[0].facts.proven);
  expect_copy("a", set);
}

TEST_F(Deliver, NeverPassesOnADamagedSet) {
  auto set = make_set(local());
  auto file = local() + "/" + set + "/" + kSnapshot;
  auto text = read_text(file);
  text[text.size() / 2] ^= 1;
  write_text(file, text);
  auto done = deliver({place("a")}, set);
  EXPECT_TRUE(done[0].facts.failed);
  EXPECT_EQ(done[0].failures.at(0).error.code, Code::corrupt);
  EXPECT_THAT(done[0].failures.at(0).error.hint, HasSubstr("verify"));
  EXPECT_THAT(names_in(there("a")), testing::Each(testing::Not(HasSubstr(set))));
}

TEST_F(Deliver, ADamagedOldSetStopsNothing) {
  auto bad = make_set(local(), {.start = test::kSampleStart - 1h});
  auto good = make_set(local(), {.start = test::kSampleStart - 2h});
  auto set = make_set(local());
  auto file = local() + "/" + bad + "/" + sets::snapshot_file_name(test::kSampleStart - 1h);
  auto text = read_text(file);
  text[100] ^= 1;
  write_text(file, text);
  auto done = deliver({place("a")}, set);
  EXPECT_FALSE(done[0].facts.failed);
  EXPECT_THAT(done[0].facts.caught_up, ElementsAre(good));
  EXPECT_THAT(done[0].warnings, ElementsAre(HasSubstr(bad + " was not shipped")));
}

TEST_F(Deliver, ASetThatIsThereAlreadyIsProvenAndLeft) {
  auto set = make_set(local());
  deliver({place("a")}, set);
  auto before = fs::last_write_time(there("a") + "/" + set + "/" + kSnapshot);
  auto done = deliver({place("a")}, set);
  EXPECT_TRUE(done[0].facts.proven);
  EXPECT_EQ(fs::last_write_time(there("a") + "/" + set + "/" + kSnapshot), before);
}

TEST_F(Deliver, ADamagedCopyThatIsThereIsNeverCalledProven) {
  auto set = make_set(local());
  deliver({place("a")}, set);
  auto file = there("a") + "/" + set + "/" + kSnapshot;
  auto text = read_text(file);
  text[100] ^= 1;
  write_text(file, text);
  auto done = deliver({place("a")}, set);
  EXPECT_TRUE(done[0].facts.failed);
  EXPECT_FALSE(done[0].facts.proven);
  EXPECT_EQ(done[0].failures.at(0).error.code, Code::corrupt);
}

TEST_F(Deliver, PrunesAPlaceOnlyAfterItGotTheSet) {
  auto old = make_set(local(), {.start = test::kSampleStart - 1h});
  deliver({place("a"), place("b")}, old);
  auto set = make_set(local());
  auto fault = std::make_shared<Fault>();
  fault->at = Fault::At::publish;
  fault->code = Code::denied;
  auto done = deliver({place("a"), place("b", fault)}, set, [](DeliveryRequest& request) {
    request.policy = {.keep_last = 1, .keep_within = 0s};
    request.prune = true;
  });
  EXPECT_THAT(sets_at("a"), ElementsAre(set));
  EXPECT_EQ(done[0].facts.pruned.size(), 1U);
  EXPECT_THAT(sets_at("b"), ElementsAre(old));
}

TEST_F(Deliver, PrunesNothingWhereThePlaceKeepsItsOwnRules) {
  auto old = make_set(local(), {.start = test::kSampleStart - 1h});
  deliver({place("a")}, old);
  auto set = make_set(local());
  auto own = place("a");
  own.prune = false;
  deliver({own}, set, [](DeliveryRequest& request) {
    request.policy = {.keep_last = 1, .keep_within = 0s};
    request.prune = true;
  });
  EXPECT_THAT(sets_at("a"), ElementsAre(old, set));
}

TEST_F(Deliver, HoldsTheSetThatItReads) {  // F-P09
  auto set = make_set(local());
  int asked = 0;
  progress_.at_work = [&] {
    auto removed = open_place(local())->remove(set, {kManifest});
    ASSERT_FALSE(removed);
    EXPECT_EQ(removed.error().code, Code::busy);
    ++asked;
  };
  auto done = deliver({place("a")}, set);
  EXPECT_TRUE(done[0].facts.proven);
  EXPECT_GT(asked, 0);
  EXPECT_TRUE(open_place(local())->remove(set, {kManifest}));
}

TEST_F(Deliver, MakesADirectoryThatLookersDoNot) {
  auto set = make_set(local());
  auto both = place("a");
  both.create = std::exchange(both.open, unreachable("a", Code::not_found).open);
  EXPECT_TRUE(deliver({both}, set)[0].facts.proven);
}

TEST_F(Deliver, ADamagedCopyFailsASyncAndIsAWarningOfARun) {
  auto old = make_set(local(), {.start = test::kSampleStart - 1h});
  deliver({place("a")}, old);
  fs::remove(there("a") + "/" + old + "/" + sets::snapshot_file_name(test::kSampleStart - 1h));
  auto set = make_set(local());
  auto told = HasSubstr("the copy of " + old + " there is damaged");
  auto run = deliver({place("a")}, set, [](DeliveryRequest& request) { request.prune = true; });
  EXPECT_FALSE(run[0].facts.failed);
  EXPECT_THAT(run[0].warnings, ElementsAre(told));
  auto sync = deliver({place("a")}, "");
  EXPECT_TRUE(sync[0].facts.failed);
  EXPECT_THAT(sync[0].facts.problem, told);
  ASSERT_EQ(sync[0].failures.size(), 1U);
  EXPECT_EQ(sync[0].failures[0].exit, Exit::destination_failed);
  EXPECT_EQ(sync[0].facts.sets->proven, 1U);  // it did everything else
}

TEST_F(Deliver, SaysWhatRetentionNoticedAtAPlace) {  // F-P04
  auto set = make_set(local());
  fs::create_directory(there("a"));
  fs::permissions(there("a"), fs::perms(0700));
  auto future = make_set(there("a"), {.start = test::kSampleStart + std::chrono::days(400)});
  auto done = deliver({place("a")}, set, [](DeliveryRequest& request) { request.prune = true; });
  EXPECT_THAT(done[0].warnings, ElementsAre(HasSubstr("a: " + future + ": ")));
}

// F-O02: no right to remove
TEST_F(Deliver, ARefusedRemovalIsAFailedPruneAndNoFailedDestination) {
  auto old = make_set(local(), {.start = test::kSampleStart - 1h});
  deliver({place("a")}, old);
  auto set = make_set(local());
  auto fault = std::make_shared<Fault>();
  fault->at = Fault::At::remove;
  fault->code = Code::denied;
  auto done = deliver({place("a", fault)}, set, [](DeliveryRequest& request) {
    request.policy = {.keep_last = 1, .keep_within = 0s};
    request.prune = true;
  });
  EXPECT_FALSE(done[0].facts.failed);
  EXPECT_TRUE(done[0].facts.proven);
  ASSERT_EQ(done[0].failures.size(), 1U);
  EXPECT_EQ(done[0].failures[0].exit, Exit::prune_failed);
}

// F-H13
TEST_F(Deliver, TheLocalDirectoryUnderAnotherNameIsNoDestination) {
  auto set = make_set(local());
  auto itself = place("local");
  itself.name = "mirror";
  auto done = deliver({itself}, set, [](DeliveryRequest& request) { request.prune = true; });
  EXPECT_TRUE(done[0].facts.failed);
  EXPECT_FALSE(done[0].facts.proven);
  EXPECT_THAT(done[0].facts.problem, HasSubstr("is the local directory itself"));
  EXPECT_THAT(sets_at("local"), ElementsAre(set));
}

// F-H13
TEST_F(Deliver, OnePlaceUnderTwoNamesIsCountedOnce) {
  auto set = make_set(local());
  auto again = place("a");
  again.name = "b";
  for (int round = 0; round < 20; ++round) {
    auto done = deliver({place("a"), again}, set);
    // Whoever comes first works there.
    EXPECT_NE(done[0].facts.proven, done[1].facts.proven);
    const auto& second = done[done[0].facts.proven ? 1 : 0].facts;
    EXPECT_TRUE(second.failed);
    EXPECT_THAT(second.problem, HasSubstr("is the same place as"));
  }
  EXPECT_THAT(names_in(there("a") + "/.state/here"), IsEmpty());
}

// What each fault of a place leads to: the same call tries again, or the place has failed and shows
// nothing.
struct FaultCase {
  std::string name;
  Fault::At at;
  Code code;
  uint64_t byte;
  bool flip;
  int times;
  bool arrives;
};
void PrintTo(const FaultCase& c, std::ostream* out) { *out << c.name; }
class DeliverFaults : public Deliver, public testing::WithParamInterface<FaultCase> {};

TEST_P(DeliverFaults, EndAsTheyShould) {
  const auto& wanted = GetParam();
  auto old = make_set(local(), {.start = test::kSampleStart - 1h});
  deliver({place("a")}, old);
  auto set = make_set(local());
  auto fault = std::make_shared<Fault>();
  fault->at = wanted.at;
  fault->code = wanted.code;
  fault->byte = wanted.byte;
  fault->flip = wanted.flip;
  fault->times = wanted.times;
  auto done = deliver({place("a", fault), place("b")}, set);
  EXPECT_GE(fault->happened.load(), 1);
  EXPECT_EQ(done[0].facts.proven, wanted.arrives);
  EXPECT_EQ(done[0].facts.failed, !wanted.arrives);
  EXPECT_TRUE(done[1].facts.proven);
  expect_copy("a", old);
  if (wanted.arrives) {
    expect_copy("a", set);
  } else {
    EXPECT_THAT(sets_at("a"), ElementsAre(old));
    EXPECT_EQ(done[0].failures.at(0).exit, Exit::destination_failed);
    // The next run brings what is missing.
    auto next = deliver({place("a")}, "");
    EXPECT_THAT(next[0].facts.caught_up, ElementsAre(set));
  }
  auto left = names_in(there("a"));
  EXPECT_TRUE(
      std::ranges::none_of(left, [](const auto& n) { return n.starts_with(".incoming-"); }));
}

INSTANTIATE_TEST_SUITE_P(
    Rows, DeliverFaults,
    testing::Values(
        FaultCase{"begin_once", Fault::At::begin, Code::unavailable, 0, false, 1, true},
        FaultCase{"begin_denied", Fault::At::begin, Code::denied, 0, false, 99, false},
        FaultCase{"create_once", Fault::At::create, Code::timeout, 0, false, 1, true},
        FaultCase{"cut_at_byte_0", Fault::At::write, Code::unavailable, 0, false, 1, true},
        FaultCase{"cut_at_byte_5000", Fault::At::write, Code::unavailable, 5000, false, 1, true},
        FaultCase{"cut_always", Fault::At::write, Code::unavailable, 5000, false, 99, false},
        FaultCase{"full", Fault::At::write, Code::no_space, 5000, false, 99, false},
        FaultCase{"finish_once", Fault::At::finish, Code::unavailable, 0, false, 1, true},
        FaultCase{"finish_full", Fault::At::finish, Code::no_space, 0, false, 99, false},
        FaultCase{"lies_once", Fault::At::open, Code::unavailable, 0, true, 1, true},
        FaultCase{"lies_always", Fault::At::open, Code::unavailable, 0, true, 99, false},
        FaultCase{"publish_once", Fault::At::publish, Code::timeout, 0, false, 1, true},
        FaultCase{"publish_denied", Fault::At::publish, Code::denied, 0, false, 99, false},
        FaultCase{"list_fails", Fault::At::list, Code::unavailable, 0, false, 99, false}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace snap::jobs
