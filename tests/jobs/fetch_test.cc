// Sets that come back, from directories that stand for places.
#include "jobs/fetch.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>

#include <filesystem>
#include <format>

#include "base/file.h"
#include "jobs/make_set.h"
#include "support/faulty_destination.h"

namespace snap::jobs {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// A place whose snapshots cannot be read.
class Unreadable : public test::FaultyDestination {
 public:
  Unreadable(std::unique_ptr<dest::Destination> place, Code code)
      : FaultyDestination(std::move(place), std::make_shared<test::Fault>()), code_(code) {}
  Result<std::unique_ptr<stream::Source>> open(const std::string& group,
                                               const std::string& file) override {
    if (file == kSnapshot) return fail(code_, "injected fault");
    return FaultyDestination::open(group, file);
  }

 private:
  Code code_;
};

class Fetch : public testing::Test {
 protected:
  Fetch() { std::filesystem::create_directory(local()); }

  std::string local() const { return dir_.path("local"); }
  Place place() const {
    return {.name = "local",
            .type = "local",
            .label = local(),
            .open = [directory = local()](const std::stop_token&) {
              return Result<std::unique_ptr<dest::Destination>>(open_place(directory));
            }};
  }
  std::expected<Fetched, Failure> fetch(const std::string& set,
                                        std::function<void(uint64_t, uint64_t)> progress = {}) {
    return fetch_set(
        {place()},
        {.set = set, .directory = dir_.path("back"), .progress = std::move(progress), .stop = {}},
        log_);
  }

  test::TempDir dir_;
  report::Log log_{{.fd = -1}};
};

TEST_F(Fetch, HoldsTheLocalSetThatItReads) {  // F-P09
  auto set = make_set(local());
  int asked = 0;
  auto fetched = fetch(set, [&](uint64_t done, uint64_t total) {
    EXPECT_LE(done, total);
    auto removed = open_place(local())->remove(set, {kManifest});
    ASSERT_FALSE(removed);
    EXPECT_EQ(removed.error().code, Code::busy);
    ++asked;
  });
  ASSERT_TRUE(fetched) << fetched.error().error.message;
  EXPECT_GT(asked, 0);
  EXPECT_EQ(read_text(fetched->path + "/" + kSnapshot),
            read_text(local() + "/" + set + "/" + kSnapshot));
  EXPECT_TRUE(open_place(local())->remove(set, {kManifest}));
}

TEST_F(Fetch, LeavesASetAloneThatIsBeingRemoved) {  // F-P09
  auto set = make_set(local());
  auto remover = open_file(local() + "/" + set, O_RDONLY | O_DIRECTORY).value();
  ASSERT_EQ(::flock(remover.get(), LOCK_EX), 0);
  auto fetched = fetch(set);
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().exit, Exit::destination_failed);
  EXPECT_FALSE(std::filesystem::exists(dir_.path("back/" + set)));
}

// Somebody takes away what is being written: an error that a place could have had, too.
TEST_F(Fetch, BlamesTheDirectoryThatCannotBeWrittenAndAsksNoOtherPlace) {
  auto set = make_set(local());
  int asked = 0;
  auto other = place();
  other.name = "other";
  other.open = [&](const std::stop_token&) -> Result<std::unique_ptr<dest::Destination>> {
    ++asked;
    return fail(Code::unavailable, "not needed");
  };
  auto fetched = fetch_set(
      {place(), other},
      {.set = set,
       .directory = dir_.path("back"),
       .progress = [&](uint64_t, uint64_t) { fs::remove_all(dir_.path("back/.incoming-" + set)); }},
      log_);
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().exit, Exit::unexpected);
  EXPECT_THAT(fetched.error().error.message, HasSubstr(dir_.path("back")));
  EXPECT_EQ(asked, 0);
  EXPECT_FALSE(std::filesystem::exists(dir_.path("back/" + set)));
}

// The reverse: what the source cannot read is its own, however it is called.
TEST_F(Fetch, TakesTheNextPlaceWhenOneCannotBeRead) {
  auto set = make_set(local());
  for (auto code : {Code::internal, Code::denied, Code::no_space, Code::exists, Code::timeout}) {
    auto broken = place();
    broken.name = "broken";
    broken.open = [&](const std::stop_token&) {
      return Result<std::unique_ptr<dest::Destination>>(
          std::make_unique<Unreadable>(open_place(local()), code));
    };
    auto directory = dir_.path(std::format("back-{}", static_cast<int>(code)));
    auto fetched = fetch_set({broken, place()}, {.set = set, .directory = directory}, log_);
    ASSERT_TRUE(fetched) << fetched.error().error.message;
    EXPECT_EQ(fetched->from, "local");
  }
}

TEST_F(Fetch, SaysThatNoPlaceHasTheSet) {
  auto fetched = fetch(kSet);
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().exit, Exit::usage);
  EXPECT_THAT(fetched.error().error.message, HasSubstr("no place has it"));
}

}  // namespace
}  // namespace snap::jobs
