// A disk that gives errors at any read, a file that changes below us, descriptors that run out.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <format>
#include <fstream>

#include "snapshot/etcd_image.h"
#include "snapshot/hash_kv.h"
#include "snapshot/verify.h"
#include "support/failing_read.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace snap::snapshot {
namespace {

using test::BoltImage;
using test::FailingRead;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr size_t kReadBytes = 512 << 10;  // what the digest takes at once

// A compaction that is not finished makes status look at the rows a second time, HashKV a third.
std::string snapshot() {
  BoltImage::Pairs rows;
  for (int i = 2; i < 300; ++i)
    rows.push_back(test::row(i, 0, std::format("key-{}", i % 50), std::string(4'000, 'v'),
                             1 + (i - 2) / 50, 2 + (i - 2) % 50));
  return test::etcd_image(rows, {{"finishedCompactRev", test::row_key(10, 0)},
                                 {"scheduledCompactRev", test::row_key(20, 0)}})
      .snapshot();
}

class Fault : public testing::Test {
 protected:
  void SetUp() override { test::write_file(file_, content_); }

  // Calls `work` with the first read failing, then with the second, and so on. Returns how many.
  template <class Work>
  long each_read_fails(Work work) {
    for (long number = 0;; ++number) {
      FailingRead failing(number);
      auto done = work();
      if (!failing.happened()) {
        EXPECT_TRUE(done) << describe(done.error());
        return number;
      }
      EXPECT_FALSE(done) << "read " << number;
      if (done) return number;
      EXPECT_EQ(done.error().code, Code::internal);
      EXPECT_THAT(done.error().message, HasSubstr("input/output error"));
    }
  }

  // Verifies, and calls `change` whenever the digest has come further.
  std::vector<std::string> findings_while(const std::function<void(uint64_t done)>& change) {
    test::write_file(file_, content_);
    auto report = verify(file_, {.level = Level::digest,
                                 .threads = 1,
                                 .progress = [&](uint64_t done, uint64_t) { change(done); }});
    EXPECT_TRUE(report) << describe(report.error());
    std::vector<std::string> texts;
    if (report)
      for (const auto& finding : report->findings) texts.push_back(finding.what);
    return texts;
  }

  test::TempDir directory_;
  std::string file_ = directory_.path("s.db");
  const std::string content_ = snapshot();
};

TEST_F(Fault, OfTheDiskAtAnyReadIsAnErrorAndNoClaimAboutTheFile) {
  for (unsigned threads : {1, 2}) {
    EXPECT_GT(each_read_fails([&] { return verify(file_, {.threads = threads}); }), 8);
    EXPECT_GT(each_read_fails([&] { return read_status(file_, {.threads = threads}); }), 5);
    auto extent = read_extent(file_).value();
    EXPECT_GT(each_read_fails([&] { return hash_kv(file_, extent, 20, {.threads = threads}); }), 5);
  }
  EXPECT_GT(each_read_fails([&] { return read_extent(file_); }), 5);
  EXPECT_GT(each_read_fails([&] { return verify(file_, {.past_page_cache = true}); }), 5);
}

TEST_F(Fault, OfAFileThatIsCutWhileItsDigestIsTakenIsFound) {  // F-V10
  EXPECT_THAT(findings_while([&](uint64_t) { std::filesystem::resize_file(file_, kReadBytes); }),
              testing::Contains(HasSubstr("changed while reading: it was")));
}

TEST_F(Fault, OfAFileThatChangesWhileItIsReadIsFoundByItsTimeAndItsName) {  // F-V10
  EXPECT_THAT(findings_while([&](uint64_t) {
                const timespec times[2] = {{.tv_sec = 1, .tv_nsec = UTIME_OMIT}, {1, 0}};
                ::utimensat(AT_FDCWD, file_.c_str(), times, 0);
              }),
              ElementsAre("changed while reading: it was written to"));
  EXPECT_THAT(findings_while([&](uint64_t) { std::filesystem::remove(file_); }),
              ElementsAre("changed while reading: its name was removed or given to another file"));
}

TEST_F(Fault, OfAFileThatGrowsDuringStatusTakesTheNumbersBack) {  // F-V10
  auto report = read_status(file_, {.threads = 1, .progress = [&](uint64_t, uint64_t) {
                                      std::ofstream(file_, std::ios::app) << "x";
                                    }});
  ASSERT_TRUE(report) << describe(report.error());
  EXPECT_FALSE(report->status);
  ASSERT_EQ(report->findings.size(), 1U);
  EXPECT_THAT(report->findings[0].what, HasSubstr("changed while reading: it was"));
}

// The rows are looked at twice; before the second time, the meta pages are gone.
TEST_F(Fault, OfAFileThatChangesBetweenTwoLooksIsAnError) {
  auto report = read_status(file_, {.threads = 1, .progress = [&](uint64_t, uint64_t) {
                                      std::fstream in_place(file_, std::ios::in | std::ios::out);
                                      in_place << std::string(size_t{2} * 4096, '\0');
                                    }});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Code::corrupt);
  EXPECT_THAT(report.error().message, HasSubstr("s.db: changed while it was read"));
}

TEST_F(Fault, OfADescriptorIsAnError) {
  auto closed = verify(Fd(), "s.db", {});
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().message, "look at s.db: bad file descriptor");
  auto directory = verify(open_file(directory_.path(), O_RDONLY).value(), "here", {});
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().message, "here: is a directory");

  auto fd = open_file(file_, O_RDONLY).value();
  auto lost = verify(fd, "s.db",
                     {.level = Level::digest, .threads = 1, .progress = [&](auto done, auto total) {
                        if (done == total) ::close(fd.release());
                      }});
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().message, "look at s.db: bad file descriptor");
}

// The limit of this process: `more` descriptors beyond those that are open.
class FewDescriptors {
 public:
  explicit FewDescriptors(rlim_t more) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    Fd next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    rlimit limit{static_cast<rlim_t>(next.get()) + more, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

// Looked at without a limit, and read once without one before: the sanitizers need descriptors of
// their own where they meet a type for the first time.
TEST_F(Fault, OfTooFewDescriptorsIsAnErrorOrAReadingWithOne) {  // F-L22
  for (bool past_page_cache : {false, true}) {
    auto read = [&] { return verify(file_, {.past_page_cache = past_page_cache}); };
    auto read_with = [&](rlim_t more) {
      FewDescriptors few(more);
      return read();
    };
    auto unlimited = read();
    ASSERT_TRUE(unlimited) << describe(unlimited.error());
    auto none = read_with(0);
    ASSERT_FALSE(none);
    EXPECT_THAT(none.error().message, HasSubstr("s.db: too many open files"));
    EXPECT_THAT(none.error().hint, HasSubstr("ulimit -n"));
    // Walk and digest have a descriptor each where they can.
    auto one = read_with(1);
    ASSERT_TRUE(one) << describe(one.error());
    EXPECT_TRUE(one->sound());
    EXPECT_EQ(one->sha256, unlimited->sha256);
    EXPECT_TRUE(one->status.has_value());
  }
}

TEST_F(Fault, IsNotSeenInProgressPastThePageCache) {
  uint64_t last = 0;
  auto report = verify(file_, {.past_page_cache = true, .progress = [&](auto done, auto total) {
                                 EXPECT_GE(done, last);
                                 EXPECT_EQ(total, content_.size());
                                 last = done;
                               }});
  ASSERT_TRUE(report) << describe(report.error());
  EXPECT_EQ(last, content_.size());
}

}  // namespace
}  // namespace snap::snapshot
