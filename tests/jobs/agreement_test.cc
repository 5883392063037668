#include "jobs/agreement.h"

#include <gmock/gmock.h>

#include "support/fake_grpc.h"

namespace snap::jobs {
namespace {

using config::Compare;
using sets::Outcome;
using Next = Agreement::Next;

constexpr uint64_t kSource = 0xa1;  // the fake's member
constexpr uint32_t kHash = 7;
const test::HashKvScript kSame{.hash = kHash, .compact_revision = 5};
const test::HashKvScript kOther{.hash = 8, .compact_revision = 5};
const test::HashKvScript kSilent{.grpc_status = 12, .grpc_message = "unknown method"};
const test::HashKvScript kCompacted{
    .grpc_status = 11, .grpc_message = "etcdserver: mvcc: required revision has been compacted"};

struct Case {
  std::string name;
  Compare policy;
  test::HashKvScript member;
  std::optional<sets::ProofResult> proof;
  std::string agreed, doubt, differs, refused;
  Result<snapshot::Extent> extent = snapshot::Extent{.last_row = 10, .finished = 5};
  Next next = Next::go_on;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

// One run with its snapshot, and one member.
class AgreementTable : public testing::TestWithParam<Case> {
 protected:
  Result<Next> ask(Agreement& agreement, const test::HashKvScript& script,
                   const Result<snapshot::Extent>& extent) {
    fake.play({.hash_kv = script});
    etcd::ClientConfig config;
    config.endpoints = {fake.endpoint()};
    auto client = etcd::Client::create(config).value();
    return agreement.ask(
        client, client.survey().value(),
        {kSource, [&] { return extent; },
         [](const snapshot::Extent&, int64_t) { return snapshot::LocalHash{.hash = kHash}; }});
  }

  // The port is another one each time.
  std::string plain(std::string text) const {
    if (auto at = text.find(fake.endpoint()); at != std::string::npos)
      text.erase(at, fake.endpoint().size() + 2);
    return text;
  }
  std::string plain(const std::optional<Error>& error) const {
    return error ? plain(error->message) : "";
  }

