// Real file systems on loop devices: a quota that is used up (F-L03), and bytes that change below
// the file system (F-L07).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "crash/rig.h"

namespace snap::crash {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class LoopDisk : public testing::Test {
 protected:
  LoopDisk() {
    fs::create_directory(sets);
    fs::permissions(sets, fs::perms(0700));
  }
  Rig rig;
  const std::string sets = rig.agent.sets_directory();
  const std::string image = rig.agent.path("image");
};

TEST_F(LoopDisk, QuotaThatIsUsedUpIsNamed) {  // F-L03
  rig.cluster.fill(16);
  auto script = "truncate -s 256m " + image + "\nmkfs.btrfs -q " + image + "\nmount -o loop " +
                image + " " + sets + "\nchmod 0700 " + sets + "\nbtrfs quota enable " + sets +
                "\nbtrfs qgroup limit 4M 0/5 " + sets +
                "\n\"$@\" || echo \"exit $?\"\necho left: $(ls -A " + sets +
                ")\nbtrfs qgroup limit none 0/5 " + sets + "\n\"$@\" && echo then it succeeds\n";
  auto run = rig.in_namespace(script, {"run"});
  EXPECT_THAT(run.out, AllOf(HasSubstr("exit 8\n"), HasSubstr("left: .lock-prod-east\n"),
                             HasSubstr("then it succeeds")))
      << run.text();
  EXPECT_THAT(run.err, HasSubstr("disk quota exceeded (the disk quota of this user"));
}

// The image is patched while the sync of the snapshot has been done and not yet been reported; the
// page cache of the file system above still has the bytes that were written.
TEST_F(LoopDisk, BytesThatChangeBelowTheFileSystemAreFound) {  // F-L07
  rig.cluster.ctl({"put", "/registry/pods/marked", "marker-of-the-disk-test"});
  auto name = rig.next_name();
  auto patch = rig.agent.path("patch.py");
  test::write_file(patch, R"(import sys, time
end = time.monotonic() + 20
while time.monotonic() < end:
    with open(sys.argv[1], "r+b") as image:
        at = data.find(b"marker-of-the-disk-test") if (data := image.read()) else -1
        if at >= 0:
            while at >= 0:
                image.seek(at)
                image.write(b"M")
                at = data.find(b"marker-of-the-disk-test", at + 1)
            print("patched")
            sys.exit()
    time.sleep(0.02)
)");
  auto slow = "strace -f -qq -o " + rig.agent.path("trace") +
              " -e trace=fsync -e inject=fsync:delay_exit=3000000 -P " + Paths(sets, name).snapshot;
  auto script = "truncate -s 32m " + image + "\nmkfs.ext4 -q " + image + "\nmount -o loop " +
                image + " " + sets + "\nrmdir " + sets + "/lost+found\nchmod 0700 " + sets +
                "\npython3 " + patch + " " + image + " &\n" + slow +
                " \"$@\" || echo \"exit $?\"\nwait\necho left: $(ls -A " + sets +
                ")\n\"$@\" && echo then it succeeds\n";
  auto run = rig.in_namespace(script, {"run", "--set", name});
  EXPECT_THAT(run.out,
              AllOf(HasSubstr("patched\n"), HasSubstr("exit 4\n"), Not(HasSubstr("left: prod")),
                    HasSubstr("left: .lock-prod-east\n"), HasSubstr("then it succeeds")))
      << run.text();
}

}  // namespace
}  // namespace snap::crash
