// Metrics pushed to a real Pushgateway, and to servers that are none.
#include "jobs/push.h"

#include <gmock/gmock.h>

#include "support/fake_http.h"
#include "support/pushgateway.h"

namespace snap::jobs {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(Push, GroupsByTheJobAndTheLabels) {
  EXPECT_EQ(grouping_path({}), "/metrics/job/etcd-snapshot");
  EXPECT_EQ(grouping_path({{"cluster", "prod-east.1"}}),
            "/metrics/job/etcd-snapshot/cluster/prod-east.1");
  EXPECT_EQ(grouping_path({{"place", "a b%ö"}}), "/metrics/job/etcd-snapshot/place/a%20b%25%C3%B6");
  EXPECT_EQ(grouping_path({{"place", "mirrors/master-1"}}),
            "/metrics/job/etcd-snapshot/place@base64/bWlycm9ycy9tYXN0ZXItMQ");
  EXPECT_EQ(grouping_path({{"place", "a/?>"}, {"x", ""}}),
            "/metrics/job/etcd-snapshot/place@base64/YS8_Pg/x@base64/=");
}

class Pushed : public testing::TestWithParam<std::string> {
 protected:
  test::Pushgateway gateway = test::Pushgateway(GetParam());
};

TEST_P(Pushed, MetricsStandThereUnderTheirLabels) {
  Push push{.labels = {{"cluster", "prod-east"}}, .text = "a{cluster=\"prod-east\"} 1\nb 2\n"};
  auto pushed = push_metrics(gateway.url(), push);
  ASSERT_TRUE(pushed) << pushed.error().message;
  EXPECT_TRUE(ask_pushgateway(gateway.url()));
  EXPECT_THAT(gateway.metrics(),
              AllOf(HasSubstr("a{cluster=\"prod-east\",instance=\"\",job=\"etcd-snapshot\"} 1\n"),
                    HasSubstr("b{cluster=\"prod-east\",instance=\"\",job=\"etcd-snapshot\"} 2\n")));
  push.labels.emplace_back("place", "mirrors/master-1");
  ASSERT_TRUE(push_metrics(gateway.url(), push));
  EXPECT_THAT(gateway.metrics(), HasSubstr("place=\"mirrors/master-1\"} 1\n"));
}

TEST_P(Pushed, MetricsStayOrGoAsTheCallerWishes) {
  Push push{.labels = {{"cluster", "prod-east"}}, .text = "a 1\nb 2\n"};
  ASSERT_TRUE(push_metrics(gateway.url(), push));
  push.text = "b 3\n";
  ASSERT_TRUE(push_metrics(gateway.url(), push));
  EXPECT_THAT(gateway.metrics(), AllOf(HasSubstr("\na{"), HasSubstr("} 3\n")));
  push.replace_all = true;
  ASSERT_TRUE(push_metrics(gateway.url(), push));
  EXPECT_THAT(gateway.metrics(), AllOf(Not(HasSubstr("\na{")), HasSubstr("\nb{")));
}

TEST_P(Pushed, NonsenseIsRefusedInTheServersWords) {
  auto pushed = push_metrics(gateway.url(), {.text = "this is no metric\n"});
  ASSERT_FALSE(pushed);
  EXPECT_EQ(pushed.error().code, Code::invalid);
  EXPECT_THAT(pushed.error().message,
              AllOf(HasSubstr("push metrics to " + gateway.url()), HasSubstr("answers 400: ")));
}
INSTANTIATE_TEST_SUITE_P(Prefixes, Pushed, testing::Values("", "/push"),
                         [](const auto& test) { return test.param.empty() ? "none" : "some"; });

TEST(Push, EndsAtItsLimit) {  // F-L24
  test::FakeHttp silent([](const test::FakeRequest&) { return test::FakeReply{.silent = true}; });
  auto begun = std::chrono::steady_clock::now();
  auto pushed = push_metrics(silent.url(), {.text = "a 1\n"}, 300ms);
  ASSERT_FALSE(pushed);
  EXPECT_EQ(pushed.error().code, Code::timeout);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
}

TEST(Push, TellsWhatIsThereInsteadOfAPushgateway) {  // F-L24
  test::FakeHttp other([](const test::FakeRequest&) {
    return test::FakeReply{.status = 503, .body = "<h1>\x1b[31mdown</h1>" + std::string(9000, 'x')};
  });
  auto pushed = push_metrics(other.url(), {.text = "a 1\n"});
  ASSERT_FALSE(pushed);
  EXPECT_EQ(pushed.error().code, Code::unavailable);
  EXPECT_THAT(pushed.error().message, HasSubstr("it answers 503: <h1>\\x1b[31mdown"));
  EXPECT_LT(pushed.error().message.size(), 500U);
  EXPECT_EQ(other.count("POST", "/metrics/job/etcd-snapshot"), 1U);
  auto nobody = push_metrics("http://127.0.0.1:9", {.text = "a 1\n"});
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, Code::unavailable);
}

}  // namespace
}  // namespace snap::jobs
