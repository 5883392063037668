// Places with directories, on a tree whose server has a clock of its own.
#include <gtest/gtest.h>

#include <chrono>

#include "base/time.h"
#include "dest/tree.h"

namespace snap::dest {
namespace {

using namespace std::chrono_literals;

// One group that is being written since ten minutes; `ahead` is the server's clock of ours.
class OtherClock : public Tree {
 public:
  explicit OtherClock(std::chrono::seconds ahead) : ahead_(ahead) {}
  std::string label() const override { return "a tree"; }
  Result<std::vector<Node>> list(const std::string&) override {
    return std::vector<Node>{{.name = ".incoming-g",
                              .kind = NodeKind::directory,
                              .changed = now_utc() + ahead_ - 10min}};
  }
  Result<Node> look(const std::string& path) override {
    return Node{.name = path, .kind = NodeKind::directory, .changed = now_utc() + ahead_};
  }
  Result<void> make_directory(const std::string&) override { return ++directories, Result<void>(); }
  Result<void> remove_directory(const std::string&) override {
    return --directories, Result<void>();
  }
  Result<std::unique_ptr<stream::Sink>> create(const std::string&) override { return unused(); }
  Result<std::unique_ptr<stream::Source>> open(const std::string&) override { return unused(); }
  Result<void> sync(const std::string&) override { return unused(); }
  Result<void> rename(const std::string&, const std::string&) override { return unused(); }
  Result<void> remove_file(const std::string&) override { return unused(); }
  Result<Space> space() override { return unused(); }

  int directories = 0;

 private:
  static std::unexpected<Error> unused() { return fail(Code::internal, "not part of this test"); }
  std::chrono::seconds ahead_;
};

// F-N12: what another node writes at this moment must never look a year old.
TEST(DirectoryPlace, TellsTheAgeOfLeftoversWhateverTheServersClockSays) {
  for (std::chrono::seconds ahead :
       {0s, -std::chrono::seconds(365 * 24h), +std::chrono::seconds(365 * 24h)}) {
    auto tree = std::make_unique<OtherClock>(ahead);
    auto& directories = tree->directories;
    auto place = directory_place(std::move(tree));
    auto leftovers = place->leftovers();
    ASSERT_TRUE(leftovers) << leftovers.error().message;
    ASSERT_EQ(leftovers->size(), 1U);
    auto age = now_utc() - leftovers->front().changed;
    EXPECT_GE(age, 9min);
    EXPECT_LE(age, 11min);
    EXPECT_EQ(directories, 1) << "only .state stays";
  }
}

}  // namespace
}  // namespace snap::dest
