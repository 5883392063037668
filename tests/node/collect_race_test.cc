// Hosts that change while they are read: F-R02, F-R04.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "node/archive_check.h"
#include "node/collect.h"
#include "node/sinks.h"
#include "stream/memory.h"
#include "support/temp_dir.h"

namespace snap::node {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// Does `change` again and again on a thread of its own, until it is destroyed.
class Meddler {
 public:
  explicit Meddler(std::function<void(unsigned round)> change)
      : thread_([change = std::move(change), this](const std::stop_token& stop) {
          while (!stop.stop_requested()) change(rounds_++);
        }) {}
  unsigned rounds() const { return rounds_; }

 private:
  std::atomic<unsigned> rounds_ = 0;
  std::jthread thread_;
};

// A sink that changes the host at a moment that the test knows: as the first bytes arrive.
class MeddlingSink : public test::StringSink {
 public:
  explicit MeddlingSink(std::function<void()> change) : change_(std::move(change)) {}
  Result<void> write(Bytes data) override {
    if (change_) std::exchange(change_, nullptr)();
    return StringSink::write(data);
  }

 private:
  std::function<void()> change_;
};

ArchiveReport sound(const std::string& archive) {
  stream::StringSource source(archive);
  auto report = check_archive(source).value();
  for (const auto& finding : report.findings) ADD_FAILURE() << finding.entry << finding.text;
  return report;
}

void write(const std::string& path, std::string_view content) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path) << content;
}

TEST(CollectRace, NeverFollowsAParentThatBecomesALink) {
  test::TempDir host;
  write(host.path("outside/file"), "SECRET");
  write(host.path("etc/dir/file"), "mine");
  fs::create_directory_symlink(host.path("outside"), host.path("etc/trap"));
  unsigned refused = 0, read = 0;
  Meddler meddler([&](unsigned) {
    ::renameat2(AT_FDCWD, host.path("etc/dir").c_str(), AT_FDCWD, host.path("etc/trap").c_str(),
                RENAME_EXCHANGE);
  });
  for (int round = 0; round < 300 || meddler.rounds() < 100; ++round) {
    test::StringSink archive;
    CollectOptions options{.host_root = host.path()};
    options.roots = {{"/etc", NamedBy::config}};
    auto collected = collect(options, archive);
    ASSERT_TRUE(collected);
    for (const auto& entry : sound(archive.content).entries) {
      ASSERT_THAT(entry.name, testing::StartsWith("etc"));
      if (!entry.name.ends_with("/file")) continue;
      ASSERT_EQ(entry.size_bytes, 4U) << "the file outside has 6 bytes";
      ++read;
    }
    refused += collected->incomplete.empty() ? 0 : 1;
  }
  EXPECT_GT(read + refused, 0U);
}

TEST(CollectRace, MakesAWholeArchiveOfFilesThatGrowAndShrink) {
  test::TempDir host;
  auto path = host.path("etc/log"), large = host.path("etc/large");
  write(path, "start");
  write(large, std::string(2 << 20, 'l'));
  Meddler meddler([&](unsigned round) {
    ::truncate(path.c_str(), static_cast<off_t>((round * 7919) % 200000));
    ::truncate(large.c_str(), static_cast<off_t>((1 << 20) + (round * 7919) % 2000000));
  });
  for (int round = 0; round < 30 || meddler.rounds() < 100; ++round) {
    test::StringSink archive;
    CollectOptions options{.host_root = host.path()};
    options.roots = {{"/etc", NamedBy::config}};
    auto collected = collect(options, archive);
    ASSERT_TRUE(collected);
    auto report = sound(archive.content);
    ASSERT_EQ(report.entries.size(), 3U);
    ASSERT_EQ(report.bytes, collected->bytes);
  }
}

TEST(CollectRace, ReportsALargeFileThatWasCutWhileItWasRead) {
  test::TempDir host;
  write(host.path("etc/large"), test::noise(4 << 20));
  MeddlingSink archive([&] { ::truncate(host.path("etc/large").c_str(), 1 << 20); });
  CollectOptions options{.host_root = host.path()};
  options.roots = {{"/etc", NamedBy::config}};
  auto collected = collect(options, archive);
  ASSERT_TRUE(collected);
  ASSERT_EQ(collected->incomplete.size(), 1U);
  EXPECT_EQ(collected->incomplete[0].path, "/etc/large");
  EXPECT_EQ(collected->incomplete[0].text, "changed while it was read");
  EXPECT_EQ(sound(archive.content).bytes, 4U << 20);
}

struct Change {
  std::string name;
  std::function<void(const std::string& path)> change;
  std::string says;   // empty: the new file is archived, and nothing is wrong
  uint64_t size = 0;  // of what is archived
};
void PrintTo(const Change& c, std::ostream* out) { *out << c.name; }
class ChangeAfterTheWalk : public testing::TestWithParam<Change> {};

// /etc/a is written first and large enough that the sink sees bytes before /etc/b is opened.
TEST_P(ChangeAfterTheWalk, IsSeenWhenTheFileIsRead) {
  test::TempDir host;
  write(host.path("etc/a"), test::noise(1 << 19));
  write(host.path("etc/b"), "old");
  MeddlingSink archive([&] { GetParam().change(host.path("etc/b")); });
  CollectOptions options{.host_root = host.path()};
  options.roots = {{"/etc", NamedBy::profile}};
  auto collected = collect(options, archive);
  ASSERT_TRUE(collected);
  auto report = sound(archive.content);
  if (GetParam().says.empty()) {
    EXPECT_TRUE(collected->incomplete.empty());
    ASSERT_EQ(report.entries.size(), 3U);
    EXPECT_EQ(report.entries[2].size_bytes, GetParam().size);
    return;
  }
  ASSERT_EQ(collected->incomplete.size(), 1U);
  EXPECT_EQ(collected->incomplete[0].path, "/etc/b");
  EXPECT_THAT(collected->incomplete[0].text, HasSubstr(GetParam().says));
  EXPECT_EQ(report.entries.size(), 2U);
}

INSTANTIATE_TEST_SUITE_P(
    Changes, ChangeAfterTheWalk,
    testing::Values(Change{"grown", [](auto& path) { write(path, "longer than before"); }, "", 18},
                    Change{"replaced",
                           [](auto& path) {
                             write(path + ".new", "another");
                             fs::rename(path + ".new", path);
                           },
                           "", 7},
                    Change{"gone", [](auto& path) { fs::remove(path); }, "no such file"},
                    Change{"link",
                           [](auto& path) {
                             fs::remove(path);
                             fs::create_symlink("/etc/passwd", path);
                           },
                           "symbolic links"},
                    Change{"fifo",
                           [](auto& path) {
                             fs::remove(path);
                             ::mkfifo(path.c_str(), 0600);
                           },
                           "no regular file any more"},
                    Change{"directory",
                           [](auto& path) {
                             fs::remove(path);
                             fs::create_directory(path);
                           },
                           "no regular file any more"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace snap::node
