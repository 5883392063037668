#include "jobs/whole_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "base/part.h"
#include "jobs/make_set.h"

namespace snap::jobs {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const std::string kToken = "0123456789abcdef";

class WholeFile : public testing::Test {
 protected:
  std::unique_ptr<stream::Sink> begin() {
    auto sink = create_whole_file(file).value();
    EXPECT_TRUE(sink->write(as_bytes(std::string_view("new"))));
    return sink;
  }
  std::string part(const std::string& token = kToken) const { return file + "." + token + ".part"; }

  test::TempDir dir;
  std::string file = dir.path("etcd.db");
};

TEST_F(WholeFile, TakesItsNameAtTheEnd) {
  write_text(file, "old");
  auto sink = begin();
  EXPECT_EQ(read_text(file), "old");
  EXPECT_THAT(parts_of(file), SizeIs(1));
  ASSERT_TRUE(sink->finish());
  EXPECT_EQ(read_text(file), "new");
  EXPECT_THAT(parts_of(file), IsEmpty());
  struct stat info{};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0600U);
}

TEST_F(WholeFile, LeavesNothingWithoutItsEnd) {
  write_text(file, "old");
  begin().reset();
  EXPECT_EQ(read_text(file), "old");
  EXPECT_THAT(dir.names(), ElementsAre("etcd.db"));
}

TEST_F(WholeFile, OfALivingProcessIsNotStale) {
  auto sink = begin();
  EXPECT_THAT(remove_stale_parts(file).removed, IsEmpty());
  ASSERT_TRUE(sink->finish());
  EXPECT_EQ(read_text(file), "new");
}

TEST_F(WholeFile, OfAKilledProcessIsRemoved) {
  int pipe[2];
  ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
  auto pid = ::fork();
  if (pid == 0) {
    auto sink = create_whole_file(file);
    (void)!::write(pipe[1], sink ? "+" : "-", 1);
    while (true) ::pause();
  }
  char answer = 0;
  ASSERT_EQ(::read(pipe[0], &answer, 1), 1);
  ::close(pipe[0]);
  ::close(pipe[1]);
  auto parts = parts_of(file);
  ASSERT_THAT(parts, SizeIs(1));
  EXPECT_THAT(remove_stale_parts(file).removed, IsEmpty()) << "it still lives";
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  EXPECT_EQ(remove_stale_parts(file).removed, parts);
  EXPECT_THAT(dir.names(), IsEmpty());
}

// What only looks like a part, or is somebody else's.
TEST_F(WholeFile, IsAloneWhatIsRemoved) {
  for (const auto& name :
       {part("0123"), part("0123456789abcdeX"), part(kToken + "0"), part() + ".bak",
        dir.path("etcd.db.part"), dir.path("other.db." + kToken + ".part")})
    write_text(name, "somebody's");
  fs::create_symlink(dir.path("etcd.db.part"), part("1123456789abcdef"));
  fs::create_directory(part("2123456789abcdef"));
  ASSERT_EQ(::mkfifo(part("3123456789abcdef").c_str(), 0600), 0);
  write_text(part("4123456789abcdef"), "two names");
  fs::create_hard_link(part("4123456789abcdef"), dir.path("second name"));
  write_text(part("5123456789abcdef"), "another user's");
  ASSERT_EQ(::chown(part("5123456789abcdef").c_str(), 65534, 65534), 0) << "run the tests as root";
  auto before = dir.names();
  write_text(part(), "ours, of a dead process");
  EXPECT_THAT(remove_stale_parts(file).removed, ElementsAre(part()));
  EXPECT_EQ(dir.names(), before);
}

}  // namespace
}  // namespace snap::jobs
