// What a run proves beyond the bytes: that the members agree, and that etcd could have written it.
#include "cli/scenes.h"

namespace snap::cli {
namespace {

using test::Agent;
using test::FakeGrpc;
using test::HashKvScript;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const std::string kRequire = "etcd.compareMembers=require";

test::SnapshotScript answering(const HashKvScript& hash_kv) {
  auto script = test::good_script();
  script.hash_kv = hash_kv;
  return script;
}

TEST(CompareMembers, ProvesThatTheyHoldTheSame) {
  FakeGrpc fake(test::good_script());
  Agent agent({.endpoints = {fake.endpoint()}});
  auto run = agent.run({"run", "--set", kRequire});
  ASSERT_EQ(run.exit_code, 0) << run.text();
  EXPECT_THAT(outcome_of(run)["warnings"], IsEmpty());
  auto proof = agent.manifest_of(agent.sets()[0])["proof"];
  EXPECT_EQ(proof["members"]["result"], "passed");
  EXPECT_EQ(proof["mvcc"]["result"], "passed");
  EXPECT_EQ(proof["kubernetes"]["result"], "skipped");
}

TEST(CompareMembers, AsksNobodyWhenItIsOff) {
  FakeGrpc fake(test::good_script());
  Agent agent({.endpoints = {fake.endpoint()}});
  auto run = agent.run({"run", "--set", "etcd.compareMembers=off", "--set", "verify.level=digest"});
  ASSERT_EQ(run.exit_code, 0) << run.text();
  EXPECT_EQ(fake.requests("HashKV"), 0);
  auto proof = agent.manifest_of(agent.sets()[0])["proof"];
  EXPECT_EQ(proof["members"]["reason"], "etcd.compareMembers is off");
  EXPECT_EQ(proof["mvcc"]["reason"], "verify.level is digest");
}

// F-E15: such a set is kept, and pushes nothing out.
TEST(CompareMembers, WhoDifferMakeASetThatIsNotProven) {
  FakeGrpc fake(test::good_script());
  Agent agent(
      {.endpoints = {fake.endpoint()}, .more = "retention: {keepLast: 1, keepWithin: 0}\n"});
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  auto proven = agent.sets();
  for (const auto* mode : {"warn", "require"}) {
    fake.play(answering({.hash = 1, .hash_revision = 41}));
    auto run = agent.run({"run", "--set", std::string("etcd.compareMembers=") + mode});
    test::expect_failed_run(agent, run, 4, "prove", "members differ: the snapshot holds other");
    EXPECT_THAT(agent.sets(), testing::Contains(proven[0]));
    auto set = outcome_of(run)["set"].get<std::string>();
    EXPECT_THAT(agent.sets(), testing::Contains(set));
    EXPECT_EQ(agent.manifest_of(set)["proof"]["members"]["result"], "failed");
    EXPECT_EQ(outcome_of(run)["places"][0]["proven"], false);
  }
  fake.play(test::good_script());
  EXPECT_EQ(agent.run({"run"}).exit_code, 0);
}

struct Unasked {
  std::string name;
  HashKvScript hash_kv;
  std::string said;
  int snapshots;  // taken with `require`
};
void PrintTo(const Unasked& c, std::ostream* out) { *out << c.name; }
class CannotBeAsked : public testing::TestWithParam<Unasked> {};

// F-E14, F-E15
TEST_P(CannotBeAsked, IsSaidAndIsAFailureOnlyWhereItIsRequired) {
  FakeGrpc fake(answering(GetParam().hash_kv));
  Agent agent({.endpoints = {fake.endpoint()}});
  const std::vector<std::string> kLimit{"--set", "etcd.stallTimeout=1s"};
  auto run = agent.run({"run", kLimit[0], kLimit[1]});
  ASSERT_EQ(run.exit_code, 0) << run.text();
  EXPECT_THAT(run.err, HasSubstr(" warn  the members could not be compared: "));
  auto members = agent.manifest_of(agent.sets()[0])["proof"]["members"];
  EXPECT_EQ(members["result"], "skipped");
  EXPECT_THAT(members["reason"].get<std::string>(), HasSubstr(GetParam().said));
  EXPECT_EQ(outcome_of(run)["places"][0]["proven"], true);

  auto before = fake.requests("Snapshot");
  auto required = agent.run({"run", "--set", kRequire, kLimit[0], kLimit[1]});
  test::expect_failed_run(agent, required, 3, "prove", GetParam().said);
  EXPECT_THAT(agent.sets(), SizeIs(1));
  EXPECT_EQ(fake.requests("Snapshot") - before, GetParam().snapshots);
  fake.play(test::good_script());
  EXPECT_EQ(agent.run({"run", "--set", kRequire}).exit_code, 0);
}

INSTANTIATE_TEST_SUITE_P(
    Table, CannotBeAsked,
    testing::Values(
        Unasked{"hangs", {.hangs = true}, "not compared with fake: ", 1},
        Unasked{
            "refuses", {.grpc_status = 14, .grpc_message = "busy"}, "not compared with fake: ", 1},
        Unasked{"compacted",
                {.grpc_status = 11,
                 .grpc_message = "etcdserver: mvcc: required revision has been compacted"},
                "compacted: fake cannot tell of revision 41 any more",
                2}),
    [](const auto& test) { return test.param.name; });

// Bytes as the member sent them, but rows that no etcd writes: kept, since it may be all there is.
TEST(Mvcc, DamageMakesASetThatIsNotProven) {
  auto rows = test::small_rows(40);
  rows[0] = test::row(2, 0, "/key-0", "v", 1, 0, 77);  // a lease: no migration from etcd 2
  rows.erase(rows.begin() + 9);
  auto database = test::etcd_image(rows).database();
  FakeGrpc fake({.body = test::snapshot_body(database, 4096)});
  Agent agent({.endpoints = {fake.endpoint()}});
  auto run = agent.run({"run"});
  test::expect_failed_run(agent, run, 4, "prove", "the member's data is damaged: snapshot_");
  ASSERT_THAT(agent.sets(), SizeIs(1));
  auto set = agent.sets()[0];
  auto mvcc = agent.manifest_of(set)["proof"]["mvcc"];
  EXPECT_EQ(mvcc["result"], "failed");
  EXPECT_THAT(mvcc["reason"].get<std::string>(),
              AllOf(HasSubstr("page "), HasSubstr("rows are missing: 12_0 follows 10_0")));
  auto verify = agent.run({"verify", set, "-o", "json"});
  EXPECT_EQ(verify.exit_code, 4);
  EXPECT_EQ(test::parsed(verify.out)[0]["findings"][0]["level"], "mvcc");
  EXPECT_EQ(agent.run({"verify", "--level", "structure", agent.snapshot_of(set)}).exit_code, 0);
  EXPECT_EQ(agent.run({"verify", "--level", "kubernetes", agent.snapshot_of(set)}).exit_code, 2);
  auto lower = agent.run({"run", "--set", "verify.level=structure"});
  EXPECT_EQ(lower.exit_code, 0) << lower.text();
}

}  // namespace
}  // namespace snap::cli
