// What lies in the directory of sets: listed, pinned, removed, pruned, and left alone.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>

#include "base/file.h"
#include "cli/scenes.h"

namespace snap::cli {
namespace {

namespace fs = std::filesystem;
using test::Agent;
using test::FakeGrpc;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// A directory that nobody may change while this lives: `chattr +i`. Needs root and a file system
// that knows it, as ext4, xfs and btrfs do.
class Immutable {
 public:
  explicit Immutable(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    set(true);
  }
  ~Immutable() { set(false); }
  Immutable(const Immutable&) = delete;
  bool works() const { return works_; }

 private:
  void set(bool on) {
    int flags = 0;
    works_ = ::ioctl(fd_.get(), FS_IOC_GETFLAGS, &flags) == 0;
    flags = on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
    works_ = works_ && ::ioctl(fd_.get(), FS_IOC_SETFLAGS, &flags) == 0;
  }
  Fd fd_;
  bool works_ = false;
};

class Sets : public testing::Test {
 protected:
  Sets() { agent.configure({.endpoints = {fake.endpoint()}}); }

  // Makes a set with this start, oldest first.
  std::string make(const std::string& start, const std::vector<std::string>& more = {}) {
    auto name = "prod-east_" + start + "_node-1";
    std::vector<std::string> args{"run", "--no-prune", "--set", name};
    args.insert(args.end(), more.begin(), more.end());
    auto run = agent.run(args);
    EXPECT_TRUE(run.exit_code == 0 || !more.empty()) << run.text();
    return name;
  }

  // prune -o json, by set.
  nlohmann::json verdicts(std::vector<std::string> args) {
    args.insert(args.begin(), {"prune", "-o", "json"});
    auto prune = agent.run(args);
    EXPECT_EQ(prune.exit_code, 0) << prune.text();
    auto shown = test::parsed(prune.out);
    nlohmann::json by_set;
    for (const auto& row : shown["sets"]) by_set[row["set"].get<std::string>()] = row;
    return by_set;
  }

