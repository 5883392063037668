// Clients that never get to a snapshot: configuration, dead endpoints, refusals.
#include "etcd/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "etcd/choose.h"
#include "support/fake_grpc.h"
#include "support/listener.h"
#include "support/names.h"
#include "support/process.h"

namespace snap::etcd {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

std::string dead_endpoint() { return "http://127.0.0.1:" + std::to_string(test::free_ports(1)[0]); }

struct Case {
  std::string name;
  std::vector<std::string> endpoints;
  std::string username, password_file;
  std::string error;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
class Refused : public testing::TestWithParam<Case> {};
TEST_P(Refused, BeforeAnyConnection) {
  ClientConfig config;
  config.endpoints = GetParam().endpoints;
  config.username = GetParam().username;
  config.password_file = GetParam().password_file;
  auto client = Client::create(config);
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, Code::invalid);
  EXPECT_THAT(client.error().message, HasSubstr(GetParam().error));
}
INSTANTIATE_TEST_SUITE_P(
    Configurations, Refused,
    testing::Values(
        Case{"no_endpoint", {}, "", "", "no endpoint"},
        Case{"ipv6_without_brackets", {"https://::1:2379"}, "", "", "without brackets"},
        Case{"one_bad_among_good", {"http://a:2379", "ftp://b"}, "", "", "unknown scheme ftp"},
        Case{"password_in_clear", {"http://10.0.0.1:2379"}, "root", "/dev/null", "in clear"},
        Case{"password_file_alone", {"http://127.0.0.1:1"}, "", "/x", "without a user name"}),
    [](const auto& test) { return test.param.name; });

TEST(Client, SkipsDeadEndpointsAndKeepsTheirReasons) {
  test::FakeGrpc server;
  ClientConfig config;
  auto dead = dead_endpoint();
  config.endpoints = {dead, server.endpoint()};
  auto survey = Client::create(config).value().survey();
  ASSERT_TRUE(survey) << describe(survey.error());
  ASSERT_EQ(survey->members.size(), 1U);
  ASSERT_EQ(survey->failures.size(), 1U);
  EXPECT_THAT(survey->failures[0].error.message, AllOf(HasSubstr(dead), HasSubstr("refused")));
  EXPECT_EQ(survey->member_list.size(), 1U);
  EXPECT_EQ(survey->name_of(0xa1), "fake");
  EXPECT_THAT(survey->warnings, IsEmpty());
}

TEST(Client, NamesEveryCauseWhenNobodyAnswers) {
  test::know_only_hosts();
  ClientConfig config;
  auto a = dead_endpoint(), b = dead_endpoint();
  config.endpoints = {a, b, "http://no-such-host.invalid:2379"};
  auto begin = std::chrono::steady_clock::now();
  auto survey = Client::create(config).value().survey();
  ASSERT_FALSE(survey);
  EXPECT_EQ(survey.error().code, Code::unavailable);
  EXPECT_THAT(survey.error().message,
              AllOf(HasSubstr(a), HasSubstr(b), HasSubstr("cannot resolve no-such-host.invalid")));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 15s);
}

// F-E02.
TEST(Client, WaitsForOneConnectLimitNotForTheirSum) {
  std::vector<test::Listener> holes;
  for (int i = 0; i < 8; ++i) holes.push_back(test::Listener::black_hole());
  test::FakeGrpc server;
  ClientConfig config;
  for (const auto& hole : holes) config.endpoints.push_back(hole.endpoint());
  config.endpoints.insert(config.endpoints.end(), {dead_endpoint(), server.endpoint()});
  config.connect_timeout = 1000ms;
  auto begin = std::chrono::steady_clock::now();
  auto survey = Client::create(config).value().survey();
  auto took = std::chrono::steady_clock::now() - begin;
  ASSERT_TRUE(survey) << describe(survey.error());
  ASSERT_EQ(survey->failures.size(), 9U);
  for (size_t i = 0; i < 8; ++i) EXPECT_EQ(survey->failures[i].error.code, Code::timeout);
  EXPECT_EQ(survey->failures[8].error.code, Code::unavailable);
  EXPECT_EQ(survey->members.size(), 1U);
  EXPECT_LT(took, 4s);  // their sum is 8 s
}

TEST(Client, ReportsTheAlarmCorrupt) {
  test::FakeGrpc server({}, {.alarm = 2});
  ClientConfig config;
  config.endpoints = {server.endpoint()};
  auto survey = Client::create(config).value().survey().value();
  auto choice = choose(survey, WithoutLeader::accept);
  ASSERT_FALSE(choice);
  EXPECT_THAT(choice.error().message, HasSubstr("CORRUPT for member fake"));
}

TEST(Client, CountsAMemberWithTwoAddressesOnce) {
  test::FakeGrpc server;
  ClientConfig config;
  config.endpoints = {server.endpoint(), "http://localhost:" + std::to_string(server.port())};
  auto survey = Client::create(config).value().survey().value();
  EXPECT_EQ(survey.members.size(), 1U);
  EXPECT_THAT(survey.failures, IsEmpty());
}

TEST(Client, IsCancelledBeforeItStarts) {
  test::FakeGrpc server;
  std::stop_source stop;
  stop.request_stop();
  ClientConfig config;
  config.endpoints = {server.endpoint()};
  config.stop = stop.get_token();
  auto survey = Client::create(config).value().survey();
  ASSERT_FALSE(survey);
  EXPECT_EQ(survey.error().code, Code::cancelled);
}

}  // namespace
}  // namespace snap::etcd
