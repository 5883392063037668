#include "base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "support/temp_dir.h"

namespace snap {
namespace {

TEST(ErrnoError, SortsCausesIntoCodes) {
  EXPECT_EQ(errno_error(ENOSPC, "write x").code, Code::no_space);
  EXPECT_EQ(errno_error(EDQUOT, "write x").code, Code::no_space);
  EXPECT_EQ(errno_error(EROFS, "write x").code, Code::denied);
  EXPECT_EQ(errno_error(ENOENT, "open x").code, Code::not_found);
  EXPECT_EQ(errno_error(ENOTEMPTY, "rename x").code, Code::exists);
  EXPECT_EQ(errno_error(EIO, "fsync x").code, Code::internal);
  EXPECT_EQ(errno_error(ENOSPC, "write x").message, "write x: no space left on device");
}

TEST(ErrnoError, SaysWhatToDoAboutALimitOfOpenFiles) {
  auto error = errno_error(EMFILE, "open x");
  EXPECT_EQ(error.message, "open x: too many open files");
  EXPECT_NE(error.hint.find("ulimit -n"), std::string::npos);
  EXPECT_NE(errno_error(ENFILE, "open x").hint.find("fs.file-max"), std::string::npos);
}

TEST(ReplaceFile, ReplacesTheWholeContentAndLeavesNothingElse) {
  test::TempDir dir;
  auto path = dir.path("metrics.prom");
  ASSERT_TRUE(replace_file(path, "old", 0644));
  ASSERT_TRUE(replace_file(path, "new content", 0600));
  EXPECT_EQ(read_small_file(path, 100).value(), "new content");
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  EXPECT_EQ(dir.names(), std::vector<std::string>{"metrics.prom"});
}

TEST(ReplaceFile, LeavesTheOldContentWhenItFails) {
  test::TempDir dir;
  auto path = dir.path("d");
  std::filesystem::create_directory(path);
  std::filesystem::create_directory(path + "/full");
  auto result = replace_file(path, "x", 0600);
  ASSERT_FALSE(result);
  EXPECT_EQ(dir.names(), std::vector<std::string>{"d"});
}

TEST(OpenFile, FollowsNoSymlink) {
  test::TempDir dir;
  ASSERT_TRUE(replace_file(dir.path("real"), "x", 0600));
  std::filesystem::create_symlink("real", dir.path("link"));
  auto opened = open_file(dir.path("link"), O_RDONLY);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().hint.find("symbolic link"), std::string::npos);
}

TEST(ReadSmallFile, RefusesWhatIsTooLargeOrNoFile) {
  test::TempDir dir;
  ASSERT_TRUE(replace_file(dir.path("f"), "12345", 0600));
  EXPECT_EQ(read_small_file(dir.path("f"), 5).value(), "12345");
  EXPECT_EQ(read_small_file(dir.path("f"), 4).error().code, Code::invalid);
  ASSERT_EQ(::mkfifo(dir.path("fifo").c_str(), 0600), 0);
  EXPECT_EQ(read_small_file(dir.path("fifo"), 5).error().code, Code::invalid);
  EXPECT_EQ(read_small_file(dir.path("none"), 5).error().code, Code::not_found);
}

TEST(ParentDirectory, IsWhatStandsBeforeTheLastSlash) {
  EXPECT_EQ(parent_directory("/a/b"), "/a");
  EXPECT_EQ(parent_directory("/a"), "/");
  EXPECT_EQ(parent_directory("a"), ".");
}

}  // namespace
}  // namespace snap
