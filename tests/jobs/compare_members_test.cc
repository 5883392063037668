#include "jobs/compare_members.h"

#include <gmock/gmock.h>

#include "support/fake_grpc.h"

namespace snap::jobs {
namespace {

using namespace std::chrono_literals;
using sets::Outcome;
using testing::HasSubstr;

constexpr uint64_t kSource = 1;
const snapshot::Extent kExtent{.last_row = 100, .finished = 50, .scheduled = 50};

// What the snapshot itself has: its hash depends on the compaction.
uint32_t own(int64_t compacted) { return static_cast<uint32_t>(1000 + compacted); }

MemberAnswer member(uint64_t id, uint32_t hash, int64_t compacted = 50, int64_t at = 100) {
  return {id, "m" + std::to_string(id),
          etcd::HashKv{.hash = hash, .compact_revision = compacted, .hash_revision = at}};
}
MemberAnswer refused(uint64_t id, Code code, const std::string& why) {
  return {id, "m" + std::to_string(id), fail(code, why)};
}

struct Case {
  std::string name;
  std::vector<MemberAnswer> answers;
  Outcome outcome;
  std::string reason;
  bool compacted = false;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
class Compared : public testing::TestWithParam<Case> {};

TEST_P(Compared, IsNeverCalledAgreementWithoutAnAnswerOfEach) {
  auto result = compare_members(GetParam().answers, kSource, kExtent, [](int64_t compacted) {
    return Result<snapshot::LocalHash>(snapshot::LocalHash{own(compacted), compacted != 99});
  });
  ASSERT_TRUE(result);
  EXPECT_EQ(result->outcome, GetParam().outcome) << result->reason;
  EXPECT_EQ(result->reason, GetParam().reason);
  EXPECT_EQ(any_compacted(GetParam().answers, kExtent), GetParam().compacted);
}

// F-E14, F-E15
INSTANTIATE_TEST_SUITE_P(
    Table, Compared,
    testing::Values(
        Case{"one", {member(1, own(50))}, Outcome::passed, ""},
        Case{"three",
             {member(1, own(50)), member(2, own(50)), member(3, own(50))},
             Outcome::passed,
             ""},
        // One compacted again meanwhile; 3.4 and 3.5 do not name the revision.
        Case{"compacted_differently",
             {member(1, own(50)), member(2, own(70), 70, 0)},
             Outcome::passed,
             ""},
        Case{"one_odd",
             {member(1, own(50)), member(2, 7), member(3, own(50))},
             Outcome::failed,
             "m2 holds other data than m1, m3 and the snapshot at revision 100"},
        Case{"the_source_odd",
             {member(1, own(50)), member(2, 7), member(3, 7)},
             Outcome::failed,
             "m1 holds other data than m2, m3 at revision 100, and the snapshot has it"},
        Case{"two_against_each_other",
             {member(1, own(50)), member(2, 7)},
             Outcome::failed,
             "m1 and m2 hold different data at revision 100, and neither side is a majority"},
        Case{"all_against_the_snapshot",
             {member(1, 7), member(2, 7), member(3, 7)},
             Outcome::failed,
             "the snapshot holds other data than m1, m2, m3 at revision 100"},
        Case{"all_different",
             {member(1, own(50)), member(2, 7), member(3, 8)},
             Outcome::failed,
             "m1 and m2, m3 hold different data at revision 100, and neither side is a majority"},
        Case{"odd_and_unreachable",
             {member(1, own(50)), member(2, 7), member(3, own(50)),
              refused(4, Code::timeout, "no answer within 60 s")},
             Outcome::failed,
             "m2 holds other data than m1, m3 and the snapshot at revision 100; not compared with "
             "m4: no answer within 60 s"},
        Case{"unreachable",
             {member(1, own(50)), refused(2, Code::unavailable, "connect: refused")},
             Outcome::skipped,
             "not compared with m2: connect: refused"},
        Case{"learner",
             {member(1, own(50)), refused(2, Code::denied, "a learner does not tell")},
             Outcome::skipped,
             "not compared with m2: a learner does not tell"},
        Case{"behind",
             {member(1, own(50)),
              refused(2, Code::not_found, "required revision is a future revision")},
             Outcome::skipped,
             "not compared with m2: required revision is a future revision"},
        Case{"compacted",
             {member(1, own(50)),
              refused(2, Code::not_found, "required revision has been compacted")},
             Outcome::skipped,
             "compacted: m2 cannot tell of revision 100 any more",
             true},
        // The hash that the last compaction left, over rows that the snapshot has no more.
        Case{"cached",
             {member(1, 7, 30), member(2, 7, -1)},
             Outcome::skipped,
             "compacted: m1, m2 cannot tell of revision 100 any more",
             true},
        Case{"another_revision",
             {member(1, own(50), 50, 99)},
             Outcome::skipped,
             "not compared with m1: answered for revision 99, not for 100"},
        Case{"compacted_beyond_the_revision",
             {member(1, own(101), 101)},
             Outcome::skipped,
             "not compared with m1: answered for revision 100, not for 100"},
        Case{"no_living_key",
             {member(1, 7, 99)},
             Outcome::skipped,
             "not compared with m1: no key is alive, so there is nothing to compare"},
        Case{"no_living_key_and_equal", {member(1, own(99), 99)}, Outcome::passed, ""},
        Case{"unknown_members", {}, Outcome::skipped, "nobody could tell who the members are"}),
    [](const auto& test) { return test.param.name; });

class Asked : public testing::Test {
 protected:
  static etcd::Client client(const std::string& endpoint) {
    etcd::ClientConfig config;
    config.endpoints = {endpoint};
    config.connect_timeout = 2'000ms;
    return etcd::Client::create(config).value();
  }
  static std::vector<MemberAnswer> ask(test::FakeGrpc& fake, const AskLimits& limits) {
    auto asking = client(fake.endpoint());
    return ask_members(asking, asking.survey().value(), 10, limits).value();
  }
};

TEST_F(Asked, IsAMemberAgainThatHasNotYetAppliedTheRevision) {
  test::FakeGrpc fake({.hash_kv = {.hash = 5,
                                   .grpc_status = 11,
                                   .grpc_message = "etcdserver: mvcc: required revision is a "
                                                   "future revision",
                                   .refusals = 2}});
  auto answers = ask(fake, {});
  ASSERT_EQ(answers.size(), 1U);
  ASSERT_TRUE(answers[0].hash) << describe(answers[0].hash.error());
  EXPECT_EQ(answers[0].hash->hash, 5U);
  EXPECT_EQ(answers[0].name, "fake");
  EXPECT_EQ(fake.requests("HashKV"), 3);
}

TEST_F(Asked, IsEachMemberForALimitedTime) {
  test::FakeGrpc fake({.hash_kv = {.hangs = true}});
  auto begin = std::chrono::steady_clock::now();
  auto answers = ask(fake, {.each = 300ms});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].hash.error().code, Code::timeout);
  answers = ask(fake, {.total = 0ms});
  EXPECT_THAT(answers[0].hash.error().message, HasSubstr("not asked"));
}

TEST_F(Asked, NamesTheMembersThatGaveNoStatus) {
  test::FakeGrpc fake({.hash_kv = {.hash = 5}});
  auto asking = client(fake.endpoint());
  auto survey = asking.survey().value();
  survey.member_list.push_back({.id = 2, .name = "down", .client_urls = {"http://127.0.0.1:9"}});
  survey.member_list.push_back({.id = 3, .name = "new"});
  survey.member_list.push_back({.id = 4, .name = "l", .is_learner = true});
  survey.failures.push_back({"http://127.0.0.1:9", {Code::unavailable, "refused", ""}});
  auto answers = ask_members(asking, survey, 10, {}).value();
  ASSERT_EQ(answers.size(), 4U);
  EXPECT_TRUE(answers[0].hash);
  EXPECT_EQ(answers[1].hash.error().message, "refused");
  EXPECT_EQ(answers[2].hash.error().message, "it never started");
  EXPECT_EQ(answers[3].hash.error().message, "a learner does not tell");
}

}  // namespace
}  // namespace snap::jobs
