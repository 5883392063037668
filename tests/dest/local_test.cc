#include "dest/local.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "contract.h"
#include "support/temp_dir.h"

namespace snap::dest {
namespace {

namespace fs = std::filesystem;

unsigned mode_of(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 07777U : 0;
}

TEST(OpenLocal, CreatesTheDirectoryForItsOwnerOnly) {  // F-L09
  test::TempDir dir;
  ASSERT_TRUE(open_local(dir.path("sets"), true));
  EXPECT_EQ(mode_of(dir.path("sets")), 0700U);
}

TEST(OpenLocal, SaysWhatToDoWhenTheParentIsMissing) {  // F-L09
  test::TempDir dir;
  auto opened = open_local(dir.path("none/sets"), true);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::invalid);
  EXPECT_EQ(opened.error().hint, "create it: mkdir -p " + dir.path("none"));
}

TEST(OpenLocal, CreatesNothingForReaders) {
  test::TempDir dir;
  EXPECT_EQ(open_local(dir.path("sets"), false).error().code, Code::not_found);
  EXPECT_TRUE(dir.names().empty());
}

TEST(OpenLocal, ResolvesASymlinkOnceAndSaysSo) {  // F-L09
  test::TempDir dir;
  fs::create_directory(dir.path("real"));
  fs::permissions(dir.path("real"), fs::perms(0700));
  fs::create_directory_symlink(dir.path("real"), dir.path("link"));
  auto opened = open_local(dir.path("link"), true).value();
  EXPECT_EQ(opened.directory, dir.path("real"));
  ASSERT_EQ(opened.warnings.size(), 1U);
  EXPECT_NE(opened.warnings[0].find("symbolic link"), std::string::npos);
}

TEST(OpenLocal, RefusesADirectoryThatEverybodyMayWrite) {  // F-L09
  test::TempDir dir;
  fs::create_directory(dir.path("sets"));
  fs::permissions(dir.path("sets"), fs::perms(0777));
  EXPECT_EQ(open_local(dir.path("sets"), true).error().code, Code::invalid);
}

TEST(OpenLocal, WarnsOfADirectoryOfAnotherUser) {  // F-L09
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  test::TempDir dir;
  ASSERT_EQ(::chown(dir.path().c_str(), 4711, 4711), 0);
  auto opened = open_local(dir.path(), false);
  ASSERT_TRUE(opened);
  EXPECT_THAT(opened->warnings, testing::ElementsAre(testing::HasSubstr("belongs to user 4711")));
}

TEST(OpenLocal, RefusesAFile) {
  test::TempDir dir;
  ASSERT_TRUE(replace_file(dir.path("sets"), "", 0600));
  EXPECT_EQ(open_local(dir.path("sets"), true).error().code, Code::invalid);
}

TEST(Local, FilesAndGroupsAreForTheirOwnerOnly) {
  test::TempDir dir;
  auto place = std::move(open_local(dir.path("sets"), true).value().place);
  auto incoming = place->begin("g").value();
  ASSERT_TRUE(incoming->create("data").value()->finish());
  ASSERT_TRUE(incoming->publish());
  EXPECT_EQ(mode_of(dir.path("sets/g")), 0700U);
  EXPECT_EQ(mode_of(dir.path("sets/g/data")), 0600U);
}

TEST(Local, NeverOpensALinkOrAFifo) {
  test::TempDir dir;
  auto place = std::move(open_local(dir.path("sets"), true).value().place);
  fs::create_directory(dir.path("sets/g"));
  ASSERT_TRUE(replace_file(dir.path("outside"), "secret", 0600));
  fs::create_symlink(dir.path("outside"), dir.path("sets/g/link"));
  ASSERT_EQ(::mkfifo(dir.path("sets/g/fifo").c_str(), 0600), 0);
  EXPECT_EQ(place->open("g", "link").error().code, Code::corrupt);
  EXPECT_EQ(place->open("g", "fifo").error().code, Code::corrupt);
  auto files = place->files("g").value();
  for (const auto& file : files) EXPECT_FALSE(file.regular) << file.name;
}

TEST(Local, LeavesAGroupAloneWhileSomebodyReadsIt) {
  test::TempDir dir;
  auto place = std::move(open_local(dir.path("sets"), true).value().place);
  auto incoming = place->begin("g").value();
  ASSERT_TRUE(incoming->create("data").value()->finish());
  ASSERT_TRUE(incoming->publish());
  auto reader = open_file(dir.path("sets/g"), O_RDONLY | O_DIRECTORY).value();
  ASSERT_EQ(::flock(reader.get(), LOCK_SH), 0);
  EXPECT_EQ(place->remove("g", {"data"}).error().code, Code::busy);
  EXPECT_EQ(place->files("g").value().size(), 1U);
  ASSERT_TRUE(std::move(reader).close("reader"));
  EXPECT_TRUE(place->remove("g", {"data"}));
}

TEST(Local, AnEmptyDirectoryOfTheNameIsNotReplaced) {
  test::TempDir dir;
  auto place = std::move(open_local(dir.path("sets"), true).value().place);
  auto incoming = place->begin("g").value();
  ASSERT_TRUE(incoming->create("data").value()->finish());
  fs::create_directory(dir.path("sets/g"));
  EXPECT_EQ(incoming->publish().error().code, Code::exists);
  EXPECT_TRUE(fs::is_empty(dir.path("sets/g")));
}

TEST(Local, ListsForeignNamesWithoutTouchingThem) {
  test::TempDir dir;
  auto place = std::move(open_local(dir.path("sets"), true).value().place);
  ASSERT_TRUE(replace_file(dir.path("sets/README"), "x", 0600));
  fs::create_directory(dir.path("sets/lost+found"));
  auto entries = place->list().value();
  ASSERT_EQ(entries.size(), 2U);
  for (const auto& entry : entries) EXPECT_EQ(entry.directory, entry.name == "lost+found");
}

INSTANTIATE_TEST_SUITE_P(Local, Contract,
                         testing::Values(ContractCase{
                             "local",
                             [](const test::TempDir& dir) {
                               return std::move(open_local(dir.path("sets"), true).value().place);
                             }}),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace snap::dest
