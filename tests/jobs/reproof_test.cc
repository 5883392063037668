// Reading stored copies again while somebody else works on them.
#include "jobs/reproof.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>

#include <filesystem>
#include <functional>
#include <utility>

#include "base/file.h"
#include "jobs/make_set.h"
#include "support/faulty_destination.h"

namespace snap::jobs {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

// Does something once, right before the snapshot of a set is opened.
class WatchedPlace : public test::FaultyDestination {
 public:
  WatchedPlace(const std::string& directory, std::function<void()> act)
      : FaultyDestination(open_place(directory), std::make_shared<test::Fault>()),
        act_(std::move(act)) {}
  Result<std::unique_ptr<stream::Source>> open(const std::string& group,
                                               const std::string& file) override {
    if (file == kSnapshot && act_) std::exchange(act_, nullptr)();
    return FaultyDestination::open(group, file);
  }

 private:
  std::function<void()> act_;
};

class ProveAgain : public testing::Test {
 protected:
  ProveAgain() {
    fs::create_directory(directory());
    old_ = make_set(directory(), {.start = test::kSampleStart - 1h});
    set_ = make_set(directory());
  }
  std::string directory() const { return dir_.path("sets"); }

  Result<std::vector<Reproof>> prove(std::function<void()> meanwhile, ReproofRequest request = {}) {
    WatchedPlace place(directory(), std::move(meanwhile));
    auto inventory = read_inventory(place).value();
    return prove_again(place, inventory, request);
  }
  static std::vector<std::string> names(const std::vector<Reproof>& proofs) {
    std::vector<std::string> names;
    for (const auto& proof : proofs) names.push_back(proof.set);
    return names;
  }

  test::TempDir dir_;
  std::string old_, set_;
};

TEST_F(ProveAgain, LeavesOutASetThatSomebodyRemovesMeanwhile) {
  auto proofs = prove([&] { fs::remove_all(directory() + "/" + set_); });
  ASSERT_TRUE(proofs) << proofs.error().message;
  EXPECT_THAT(names(*proofs), ElementsAre(old_));
  EXPECT_TRUE(proofs->front().sound);
}

TEST_F(ProveAgain, SaysThatANamedSetIsGone) {
  auto proofs = prove([&] { fs::remove_all(directory() + "/" + set_); }, {.sets = {set_}});
  ASSERT_FALSE(proofs);
  EXPECT_EQ(proofs.error().code, Code::not_found);
  EXPECT_THAT(proofs.error().message, HasSubstr(set_));
}

// A near miss: files that are missing below a manifest are damage.
TEST_F(ProveAgain, CallsASetDamagedThatLosesAFile) {
  auto proofs = prove([&] { fs::remove(directory() + "/" + set_ + "/" + kSnapshot); });
  ASSERT_TRUE(proofs) << proofs.error().message;
  EXPECT_EQ(proofs->size(), 2U);
  for (const auto& proof : *proofs) {
    EXPECT_TRUE(proof.looked) << proof.problem;
    EXPECT_EQ(proof.sound, proof.set == old_) << proof.problem;
  }
}

TEST_F(ProveAgain, HoldsALocalSetWhileItReads) {  // F-P09
  int asked = 0;
  auto proofs = prove(
      [&] {
        auto removed = open_place(directory())->remove(set_, {kManifest});
        ASSERT_FALSE(removed);
        EXPECT_EQ(removed.error().code, Code::busy);
        ++asked;
      },
      {.local_directory = directory()});
  ASSERT_TRUE(proofs) << proofs.error().message;
  EXPECT_EQ(proofs->size(), 2U);
  EXPECT_EQ(asked, 1);
  EXPECT_TRUE(open_place(directory())->remove(set_, {kManifest}));
}

TEST_F(ProveAgain, LeavesOutALocalSetThatIsBeingRemoved) {  // F-P09
  auto remover = open_file(directory() + "/" + set_, O_RDONLY | O_DIRECTORY).value();
  ASSERT_EQ(::flock(remover.get(), LOCK_EX), 0);
  auto proofs = prove({}, {.local_directory = directory()});
  ASSERT_TRUE(proofs) << proofs.error().message;
  EXPECT_THAT(names(*proofs), ElementsAre(old_));
}

}  // namespace
}  // namespace snap::jobs
