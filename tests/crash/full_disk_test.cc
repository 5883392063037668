// Real file systems that are full, have no inodes left or are read-only (F-L01, F-L02, F-L04).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "crash/rig.h"

namespace snap::crash {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// A rig whose sets lie on a mount point that scripts mount something on.
class FullDisk : public testing::Test {
 protected:
  void configure(const std::string& reserve) {
    auto setup = test::AgentSetup::of(rig.cluster);
    setup.local = "  reserve: " + reserve + "\n";
    rig.agent.configure(setup);
    fs::create_directory(sets);
    fs::permissions(sets, fs::perms(0700));
  }
  // Mounts a tmpfs, runs the program, prints its exit status, then what is there and how much is
  // used.
  std::string tmpfs(const std::string& options, const std::string& program = "\"$@\"",
                    const std::string& before = ":") const {
    return "mount -t tmpfs -o mode=0700," + options + " tmpfs " + sets + "\ncd " + sets + "\n" +
           before + "\nused=$(df --output=used . | tail -n 1)\n" + program +
           " || echo \"exit $?\"\necho left: $(ls -A | tr '\\n' ' ')\n"
           "[ \"$used\" = \"$(df --output=used . | tail -n 1)\" ] || echo \"room was not given "
           "back\"\n";
  }

  Rig rig;
  const std::string sets = rig.agent.sets_directory();
};

TEST_F(FullDisk, IsSeenBeforeTheFirstByte) {  // F-L01
  configure("8MiB");
  auto run = rig.in_namespace(tmpfs("size=4m", "\"$@\"", "echo nobody >.lock-prod-east"), {"run"});
  EXPECT_THAT(run.out, AllOf(HasSubstr("exit 8\n"), HasSubstr("\"exit_name\":\"no_space\""),
                             Not(HasSubstr("incoming")), Not(HasSubstr("exit 0"))));
  EXPECT_THAT(run.err, AllOf(HasSubstr("not enough space at " + sets), HasSubstr("are free"),
                             HasSubstr("the snapshot needs"), HasSubstr("8.4 MB must stay free"),
                             HasSubstr("etcd-snapshot prune would free 0 B")));
}

TEST_F(FullDisk, SaysWhatPruneWouldFree) {  // F-L01
  configure("1KiB");
  auto old = rig.make_set();
  rig.make_set();
  configure("9000000GiB");
  auto run =
      rig.agent.run({"run", "--set", "retention.keepLast=1", "--set", "retention.keepWithin=0s"});
  EXPECT_EQ(run.exit_code, 8) << run.text();
  EXPECT_THAT(run.err, HasSubstr("etcd-snapshot prune would free 21 kB"));
  EXPECT_EQ(rig.agent.sets().size(), 2U);
}

TEST_F(FullDisk, WithoutInodesIsToldFromOneWithoutSpace) {  // F-L01
  configure("1KiB");
  auto run = rig.in_namespace(
      tmpfs("size=64m,nr_inodes=6", "\"$@\"", "echo nobody >.lock-prod-east"), {"run"});
  EXPECT_THAT(run.out, AllOf(HasSubstr("exit 8\n"), Not(HasSubstr(".incoming"))));
  EXPECT_THAT(run.err, AllOf(HasSubstr("no inodes left at " + sets + ": 4 are free"),
                             Not(HasSubstr("not enough space"))));
}

TEST_F(FullDisk, WithoutAnInodeForTheLockIsNoSpace) {  // F-L01
  configure("1KiB");
  auto run = rig.in_namespace(tmpfs("size=64m,nr_inodes=1"), {"run"});
  EXPECT_THAT(run.out, HasSubstr("exit 8\n")) << run.text();
  EXPECT_THAT(run.err, HasSubstr(".lock-prod-east"));
}

TEST_F(FullDisk, ThatANeighbourFillsInMidStreamIsLeftAsItWas) {  // F-L02
  configure("1KiB");
  rig.cluster.fill(16);
  // Slow writes, so that the neighbour comes in time: it fills the disk as soon as the snapshot
  // has its first bytes, and goes when the run is over.
  auto slow = std::string("strace -f -qq -o ") + rig.agent.path("trace") +
              " -e trace=write -e inject=write:delay_enter=20000 \"$@\"";
  auto program =
      "( while [ -z \"$(find . -name '*.db' -size +0)\" ]; do sleep 0.01; done\n"
      "  dd if=/dev/zero of=filler bs=64k 2>/dev/null ) &\n"
      "{ " +
      slow + " || echo \"exit $?\"; wait; rm -f filler; }";
  auto run = rig.in_namespace(tmpfs("size=40m", program, "echo nobody >.lock-prod-east"), {"run"});
  EXPECT_THAT(run.out, AllOf(HasSubstr("exit 8\n"), HasSubstr("left: .lock-prod-east\n"),
                             Not(HasSubstr("not given back"))))
      << run.text();
  EXPECT_THAT(run.err, HasSubstr("no space left on device"));
}

TEST_F(FullDisk, ThatIsReadOnlyIsNamed) {  // F-L04
  configure("1KiB");
  rig.make_set();
  auto before = rig.contents();
  auto run = rig.in_namespace("mount --bind " + sets + " " + sets + "\nmount -o remount,ro,bind " +
                                  sets + "\n\"$@\" || echo \"exit $?\"\n",
                              {"run"});
  EXPECT_THAT(run.out, HasSubstr("exit 1\n")) << run.text();
  EXPECT_THAT(run.err, HasSubstr("read-only file system"));
  EXPECT_TRUE(rig.contents() == before);
}

TEST_F(FullDisk, CanStillBePruned) {
  configure("1KiB");
  auto old = rig.make_set({"--no-prune"});
  auto kept = rig.make_set({"--no-prune"});
  fs::rename(sets, rig.agent.path("copy"));
  fs::create_directory(sets);
  auto script = "mount -t tmpfs -o mode=0700,size=4m tmpfs " + sets + "\ncp -a " +
                rig.agent.path("copy") + "/. " + sets + "\ncd " + sets +
                "\ndd if=/dev/zero of=filler bs=4k 2>/dev/null || :\n\"$@\" || echo \"exit $?\"\n"
                "echo left: $(ls | tr '\\n' ' ')\n";
  auto run = rig.in_namespace(
      script, {"prune", "--set", "retention.keepLast=1", "--set", "retention.keepWithin=0s"});
  EXPECT_THAT(run.out, AllOf(HasSubstr("left: filler " + kept), Not(HasSubstr("exit "))))
      << run.text();
}

}  // namespace
}  // namespace snap::crash
