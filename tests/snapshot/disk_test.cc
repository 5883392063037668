// Proof that reads the disk: a real ext4 on a loop device, whose image is changed below it. Needs
// root, and mkfs.ext4.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <unistd.h>

#include <filesystem>
#include <format>

#include "base/file.h"
#include "snapshot/etcd_image.h"
#include "snapshot/verify.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace snap::snapshot {
namespace {

using testing::HasSubstr;

void must(const std::vector<std::string>& argv) {
  auto done = test::run({.argv = argv});
  ASSERT_TRUE(done.ok()) << argv.front() << " (package e2fsprogs or mount): " << done.text();
}

// A file system of 32 MiB in a file, mounted where only this process sees it.
class Disk : public testing::Test {
 protected:
  void SetUp() override {
    test::write_file(image_, "");
    std::filesystem::resize_file(image_, 32 << 20);
    std::filesystem::create_directory(mounted_);
    must({"mkfs.ext4", "-q", "-F", image_});
    ASSERT_EQ(::unshare(CLONE_NEWNS), 0) << "a mount namespace needs root";
    // Below a chroot "/" is no mount point: who made that has made its mounts private already.
    test::run({.argv = {"mount", "--make-rprivate", "/"}});
    must({"mount", "-o", "loop", image_, mounted_});
  }
  void TearDown() override { test::run({.argv = {"umount", mounted_}}); }

  // Writes a file of the disk and syncs it.
  void write(const std::string& content) {
    auto fd = open_file(file_, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ASSERT_TRUE(fd);
    ASSERT_TRUE(write_full(fd->get(), as_bytes(content), file_));
    ASSERT_TRUE(sync_file(fd->get(), file_));
  }
  // Changes a byte below the file system, where the image holds `what`.
  void change_image(const std::string& what) {
    auto image = read_small_file(image_, 64 << 20).value();
    auto at = image.find(what);
    ASSERT_NE(at, std::string::npos);
    auto fd = open_file(image_, O_WRONLY).value();
    char changed = '!';
    ASSERT_EQ(::pwrite(fd.get(), &changed, 1, static_cast<off_t>(at)), 1);
    ASSERT_EQ(::fsync(fd.get()), 0);
  }

  test::TempDir directory_;
  std::string image_ = directory_.path("image");
  std::string mounted_ = directory_.path("disk");
  std::string file_ = mounted_ + "/s.db";
};

std::string snapshot_with(const std::string& value) {
  test::BoltImage::Pairs rows;
  for (int i = 0; i < 40; ++i) rows.push_back(test::row(i + 2, 0, std::format("key-{}", i), value));
  return test::etcd_image(rows).snapshot();
}

TEST_F(Disk, ThatHoldsSomethingElseThanOurMemoryIsFound) {  // F-L07
  auto content = snapshot_with("written-and-synced");
  write(content);
  change_image("written-and-synced");
  EXPECT_TRUE(read_small_file(file_, 64 << 20).value() == content)
      << "memory does not know of the change";
  EXPECT_TRUE(verify(file_, {})->sound());
  for (auto level : {Level::structure, Level::digest}) {
    auto report = verify(file_, {.level = level, .past_page_cache = true});
    ASSERT_TRUE(report) << describe(report.error());
    ASSERT_FALSE(report->sound());
    EXPECT_THAT(describe(report->findings.front()), HasSubstr("SHA-256 of the content is"));
  }
}

}  // namespace
}  // namespace snap::snapshot