  test::FakeGrpc fake;
};

TEST_P(AgreementTable, ComesToAVerdict) {
  const auto& row = GetParam();
  Agreement agreement(row.policy, {});
  auto next = ask(agreement, row.member, row.extent);
  ASSERT_TRUE(next) << describe(next.error());
  EXPECT_EQ(*next, row.next);
  auto proof = agreement.proof();
  if (proof) proof->reason = plain(proof->reason);
  EXPECT_EQ(proof, row.proof);
  auto verdict = agreement.verdict();
  EXPECT_EQ(plain(verdict.agreed), row.agreed);
  EXPECT_EQ(plain(verdict.doubt), row.doubt);
  EXPECT_EQ(plain(verdict.differs), row.differs);
  EXPECT_EQ(plain(verdict.refused), row.refused);
}

// F-E14, F-E15
INSTANTIATE_TEST_SUITE_P(
    Rows, AgreementTable,
    testing::Values(
        Case{.name = "off", .policy = Compare::off, .member = kOther, .proof = {}},
        Case{.name = "same",
             .policy = Compare::warn,
             .member = kSame,
             .proof = {{Outcome::passed, ""}},
             .agreed = "the one member there is holds what the snapshot holds"},
        Case{.name = "differs",
             .policy = Compare::warn,
             .member = kOther,
             .proof = {{Outcome::failed, "the snapshot holds other data than fake at revision 10"}},
             .differs = "members differ: the snapshot holds other data than fake at revision 10"},
        Case{.name = "differs_and_required",
             .policy = Compare::require,
             .member = kOther,
             .proof = {{Outcome::failed, "the snapshot holds other data than fake at revision 10"}},
             .differs = "members differ: the snapshot holds other data than fake at revision 10"},
        Case{.name = "silent",
             .policy = Compare::warn,
             .member = kSilent,
             .proof = {{Outcome::skipped, "not compared with fake: unknown method"}},
             .doubt = "the members could not be compared: not compared with fake: unknown method"},
        Case{
            .name = "silent_and_required",
            .policy = Compare::require,
            .member = kSilent,
            .proof = {{Outcome::skipped, "not compared with fake: unknown method"}},
            .refused = "the members could not be compared: not compared with fake: unknown method"},
        Case{.name = "compacted",
             .policy = Compare::warn,
             .member = kCompacted,
             .proof = {{Outcome::skipped, "compacted: fake cannot tell of revision 10 any more"}},
             .doubt = "the members could not be compared: compacted: fake cannot tell of revision "
                      "10 any more"},
        Case{.name = "compacted_and_required",
             .policy = Compare::require,
             .member = kCompacted,
             .proof = {},
             .next = Next::take_again},
        Case{.name = "no_key_was_ever_written",
             .policy = Compare::require,
             .member = kSilent,
             .proof = {{Outcome::skipped, "no key was ever written"}},
             .extent = snapshot::Extent{}},
        Case{.name = "damaged_snapshot",
             .policy = Compare::warn,
             .member = kSame,
             .proof = {{Outcome::skipped, "no database"}},
             .doubt = "the members could not be compared: no database",
             .extent = fail(Code::corrupt, "no database")}),
    [](const auto& test) { return test.param.name; });

struct Foreseen {
  std::string name;
  Compare policy;
  std::vector<etcd::Member> others;  // beside the one that answers
  std::string refused;
};

void PrintTo(const Foreseen& c, std::ostream* out) { *out << c.name; }

class ForeseenTable : public testing::TestWithParam<Foreseen> {};

TEST_P(ForeseenTable, IsWhatARunWouldSay) {  // F-C08
  etcd::Survey survey;
  survey.members.push_back({.endpoint = "http://127.0.0.1:1", .member_id = 1});
  survey.member_list.push_back({.id = 1, .name = "m1"});
  for (const auto& other : GetParam().others) survey.member_list.push_back(other);
  survey.failures.push_back({"http://127.0.0.1:2", {Code::unavailable, "connection refused", ""}});
  auto refusal = foreseen_refusal(GetParam().policy, survey);
  EXPECT_EQ(refusal ? refusal->message : "", GetParam().refused);
}

const etcd::Member kDown{.id = 2, .name = "m2", .client_urls = {"http://127.0.0.1:2"}};
const etcd::Member kLearner{.id = 3, .name = "m3", .is_learner = true};

INSTANTIATE_TEST_SUITE_P(
    Rows, ForeseenTable,
    testing::Values(
        Foreseen{"all_there", Compare::require, {}, ""},
        Foreseen{"one_down",
                 Compare::require,
                 {kDown},
                 "the members could not be compared: not compared with m2: connection refused"},
        Foreseen{"one_down_and_a_learner",
                 Compare::require,
                 {kDown, kLearner},
                 "the members could not be compared: not compared with m2: connection refused; "
                 "m3: a learner does not tell"},
        Foreseen{"one_down_and_only_warned_of", Compare::warn, {kDown}, ""},
        Foreseen{"one_down_and_not_asked", Compare::off, {kDown}, ""}),
    [](const auto& test) { return test.param.name; });

TEST(Foreseen, IsARefusalWhenNobodyKnowsTheMembers) {
  EXPECT_TRUE(foreseen_refusal(Compare::require, {}));
  EXPECT_FALSE(foreseen_refusal(Compare::warn, {}));
}

TEST_F(AgreementTable, IsAnotherSnapshotOnceOnly) {
  Agreement agreement(Compare::require, {});
  snapshot::Extent extent{.last_row = 10, .finished = 5};
  EXPECT_EQ(ask(agreement, kCompacted, extent).value(), Next::take_again);
  EXPECT_EQ(agreement.revision(), 10);
  EXPECT_EQ(ask(agreement, kCompacted, extent).value(), Next::go_on);
  EXPECT_TRUE(agreement.verdict().refused);
}

TEST_F(AgreementTable, IsTheNewerSnapshotAlone) {
  Agreement agreement(Compare::require, {});
  EXPECT_EQ(ask(agreement, kCompacted, snapshot::Extent{.last_row = 9}).value(), Next::take_again);
  EXPECT_EQ(ask(agreement, kSame, snapshot::Extent{.last_row = 10}).value(), Next::go_on);
  EXPECT_EQ(agreement.revision(), 10);
  EXPECT_EQ(agreement.proof()->outcome, Outcome::passed);
}

TEST_F(AgreementTable, SaysNothingOfASnapshotThatCannotBeRead) {
  Agreement agreement(Compare::warn, {});
  auto next = ask(agreement, kSame, fail(Code::internal, "read: input/output error"));
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, Code::internal);
  EXPECT_FALSE(agreement.proof());
}

}  // namespace
}  // namespace snap::jobs
