#include "etcd/messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/protobuf.h"

namespace snap::etcd {
namespace {

using testing::ElementsAre;
using wire::Writer;

std::string status_message() {
  return Writer()
      .message(1, Writer().number(1, 7).number(2, 8).number(3, 9).number(4, 3).text())
      .bytes(2, "3.6.16")
      .number(3, 4096)
      .number(4, 8)
      .number(5, 101)
      .number(6, 3)
      .number(7, 100)
      .bytes(8, "etcdserver: no leader")
      .number(9, 2048)
      .number(10, 1)
      .bytes(11, "3.6.0")
      .number(12, 5)
      .text();
}

TEST(DecodeStatus, ReadsEveryField) {
  auto status = decode_status(status_message()).value();
  EXPECT_EQ(status.cluster_id, 7U);
  EXPECT_EQ(status.member_id, 8U);
  EXPECT_EQ(status.revision, 9);
  EXPECT_EQ(status.version, "3.6.16");
  EXPECT_EQ(status.db_size, 4096U);
  EXPECT_TRUE(status.is_leader());
  EXPECT_EQ(status.raft_index, 101U);
  EXPECT_EQ(status.raft_term, 3U);
  EXPECT_EQ(status.raft_applied_index, 100U);
  EXPECT_THAT(status.errors, ElementsAre("etcdserver: no leader"));
  EXPECT_EQ(status.db_size_in_use, 2048U);
  EXPECT_TRUE(status.is_learner);
  EXPECT_EQ(status.storage_version, "3.6.0");
}

TEST(DecodeStatus, RefusesAnEmptyOrCutAnswer) {
  EXPECT_EQ(decode_status("").error().code, Code::corrupt);
  auto message = status_message();
  message.pop_back();
  EXPECT_EQ(decode_status(message).error().code, Code::corrupt);
}

TEST(DecodeAlarms, KnowsTheKinds) {
  auto alarm = [](uint64_t id, uint64_t kind) {
    return Writer().number(1, id).number(2, kind).text();
  };
  auto message =
      Writer().message(2, alarm(1, 1)).message(2, alarm(2, 2)).message(2, alarm(3, 9)).text();
  EXPECT_THAT(decode_alarms(message).value(),
              ElementsAre(Alarm{1, AlarmKind::nospace}, Alarm{2, AlarmKind::corrupt},
                          Alarm{3, AlarmKind::unknown}));
}

TEST(AlarmsIn, ReadsThemOutOfTheErrorsOfAStatus) {
  MemberStatus status;
  status.errors = {"etcdserver: no leader", "memberID:18446744073709551615 alarm:CORRUPT ",
                   "memberID:5  alarm:NOSPACE"};
  EXPECT_THAT(alarms_in(status),
              ElementsAre(Alarm{~0ULL, AlarmKind::corrupt}, Alarm{5, AlarmKind::nospace}));
}

TEST(DecodeToken, RefusesWhatWouldBreakAHeader) {
  EXPECT_EQ(decode_token(Writer().bytes(2, "abc.12").text()).value(), "abc.12");
  EXPECT_EQ(decode_token(Writer().bytes(2, "abc\r\nx: y").text()).error().code, Code::corrupt);
}

}  // namespace
}  // namespace snap::etcd
