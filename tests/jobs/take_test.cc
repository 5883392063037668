#include "jobs/take.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "jobs/failure.h"
#include "jobs/make_set.h"
#include "stream/file.h"
#include "support/fake_grpc.h"
#include "support/process.h"

namespace snap::jobs {
namespace {

using Ending = test::SnapshotScript::Ending;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kDatabase = test::some_database(1 << 20);

// Where the snapshot goes: counts the attempts and keeps what was finished.
struct Target {
  int attempts = 0;
  std::optional<Error> refuse;  // what write() answers
  std::string finished;

  class Into : public stream::Sink {
   public:
    explicit Into(Target& target) : target_(target) {}
    Result<void> write(Bytes data) override {
      if (target_.refuse) return std::unexpected(*target_.refuse);
      text_ += as_text(data);
      return {};
    }
    Result<void> finish() override {
      target_.finished = text_;
      return {};
    }

   private:
    Target& target_;
    std::string text_;
  };
};

struct Take {
  Target target;
  std::optional<uint64_t> room_bytes;
  std::vector<std::string> retries;
  std::vector<uint64_t> totals;

  // The members' endpoints, best first.
  Result<Taken> from(const std::vector<std::string>& endpoints) {
    auto client = TRY(etcd::Client::create({.endpoints = endpoints, .stall_timeout = 500ms}));
    Cluster cluster;
    for (const auto& endpoint : endpoints) {
      etcd::Candidate candidate;
      candidate.member.endpoint = endpoint;
      candidate.name = std::format("member-{}", cluster.choice.order.size());
      cluster.choice.order.push_back(candidate);
    }
    TakeOptions options{.open_sink = [&]() -> Result<std::unique_ptr<stream::Sink>> {
                          ++target.attempts;
                          return std::make_unique<Target::Into>(target);
                        },
                        .room_bytes = room_bytes,
                        .progress = [&](uint64_t, uint64_t total) { totals.push_back(total); },
                        .retrying = [&](const std::string& text) { retries.push_back(text); },
                        .stop = {}};
    return take_snapshot(client, cluster, options);
  }
};

test::SnapshotScript whole() { return {.body = test::snapshot_body(kDatabase)}; }
test::SnapshotScript ends(Ending ending) {
  auto script = whole();
  script.stop_after = script.body.size() / 2;
  script.ending = ending;
  return script;
}

TEST(TakeSnapshot, DeliversEveryByteAndItsDigest) {
  test::FakeGrpc member(whole());
  Take take;
  auto taken = take.from({member.endpoint()});
  ASSERT_TRUE(taken) << describe(taken.error());
  EXPECT_EQ(take.target.finished.substr(0, kDatabase.size()), kDatabase);
  EXPECT_EQ(take.target.finished.size(), kDatabase.size() + 32);
  EXPECT_EQ(taken->digest.whole, stream::sha256(as_bytes(take.target.finished)));
  EXPECT_EQ(taken->digest.size_bytes, take.target.finished.size());
  EXPECT_EQ(taken->after.raft_term, 2U);
  EXPECT_THAT(taken->warnings, IsEmpty());
  EXPECT_EQ(take.target.attempts, 1);
  EXPECT_EQ(take.totals.back(), kDatabase.size() + 32);
}

struct Failing {
  std::string name;
  test::SnapshotScript script;
  Exit exit;
};
void PrintTo(const Failing& c, std::ostream* out) { *out << c.name; }
test::SnapshotScript wrong_trailer() {
  auto body = test::snapshot_body(kDatabase);
  body[body.find(as_text(stream::sha256(as_bytes(kDatabase))))] ^= 1;
  return {.body = body};
}
test::SnapshotScript flipped_bit() {
  auto body = test::snapshot_body(kDatabase);
  body[body.size() / 2] ^= 1;
  return {.body = body};
}
std::vector<Failing> failing() {
  return {{"cut", ends(Ending::fin), Exit::etcd},
          {"reset", ends(Ending::reset), Exit::etcd},
          {"stalled", ends(Ending::hang), Exit::etcd},
          {"without_trailers", ends(Ending::end_stream), Exit::etcd},
          {"wrong_trailer", wrong_trailer(), Exit::damaged},
          {"flipped_bit", flipped_bit(), Exit::damaged},
          {"without_digest", {.body = test::snapshot_data(kDatabase)}, Exit::damaged}};
}

class FailingMember : public testing::TestWithParam<Failing> {};
TEST_P(FailingMember, IsReplacedByAnotherFromTheFirstByte) {  // F-E06, F-E07, F-E09, F-E11
  test::FakeGrpc bad(GetParam().script);
  test::FakeGrpc good(whole());
  Take take;
  auto taken = take.from({bad.endpoint(), good.endpoint()});
  ASSERT_TRUE(taken) << describe(taken.error());
  EXPECT_EQ(take.target.finished.substr(0, kDatabase.size()), kDatabase);
  EXPECT_EQ(take.target.attempts, 2);
  EXPECT_EQ(taken->member.name, "member-1");
  ASSERT_EQ(take.retries.size(), 1U);
  EXPECT_THAT(take.retries[0], HasSubstr("starting again on member-1"));
  ASSERT_EQ(taken->warnings.size(), 1U);
}
TEST_P(FailingMember, IsTheEndWhenThereIsNoOther) {
  test::FakeGrpc bad(GetParam().script);
  Take take;
  auto taken = take.from({bad.endpoint()});
  ASSERT_FALSE(taken);
  EXPECT_EQ(etcd_exit(taken.error()), GetParam().exit) << describe(taken.error());
  EXPECT_EQ(take.target.finished, "") << "what is not whole is never finished";
  EXPECT_EQ(take.target.attempts, 1);
}
TEST_P(FailingMember, IsTriedOnceWhenTheNextFailsToo) {
  test::FakeGrpc bad(GetParam().script);
  test::FakeGrpc worse(ends(Ending::fin));
  test::FakeGrpc unused(whole());
  Take take;
  auto taken = take.from({bad.endpoint(), worse.endpoint(), unused.endpoint()});
  ASSERT_FALSE(taken);
  EXPECT_THAT(taken.error().message, HasSubstr("; before that, "));
  EXPECT_EQ(unused.requests("Snapshot"), 0);
  EXPECT_EQ(take.target.finished, "");
}
INSTANTIATE_TEST_SUITE_P(Ways, FailingMember, testing::ValuesIn(failing()),
                         [](const auto& test) { return test.param.name; });

// F-E12: users belong to the cluster; 3.4 and 3.5 refuse them with the status "unknown".
TEST(TakeSnapshot, AsksNoOtherMemberWhenTheUserIsRefused) {
  for (const auto* text : {"auth: permission denied", "etcdserver: user name is empty"}) {
    auto script = ends(Ending::trailers);
    script.grpc_status = 2;
    script.grpc_message = text;
    test::FakeGrpc refuses(script);
    test::FakeGrpc other(whole());
    Take take;
    auto taken = take.from({refuses.endpoint(), other.endpoint()});
    ASSERT_FALSE(taken);
    EXPECT_EQ(etcd_exit(taken.error()), Exit::etcd) << describe(taken.error());
    EXPECT_THAT(taken.error().message, HasSubstr(text));
    EXPECT_EQ(other.requests("Snapshot"), 0) << text;
  }
}

TEST(TakeSnapshot, StopsBeforeAGrownDatabaseFillsTheDisk) {  // F-E25
  test::FakeGrpc member(whole());
  test::FakeGrpc other(whole());
  Take take;
  take.room_bytes = kDatabase.size() + 31;
  auto taken = take.from({member.endpoint(), other.endpoint()});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Code::no_space);
  EXPECT_THAT(taken.error().message, HasSubstr("there is room for"));
  EXPECT_EQ(take.target.finished, "");
  EXPECT_EQ(other.requests("Snapshot"), 0) << "another member does not make room";
}

struct Refusal {
  Code code;
  Exit exit;
};
class RefusingPlace : public testing::TestWithParam<Refusal> {};
TEST_P(RefusingPlace, IsNoFaultOfTheMember) {  // F-L03, F-L04
  test::FakeGrpc member(whole());
  test::FakeGrpc other(whole());
  Take take;
  take.target.refuse = Error{GetParam().code, "write /b/x: refused", ""};
  auto taken = take.from({member.endpoint(), other.endpoint()});
  ASSERT_FALSE(taken);
  EXPECT_EQ(etcd_exit(taken.error()), GetParam().exit);
  EXPECT_EQ(take.target.attempts, 1);
  EXPECT_EQ(other.requests("Snapshot"), 0);
  EXPECT_THAT(take.retries, IsEmpty());
}
INSTANTIATE_TEST_SUITE_P(Codes, RefusingPlace,
                         testing::Values(Refusal{Code::no_space, Exit::no_space},
                                         Refusal{Code::denied, Exit::unexpected},
                                         Refusal{Code::internal, Exit::unexpected}),
                         [](const auto& test) { return std::string(name_of(test.param.code)); });

TEST(LookAtCluster, ChoosesAndNamesDeadEndpoints) {
  test::FakeGrpc member;
  auto dead = std::format("http://127.0.0.1:{}", test::free_ports(1)[0]);
  auto client = etcd::Client::create({.endpoints = {dead, member.endpoint()}}).value();
  auto cluster = look_at_cluster(client, etcd::WithoutLeader::refuse);
  ASSERT_TRUE(cluster) << describe(cluster.error());
  EXPECT_EQ(cluster->choice.first().member.endpoint, member.endpoint());
  EXPECT_EQ(cluster->id(), 0xc1U);
  EXPECT_THAT(cluster->warnings, testing::Contains(HasSubstr(dead)));
}

TEST(LookAtCluster, RefusesACorruptMember) {  // F-E16
  test::FakeGrpc member({}, {.alarm = 2});
  auto client = etcd::Client::create({.endpoints = {member.endpoint()}}).value();
  auto cluster = look_at_cluster(client, etcd::WithoutLeader::refuse);
  ASSERT_FALSE(cluster);
  EXPECT_EQ(etcd_exit(cluster.error()), Exit::etcd);
  EXPECT_THAT(cluster.error().message, HasSubstr("CORRUPT"));
}

}  // namespace
}  // namespace snap::jobs
