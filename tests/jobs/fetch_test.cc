// Sets that come back, from directories that stand for places.
#include "jobs/fetch.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>

#include <filesystem>

#include "base/file.h"
#include "jobs/make_set.h"

namespace snap::jobs {
namespace {

using testing::HasSubstr;

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
                                        std::function<void(uint64_t)> progress = {}) {
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
  auto fetched = fetch(set, [&](uint64_t) {
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

TEST_F(Fetch, SaysThatNoPlaceHasTheSet) {
  auto fetched = fetch(kSet);
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().exit, Exit::usage);
  EXPECT_THAT(fetched.error().error.message, HasSubstr("no place has it"));
}

}  // namespace
}  // namespace snap::jobs
