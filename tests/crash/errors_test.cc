// One system call fails, lies or is slow (F-L03 to F-L06, F-L08): the run says so, publishes
// nothing, leaves nothing, and the next one works.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <format>
#include <nlohmann/json.hpp>

#include "crash/rig.h"

namespace snap::crash {
namespace {

using testing::HasSubstr;

Paths paths_of(const Rig& rig, const std::string& name) {
  return {rig.agent.sets_directory(), name};
}

const char* const kKeepAll = "{keepLast: 50}";

struct Case {
  std::string name;
  std::string call;
  std::string error;
  int exit;
  Names (*paths)(const Paths&);
  int at_least;  // times that the call is made there
  std::string says;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class FailingCall : public testing::TestWithParam<Case> {
 protected:
  // The fault at the `when`th call on a path. False when there is no such call.
  bool fails(const std::string& name, const std::string& path, int when) {
    const auto& c = GetParam();
    Fault fault{c.call, std::format("error={}:when={}", c.error, when), {path}};
    auto run = rig.with_fault(fault, {"run", "--set", name});
    if (run.times == 0) {
      EXPECT_EQ(run.finished.exit_code, 0) << run.finished.text();
      return false;
    }
    EXPECT_EQ(run.finished.exit_code, c.exit) << run.finished.text() << run.trace;
    auto outcome = outcome_of(run.finished);
    EXPECT_THAT(outcome["error"]["message"].dump(), HasSubstr(c.says)) << run.finished.text();
    EXPECT_EQ(outcome["places"][0]["has_set"], false);
    rig.expect_tidy();
    return true;
  }

  Rig rig{kKeepAll};
};
TEST_P(FailingCall, PublishesNothingWhereverItIs) {
  const auto& c = GetParam();
  rig.make_set();
  auto before = rig.contents();
  int failed = 0;
  for (size_t at = 0; at < c.paths(paths_of(rig, rig.next_name())).size(); ++at) {
    for (int when = 1;; ++when) {
      auto name = rig.next_name();
      auto path = c.paths(paths_of(rig, name))[at];
      SCOPED_TRACE(std::format("{} {} at its {}th call on {}", c.call, c.error, when, path));
      if (!fails(name, path, when)) break;
      ++failed;
      EXPECT_TRUE(rig.contents() == before) << "older sets are untouched, and there is no new one";
    }
    before = rig.contents();  // with the set of the run that no fault reached
  }
  EXPECT_GE(failed, c.at_least) << "the fault did not take place";
  rig.expect_listed_sets_sound();
  rig.expect_tidy();
}

Names files(const Paths& p) { return p.files(); }
Names incoming(const Paths& p) { return {p.incoming}; }
// What becomes durable: the files, then the directory, then the name.
Names durable(const Paths& p) {
  auto all = p.files();
  all.insert(all.end(), {p.incoming, p.sets});
  return all;
}
Names sets_directory(const Paths& p) { return {p.sets}; }

std::vector<Case> full() {  // F-L03
  std::vector<Case> cases;
  for (const std::string error : {"ENOSPC", "EDQUOT"}) {
    auto says = error == "EDQUOT" ? "quota" : "no space left on device";
    cases.push_back({"write_" + error, "write", error, 8, files, 3, says});
    cases.push_back({"fsync_" + error, "fsync", error, 8, durable, 5, says});
    cases.push_back({"create_" + error, "openat", error, 8, incoming, 3, says});
    cases.push_back({"mkdir_" + error, "mkdirat", error, 8, sets_directory, 1, says});
    cases.push_back({"publish_" + error, "renameat2", error, 8, sets_directory, 1, says});
  }
  return cases;
}
std::vector<Case> broken() {  // F-L04, F-L05
  const std::string says = "input/output error";
  return {{"write_EIO", "write", "EIO", 1, files, 3, says},
          {"fsync_EIO", "fsync", "EIO", 1, durable, 5, says},
          {"publish_EIO", "renameat2", "EIO", 1, sets_directory, 1, says},
          {"create_EIO", "openat", "EIO", 1, incoming, 3, says},
          {"mkdir_EIO", "mkdirat", "EIO", 1, sets_directory, 1, says},
          {"remounted_read_only", "write", "EROFS", 1, files, 3, "read-only file system"},
          {"create_EROFS", "openat", "EROFS", 1, incoming, 3, "read-only file system"},
          {"read_back_EIO", "pread64", "EIO", 1, files, 1, says},
          {"read_archive_back_EIO", "read", "EIO", 1, files, 2, says}};
}
INSTANTIATE_TEST_SUITE_P(Full, FailingCall, testing::ValuesIn(full()),
                         [](const auto& test) { return test.param.name; });
INSTANTIATE_TEST_SUITE_P(Broken, FailingCall, testing::ValuesIn(broken()),
                         [](const auto& test) { return test.param.name; });

// close() of what was written may report it; close() of what was read has nothing to say.
class FailingClose : public testing::TestWithParam<std::pair<std::string, int>> {};
TEST_P(FailingClose, OfAWrittenFileIsNotOverlooked) {  // F-L03, F-L04
  Rig rig(kKeepAll);
  rig.make_set();
  for (size_t file = 0; file < 3; ++file) {
    int failed = 0;
    for (int when = 1, times = 1; times > 0; ++when) {
      auto name = rig.next_name();
      auto path = paths_of(rig, name).files()[file];
      SCOPED_TRACE(std::format("close of {}, the {}th", path, when));
      auto before = rig.contents();
      auto run =
          rig.with_fault({"close", std::format("error={}:when={}", GetParam().first, when), {path}},
                         {"run", "--set", name});
      times = run.times;
      if (run.finished.exit_code == 0) {
        EXPECT_EQ(rig.expect_listed_sets_sound().back(), name);
      } else {
        ++failed;
        EXPECT_EQ(run.finished.exit_code, GetParam().second) << run.finished.text();
        EXPECT_TRUE(rig.contents() == before);
      }
      rig.expect_tidy();
    }
    EXPECT_EQ(failed, 1) << "of " << paths_of(rig, rig.next_name()).files()[file];
  }
}
INSTANTIATE_TEST_SUITE_P(Errors, FailingClose,
                         testing::Values(std::pair("ENOSPC", 8), std::pair("EDQUOT", 8),
                                         std::pair("EIO", 1)),
                         [](const auto& test) { return test.param.first; });

struct Lie {
  std::string name;
  size_t file;  // of Paths::files()
  int bytes;    // said to be written, and not
};
void PrintTo(const Lie& c, std::ostream* out) { *out << c.name; }
class LostWrite : public testing::TestWithParam<Lie> {};
TEST_P(LostWrite, IsFoundByReadingBack) {  // F-L06
  Rig rig;
  rig.make_set();
  auto before = rig.contents();
  auto name = rig.next_name();
  Fault fault{"write",
              std::format("retval={}:when=1", GetParam().bytes),
              {paths_of(rig, name).files()[GetParam().file]}};
  auto run = rig.with_fault(fault, {"run", "--set", name});
  EXPECT_EQ(run.times, 1);
  EXPECT_EQ(run.finished.exit_code, 4) << run.finished.text();
  EXPECT_TRUE(rig.contents() == before);
  rig.expect_tidy();
  rig.make_set();
}
INSTANTIATE_TEST_SUITE_P(Of, LostWrite,
                         testing::Values(Lie{"snapshot", 0, 4096}, Lie{"archive", 1, 64},
                                         Lie{"manifest", 2, 64}),
                         [](const auto& test) { return test.param.name; });

TEST(Disk, ThatIsInterruptedIsTriedAgain) {  // F-L06
  Rig rig;
  for (int when = 1; when <= 3; ++when) {
    auto name = rig.next_name();
    Fault fault{"write", std::format("error=EINTR:when={}", when), paths_of(rig, name).files()};
    auto run = rig.with_fault(fault, {"run", "--set", name});
    EXPECT_EQ(run.finished.exit_code, 0) << run.finished.text();
  }
  EXPECT_EQ(rig.expect_listed_sets_sound().size(), 1U);
}

TEST(Disk, ThatIsSlowIsNotTakenForAStalledMember) {  // F-L08
  Rig rig;
  rig.cluster.fill(16);
  for (const std::string call : {"fsync", "write"}) {
    auto name = rig.next_name();
    Fault fault{call, "delay_enter=3000000:when=1", {paths_of(rig, name).snapshot}};
    auto run = rig.with_fault(fault, {"run", "--set", name, "--set", "etcd.stallTimeout=1s"});
    EXPECT_EQ(run.times, 1) << call;
    EXPECT_EQ(run.finished.exit_code, 0) << call << run.finished.text();
  }
}

TEST(Disk, ThatCannotBeReadIsNoClaimOfDamageForVerify) {  // F-L05
  Rig rig;
  auto name = rig.make_set();
  auto file = rig.agent.snapshot_of(name);
  auto verified = rig.with_fault({"pread64", "error=EIO:when=1", {file}}, {"verify", name});
  EXPECT_GE(verified.times, 1);
  EXPECT_EQ(verified.finished.exit_code, 1) << verified.finished.text();
  EXPECT_THAT(verified.finished.err, HasSubstr("input/output error"));
}

}  // namespace
}  // namespace snap::crash
