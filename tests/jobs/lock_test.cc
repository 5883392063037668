#include "jobs/lock.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <format>

#include "jobs/make_set.h"

namespace snap::jobs {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

std::string host_name() {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return name;
}

// A process that holds the lock until it is killed.
class Holder {
 public:
  explicit Holder(const std::string& directory) {
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      auto lock = RunLock::acquire(directory, "prod-east", test::kSampleStart);
      (void)!::write(pipe[1], lock ? "+" : "-", 1);
      while (true) ::pause();
    }
    char answer = 0;
    if (::read(pipe[0], &answer, 1) != 1 || answer != '+') throw std::runtime_error("no lock");
    ::close(pipe[0]);
    ::close(pipe[1]);
  }
  Holder(const Holder&) = delete;
  ~Holder() { kill(); }

  pid_t pid() const { return pid_; }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
};

TEST(RunLock, IsHeldByOneAndNamesTheHolder) {  // F-L16
  test::TempDir dir;
  Holder holder(dir.path());
  auto second = RunLock::acquire(dir.path(), "prod-east", test::kSampleStart + 1min);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::unavailable);
  EXPECT_THAT(
      second.error().message,
      HasSubstr(std::format("pid {} on {} since 2026-11-21T01:30:00Z", holder.pid(), host_name())));
}

TEST(RunLock, OfADeadHolderBlocksNobody) {  // F-L16
  test::TempDir dir;
  Holder holder(dir.path());
  holder.kill();
  EXPECT_THAT(read_text(dir.path(".lock-prod-east")), HasSubstr("pid "));
  EXPECT_TRUE(RunLock::acquire(dir.path(), "prod-east", test::kSampleStart));
}

TEST(RunLock, IsFreeAgainWhenItsOwnerIsGone) {
  test::TempDir dir;
  {
    auto first = RunLock::acquire(dir.path(), "prod-east", test::kSampleStart).value();
  }
  EXPECT_TRUE(RunLock::acquire(dir.path(), "prod-east", test::kSampleStart));
}

TEST(RunLock, OfAnotherClusterIsAnotherLock) {
  test::TempDir dir;
  auto east = RunLock::acquire(dir.path(), "prod-east", test::kSampleStart);
  auto west = RunLock::acquire(dir.path(), "prod-west", test::kSampleStart);
  EXPECT_TRUE(east);
  EXPECT_TRUE(west);
}

TEST(RunLock, IsTheFileThatThePathLeadsTo) {  // F-L17
  test::TempDir dir;
  auto first = RunLock::acquire(dir.path(), "prod-east", test::kSampleStart).value();
  // Deleted by hand. The next owner makes the file anew, and that one counts from now on.
  fs::remove(dir.path(".lock-prod-east"));
  auto second = RunLock::acquire(dir.path(), "prod-east", test::kSampleStart);
  ASSERT_TRUE(second);
  auto third = RunLock::acquire(dir.path(), "prod-east", test::kSampleStart);
  EXPECT_EQ(third.error().code, Code::unavailable);
}

TEST(RunLock, RemembersTheStartsOfTheLastSets) {
  test::TempDir dir;
  auto start = test::kSampleStart;
  {
    auto lock = RunLock::acquire(dir.path(), "prod-east", start).value();
    EXPECT_FALSE(lock.had(start));
    for (int i = 0; i < 300; ++i) ASSERT_TRUE(lock.remember(start + std::chrono::hours(i)));
    EXPECT_TRUE(lock.had(start + std::chrono::hours(299)));
  }
  // What a write that was cut short leaves says nothing.
  write_text(dir.path(".lock-prod-east"),
             read_text(dir.path(".lock-prod-east")) + "2026-11-\n\n2026-01-01T00:00:00Z");
  auto lock = RunLock::acquire(dir.path(), "prod-east", start).value();
  EXPECT_TRUE(lock.had(start + std::chrono::hours(299)));
  EXPECT_TRUE(lock.had(start + std::chrono::hours(100)));
  EXPECT_FALSE(lock.had(start + std::chrono::hours(99))) << "200 are enough";
  EXPECT_FALSE(lock.had(start + std::chrono::minutes(1)));
  EXPECT_TRUE(lock.had(from_rfc3339("2026-01-01T00:00:00Z").value()));
  auto second = RunLock::acquire(dir.path(), "prod-east", start);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, Not(HasSubstr("2026-12"))) << "only the holder is named";
}