  const std::vector<std::string> kKeepOne{"--set", "retention.keepLast=1", "--set",
                                          "retention.keepWithin=0"};
  FakeGrpc fake{test::good_script()};
  Agent agent;
};

TEST_F(Sets, AreRemovedByRetentionAndTheReasonIsTold) {
  agent.configure(
      {.endpoints = {fake.endpoint()}, .more = "retention: {keepLast: 2, keepWithin: 0}\n"});
  make("2026-01-01T000000Z");
  make("2026-01-02T000000Z");
  auto run = agent.run({"run"});
  ASSERT_EQ(run.exit_code, 0) << run.text();
  auto pruned = outcome_of(run)["places"][0]["pruned"];
  ASSERT_THAT(pruned, SizeIs(1));
  EXPECT_EQ(pruned[0]["set"], "prod-east_2026-01-01T000000Z_node-1");
  EXPECT_EQ(pruned[0]["reason"], "no rule keeps it");
  EXPECT_THAT(run.err, HasSubstr("removed prod-east_2026-01-01T000000Z_node-1: no rule keeps it"));
  EXPECT_THAT(agent.sets(), SizeIs(2));
  EXPECT_EQ(outcome_of(run)["places"][0]["sets"]["proven"], 2);
}

TEST_F(Sets, ThatAreNotProvenPushNothingOut) {  // F-P02, F-R01
  agent.configure({.endpoints = {fake.endpoint()},
                   .more = "retention: {keepLast: 1, keepWithin: 0}\n",
                   .include = ", /no/such/file"});
  auto old = make("2026-01-01T000000Z", {"--set", "resources.include=" + agent.host_tree()});
  auto older_unproven = make("2026-01-02T000000Z", {"--trigger", "x"});
  auto run = agent.run({"run"});
  EXPECT_EQ(run.exit_code, 4) << run.text();
  EXPECT_THAT(agent.sets(), Contains(old));
  EXPECT_THAT(agent.sets(), Not(Contains(older_unproven))) << "the newest unproven one is enough";
  EXPECT_EQ(agent.run({"verify", old}).exit_code, 0);
}

TEST_F(Sets, ThatArePinnedStayUntilTheyAreUnpinned) {  // F-P11
  auto first = make("2026-01-01T000000Z");
  make("2026-01-02T000000Z");
  ASSERT_EQ(agent.run({"pin", first}).exit_code, 0);
  EXPECT_EQ(agent.list()[1]["pinned"], true);
  EXPECT_EQ(verdicts(kKeepOne)[first]["reason"], "pinned");
  for (const auto* force : {"", "--force"}) {
    std::vector<std::string> args{"remove", first};
    if (*force != '\0') args.emplace_back(force);
    auto refused = agent.run(args);
    EXPECT_EQ(refused.exit_code, 2) << refused.text();
    EXPECT_THAT(refused.err, HasSubstr("it is pinned"));
  }
  ASSERT_EQ(agent.run({"unpin", first}).exit_code, 0);
  EXPECT_EQ(verdicts(kKeepOne)[first]["removed"], true);
  EXPECT_THAT(agent.sets(), SizeIs(1));
}

TEST_F(Sets, AreRemovedByNameUnderTheSameRules) {  // F-P11
  auto first = make("2026-01-01T000000Z");
  auto second = make("2026-01-02T000000Z");
  auto newest = make("2026-01-03T000000Z");
  auto refused = agent.run({"remove", newest, "--force"});
  EXPECT_EQ(refused.exit_code, 2) << refused.text();
  EXPECT_THAT(refused.err, HasSubstr("it is the newest proven set"));
  auto recent = agent.run({"remove", first});
  EXPECT_EQ(recent.exit_code, 2) << recent.text();
  EXPECT_THAT(recent.err, AllOf(HasSubstr("among the 5 newest"), HasSubstr("--force")));
  EXPECT_EQ(agent.run({"remove", first, "--force"}).exit_code, 0);
  EXPECT_EQ(agent.run({"remove", second, "--set", "retention.keepLast=1"}).exit_code, 0);
  EXPECT_THAT(agent.sets(), ElementsAre(newest));
  auto slip = agent.run({"remove", "prod-east_2026-01-03T000000Z_node-2"});
  EXPECT_EQ(slip.exit_code, 2) << slip.text();
  EXPECT_THAT(slip.err, HasSubstr(newest)) << "the nearest name is offered";
}

TEST_F(Sets, ThatAreReadAreNotRemovedUnderTheReader) {
  auto first = make("2026-01-01T000000Z");
  make("2026-01-02T000000Z");
  auto reader = open_file(agent.set_path(first), O_RDONLY | O_DIRECTORY).value();
  ASSERT_EQ(::flock(reader.get(), LOCK_SH), 0);
  std::vector<std::string> args{"remove", "--from", "local", "--force", first};
  auto refused = agent.run(args);
  EXPECT_EQ(refused.exit_code, 7) << refused.text();
  EXPECT_THAT(agent.sets(), SizeIs(2));
  reader = Fd();
  auto removed = agent.run(args);
  EXPECT_EQ(removed.exit_code, 0) << removed.text();
  EXPECT_THAT(removed.err, HasSubstr("removed " + first + " from local"));
}

TEST_F(Sets, StayInADryRunThatGivesAReasonForEach) {
  make("2026-01-01T000000Z");
  make("2026-01-02T000000Z");
  auto args = kKeepOne;
  args.emplace_back("--dry-run");
  auto before = test::contents(agent.sets_directory());
  auto found = verdicts(args);
  ASSERT_THAT(found, SizeIs(2));
  for (const auto& row : found) {
    EXPECT_FALSE(row["reason"].get<std::string>().empty());
    EXPECT_EQ(row["removed"], false);
  }
  EXPECT_EQ(found["prod-east_2026-01-01T000000Z_node-1"]["keep"], false);
  EXPECT_EQ(test::set_contents(agent).size(), before.size() - 1) << "the lock file is no set";
  args.insert(args.begin(), "prune");
  auto table = agent.run(args);
  EXPECT_THAT(table.out, AllOf(HasSubstr("would remove"), HasSubstr("no rule keeps it")));
}

TEST_F(Sets, ThatCannotBeRemovedGiveExit6AndHinderNoBackup) {  // F-P08
  auto first = make("2026-01-01T000000Z");
  auto second = make("2026-01-02T000000Z");
  Immutable held(agent.set_path(first));
  ASSERT_TRUE(held.works()) << "chattr +i: run the tests as root, on ext4, xfs or btrfs";
  std::vector<std::string> args{"run"};
  args.insert(args.end(), kKeepOne.begin(), kKeepOne.end());
  auto run = agent.run(args);
  test::expect_failed_run(agent, run, 6, "prune", first);
  auto outcome = outcome_of(run);
  EXPECT_EQ(outcome["places"][0]["proven"], true);
  EXPECT_EQ(outcome["places"][0]["pruned"][0]["set"], second) << "one refusal stops no other";
  EXPECT_THAT(agent.sets(), SizeIs(2));
  args[0] = "prune";
  EXPECT_EQ(agent.run(args).exit_code, 6);
  EXPECT_EQ(agent.run({"remove", first, "--force"}).exit_code, 6);
  EXPECT_EQ(agent.run({"verify", first}).exit_code, 0);
}

// F-L10, F-P04, F-P06, F-V07, F-V08: everything that is no good set of this cluster is shown, kept,
// and changed by nobody.
TEST_F(Sets, OfOthersAndDamagedOnesAreListedAndLeftAlone) {
  auto good = make("2026-01-01T000000Z");
  auto damaged = make("2026-01-02T000000Z");
  auto newer = make("2026-01-03T000000Z");
  auto remains = make("2026-01-04T000000Z");
  auto future = make("2099-01-05T000000Z");
  test::write_file(agent.set_path(damaged, "manifest.json"), "{ not json");
  auto manifest = agent.manifest_of(newer);
  manifest["schema"] = 2;
  test::write_file(agent.set_path(newer, "manifest.json"), manifest.dump());
  fs::remove(agent.set_path(remains, "manifest.json"));
  fs::create_directories(agent.set_path("lost+found"));
  test::write_file(agent.set_path("notes.txt"), "mine");
  fs::create_directories(agent.set_path("hostile\x1b[2Jname"));
  ASSERT_EQ(agent.run({"run", "--no-prune"}).exit_code, 0);

  std::map<std::string, nlohmann::json> listed;
  for (const auto& row : agent.list()) listed[row["set"]] = row;
  EXPECT_EQ(listed[good]["state"], "good");
  EXPECT_EQ(listed[damaged]["state"], "damaged");
  EXPECT_THAT(listed[damaged]["problem"].dump(), Not(HasSubstr("null")));
  EXPECT_EQ(listed[newer]["state"], "newer");
  EXPECT_EQ(listed[remains]["state"], "remains");
  EXPECT_EQ(listed[future]["state"], "good");
  EXPECT_EQ(listed["lost+found"]["state"], "foreign");
  auto table = agent.run({"list"});
  EXPECT_EQ(table.exit_code, 0) << table.text();
  EXPECT_THAT(table.out, Not(HasSubstr("\x1b")));

  auto before = test::contents(agent.sets_directory());
  std::vector<std::string> args{"run"};
  args.insert(args.end(), kKeepOne.begin(), kKeepOne.end());
  auto run = agent.run(args);
  ASSERT_EQ(run.exit_code, 0) << run.text();
  EXPECT_THAT(run.err, HasSubstr("dated in the future"));
  auto after = test::contents(agent.sets_directory());
  for (const auto& [path, content] : before) {
    bool is_ours =
        path.contains(good) || path.contains(".lock-") || path.contains("/prod-east_2026-11");
    if (is_ours) continue;
    EXPECT_EQ(after[path], content) << path;
  }
  EXPECT_THAT(agent.sets(), AllOf(Not(Contains(good)), Contains(damaged), Contains(newer),
                                  Contains(remains), Contains(future), Contains("lost+found")));
  EXPECT_EQ(agent.run({"verify", damaged}).exit_code, 4);
  EXPECT_THAT(agent.run({"verify", newer}).err + agent.run({"verify", newer}).out,
              HasSubstr("newer version"));
}

TEST_F(Sets, OfANameThatExistsAreNeverOverwritten) {
  auto name = make("2026-01-01T000000Z");
  auto before = test::set_contents(agent);
  auto run = agent.run({"run", "--set", name});
  EXPECT_EQ(run.exit_code, 1) << run.text();
  EXPECT_THAT(run.err, HasSubstr(name + " exists"));
  EXPECT_EQ(test::set_contents(agent), before);
  agent.expect_nothing_left();
}

TEST_F(Sets, AreVerifiedFileByFile) {
  auto set = make("2026-01-01T000000Z");
  auto archive = agent.manifest_of(set)["files"][1]["name"].get<std::string>();
  auto good = test::read_file(agent.set_path(set, archive));
  EXPECT_EQ(agent.run({"verify", set}).exit_code, 0);
  EXPECT_EQ(agent.run({"verify", agent.set_path(set)}).exit_code, 0);
  auto bad = good;
  bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 1);
  test::write_file(agent.set_path(set, archive), bad);
  auto found = agent.run({"verify", set});
  EXPECT_EQ(found.exit_code, 4) << found.text();
  EXPECT_THAT(found.out, AllOf(HasSubstr(archive), HasSubstr("DAMAGED")));
  test::write_file(agent.set_path(set, archive), good);
  auto snapshot = test::read_file(agent.snapshot_of(set));
  snapshot[20000] = static_cast<char>(snapshot[20000] ^ 1);
  test::write_file(agent.snapshot_of(set), snapshot);
  auto json = agent.run({"verify", "-o", "json", set});
  EXPECT_EQ(json.exit_code, 4);
  EXPECT_EQ(test::parsed(json.out)[0]["sound"], false);
  EXPECT_THAT(test::parsed(json.out)[0]["findings"], Not(IsEmpty()));
  EXPECT_EQ(agent.run({"verify", "no-such-file"}).exit_code, 2);
}

// The archive holds the host's files, and of nobody else.
TEST_F(Sets, HoldTheHostFilesThatWereNamed) {
  auto set = make("2026-01-01T000000Z");
  auto manifest = agent.manifest_of(set);
  auto archive = agent.set_path(set, manifest["files"][1]["name"]);
  auto listing = test::run({.argv = {"tar", "-tzf", archive}});
  ASSERT_EQ(listing.exit_code, 0) << listing.text();
  EXPECT_THAT(listing.out, HasSubstr(agent.host_tree().substr(1) + "/pki/sa.key"));
  auto key =
      test::run({.argv = {"tar", "-xzOf", archive, agent.host_tree().substr(1) + "/pki/sa.key"}});
  EXPECT_EQ(key.out, test::read_file(agent.host_tree() + "/pki/sa.key"));
  EXPECT_EQ(manifest["resources"]["paths"][0], agent.host_tree());
}

}  // namespace
}  // namespace snap::cli