// A file system of its own, in which the first file always has the same inode number.
class Mounted {
 public:
  // In a mount namespace of its own, so that nothing outlives the test. Making mounts private is
  // refused in a chroot, where scripts/root has done it already.
  Mounted() {
    works_ =
        ::unshare(CLONE_NEWNS) == 0 &&
        (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 || errno == EINVAL) &&
        ::mount("none", dir_.path().c_str(), "tmpfs", 0, "size=64k") == 0;
  }
  Mounted(const Mounted&) = delete;
  ~Mounted() {
    if (works_) ::umount(dir_.path().c_str());
  }
  bool works() const { return works_; }
  const std::string& path() const { return dir_.path(); }
  ino_t lock_number() const {
    write_text(dir_.path(".lock-prod-east"), "");
    struct stat info{};
    return ::stat(dir_.path(".lock-prod-east").c_str(), &info) == 0 ? info.st_ino : 0;
  }

 private:
  test::TempDir dir_;
  bool works_ = false;
};

TEST(LockHolder, IsTheHolderOfThisFileAndOfNoneWithItsNumber) {
  Mounted held;
  Mounted other;
  ASSERT_TRUE(held.works() && other.works()) << "mount: run the tests as root";
  ASSERT_EQ(held.lock_number(), other.lock_number());
  EXPECT_FALSE(lock_holder(held.path(), "prod-east"));
  Holder holder(held.path());
  EXPECT_THAT(lock_holder(held.path(), "prod-east").value_or(""),
              HasSubstr(std::format("pid {} on", holder.pid())));
  EXPECT_FALSE(lock_holder(other.path(), "prod-east"));
  EXPECT_FALSE(lock_holder(held.path(), "prod-west"));
  holder.kill();
  EXPECT_FALSE(lock_holder(held.path(), "prod-east"));
}

struct Trap {
  std::string name;
  void (*set)(const std::string& path, const std::string& elsewhere);
};
void PrintTo(const Trap& trap, std::ostream* out) { *out << trap.name; }
class RunLockTraps : public testing::TestWithParam<Trap> {};
TEST_P(RunLockTraps, AreRefused) {  // F-L17
  test::TempDir dir;
  write_text(dir.path("elsewhere"), "precious");
  GetParam().set(dir.path(".lock-prod-east"), dir.path("elsewhere"));
  auto lock = RunLock::acquire(dir.path(), "prod-east", test::kSampleStart);
  ASSERT_FALSE(lock);
  EXPECT_THAT(lock.error().message, HasSubstr(".lock-prod-east"));
  EXPECT_EQ(read_text(dir.path("elsewhere")), "precious");
}
INSTANTIATE_TEST_SUITE_P(
    Kinds, RunLockTraps,
    testing::Values(
        Trap{"symlink", [](const auto& path, const auto& to) { fs::create_symlink(to, path); }},
        Trap{"dangling_symlink",
             [](const auto& path, const auto& to) { fs::create_symlink(to + ".none", path); }},
        Trap{"directory", [](const auto& path, const auto&) { fs::create_directory(path); }}),
    [](const auto& test) { return test.param.name; });

TEST(HoldSet, KeepsASetFromBeingRemoved) {
  test::TempDir dir;
  auto set = make_set(dir.path());
  auto place = open_place(dir.path());
  {
    auto reader = hold_set(dir.path(set)).value();
    auto another = hold_set(dir.path(set));
    EXPECT_TRUE(another) << "readers do not keep each other out";
    auto removed = place->remove(set, {kManifest});
    ASSERT_FALSE(removed);
    EXPECT_EQ(removed.error().code, Code::busy);
    EXPECT_TRUE(fs::exists(dir.path(set + "/" + kManifest)));
  }
  EXPECT_TRUE(place->remove(set, {kManifest}));
  EXPECT_FALSE(fs::exists(dir.path(set + "/" + kManifest)));
}

TEST(HoldSet, SaysThatASetIsBeingRemoved) {
  test::TempDir dir;
  auto set = make_set(dir.path());
  auto remover = open_file(dir.path(set), O_RDONLY | O_DIRECTORY).value();
  ASSERT_EQ(::flock(remover.get(), LOCK_EX | LOCK_NB), 0);
  auto held = hold_set(dir.path(set));
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().code, Code::unavailable);
  EXPECT_THAT(held.error().message, HasSubstr("being removed"));
}

}  // namespace
}  // namespace snap::jobs
