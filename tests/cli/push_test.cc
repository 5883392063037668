// What a run reports beside its output: a real Pushgateway, the last words of a container.
#include <csignal>

#include "cli/scenes.h"
#include "support/pushgateway.h"

namespace snap::cli {
namespace {

using test::Agent;
using test::FakeGrpc;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string kLabels = "{cluster=\"prod-east\",instance=\"\",job=\"etcd-snapshot\"";

class Reports : public testing::Test {
 protected:
  Reports() { agent.configure({.endpoints = {fake.endpoint()}}); }

  test::Finished run(std::vector<std::string> more = {}) {
    std::vector<std::string> args{"run", "--set", "report.pushgateway=" + url};
    args.insert(args.end(), more.begin(), more.end());
    return agent.run(args);
  }

  FakeGrpc fake = FakeGrpc(test::good_script());
  Agent agent;
  test::Pushgateway gateway;
  std::string url = gateway.url();
};

TEST_F(Reports, ArePushedAndKeepTheLastSuccessThroughFailedRuns) {
  auto good = run();
  ASSERT_EQ(good.exit_code, 0) << good.text();
  EXPECT_THAT(good.err, Not(HasSubstr("warn")));
  auto metrics = gateway.metrics();
  EXPECT_THAT(metrics,
              AllOf(HasSubstr("etcd_snapshot_last_exit_code" + kLabels + "} 0\n"),
                    HasSubstr("etcd_snapshot_place_ok" + kLabels + ",place=\"local\"} 1\n")));
  ASSERT_EQ(run({"--endpoints", "http://127.0.0.1:9"}).exit_code, 3);
  EXPECT_THAT(gateway.metrics(),
              AllOf(HasSubstr("etcd_snapshot_last_exit_code" + kLabels + "} 3\n"),
                    HasSubstr("etcd_snapshot_last_success_timestamp_seconds" + kLabels),
                    HasSubstr("etcd_snapshot_snapshot_bytes" + kLabels)));
  auto check = agent.run({"check", "--set", "report.pushgateway=" + url});
  EXPECT_THAT(check.out, HasSubstr(url + " takes metrics"));
}

TEST_F(Reports, ThatCannotBePushedAreAWarning) {  // F-L24
  url = "http://127.0.0.1:9";
  auto good = run();
  EXPECT_EQ(good.exit_code, 0) << good.text();
  EXPECT_THAT(good.err, HasSubstr(" warn  push metrics to http://127.0.0.1:9: "));
  EXPECT_THAT(outcome_of(good)["warnings"].dump(), HasSubstr("push metrics"));
  EXPECT_EQ(agent.list()[0]["proven"], true);
  auto check = agent.run({"check", "--set", "report.pushgateway=" + url});
  EXPECT_EQ(check.exit_code, 0) << check.text();
  EXPECT_THAT(check.out, HasSubstr("http://127.0.0.1:9"));
}

TEST_F(Reports, TakeNoPasswordInAnAddress) {  // F-C09
  url = "http://user:canary-password@127.0.0.1:9";
  auto refused = run();
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.text(),
              AllOf(HasSubstr("report.pushgateway"), HasSubstr("carries a user or a password"),
                    Not(HasSubstr("canary"))));
}

TEST_F(Reports, OfWhatWasReadAgainStandBesideThoseOfTheRun) {
  ASSERT_EQ(run().exit_code, 0);
  auto set = agent.sets()[0];
  const std::vector<std::string> kPush{"--set", "report.pushgateway=" + url};
  auto verify = [&](std::vector<std::string> args) {
    args.insert(args.begin(), "verify");
    args.insert(args.end(), kPush.begin(), kPush.end());
    return agent.run(args).exit_code;
  };
  const auto kAtLocal = kLabels + ",place=\"local\"} ";
  EXPECT_EQ(verify({set}), 0);
  EXPECT_THAT(gateway.metrics(),
              AllOf(HasSubstr("etcd_snapshot_reproof_checked_sets" + kAtLocal + "1\n"),
                    HasSubstr("etcd_snapshot_reproof_damaged_sets" + kAtLocal + "0\n")));
  auto text = test::read_file(agent.snapshot_of(set));
  text[text.size() / 2] ^= 1;
  test::write_file(agent.snapshot_of(set), text);
  for (const auto& args : std::vector<std::vector<std::string>>{{set}, {"--at", "local"}}) {
    EXPECT_EQ(verify(args), 4);
    EXPECT_THAT(gateway.metrics(),
                AllOf(HasSubstr("etcd_snapshot_reproof_damaged_sets" + kAtLocal + "1\n"),
                      HasSubstr("etcd_snapshot_last_exit_code")));
    EXPECT_THAT(test::read_file(agent.path("metrics/etcd_snapshot-verify.prom")),
                HasSubstr("damaged_sets{cluster=\"prod-east\",place=\"local\"} 1\n"));
  }
  // What is no set of ours is nothing to count.
  EXPECT_EQ(verify({agent.snapshot_of(set)}), 4);
  EXPECT_NE(verify({"prod-east_2020-01-01T000000Z_node-1"}), 0);
  EXPECT_THAT(gateway.metrics(),
              HasSubstr("etcd_snapshot_reproof_damaged_sets" + kAtLocal + "1\n"));
}

TEST_F(Reports, EndWithTheLastWordsOfTheContainer) {
  auto file = agent.path("termination-log");
  test::write_file(file, "");
  const std::vector<std::string> kWords{"--set", "report.terminationMessage=" + file};
  auto good = run(kWords);
  ASSERT_EQ(good.exit_code, 0) << good.text();
  EXPECT_EQ(test::read_file(file), good.out);
  auto more = kWords;
  more.insert(more.end(), {"--endpoints", "http://127.0.0.1:9"});
  auto failed = run(more);
  EXPECT_EQ(failed.exit_code, 3);
  EXPECT_EQ(test::read_file(file), failed.out);
  // Of a run that never began, too.
  more = kWords;
  more.insert(more.end(), {"--to", "nowhere"});
  auto refused = run(more);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_EQ(test::read_file(file), refused.out);
}

// A run that cannot begin is a failed run to whoever watches; what is known of the sets stays.
TEST_F(Reports, TellOfARunThatWasRefused) {
  ASSERT_EQ(run().exit_code, 0);
  const auto kFile = agent.metrics_file();
  const std::vector<std::vector<std::string>> kRefused = {
      {"--to", "nowhere"}, {"--set", "one", "--set", "two"}, {"--set", "etcd.endpoints="}};
  for (const auto& args : kRefused) {
    ASSERT_EQ(run().exit_code, 0);
    EXPECT_THAT(test::read_file(kFile), HasSubstr("last_exit_code{cluster=\"prod-east\"} 0\n"));
    auto refused = run(args);
    EXPECT_EQ(refused.exit_code, 2) << refused.text();
    EXPECT_THAT(test::read_file(kFile),
                AllOf(HasSubstr("last_exit_code{cluster=\"prod-east\"} 2\n"),
                      HasSubstr("etcd_snapshot_last_success_timestamp_seconds{"),
                      HasSubstr("place_newest_proven_timestamp_seconds{cluster=\"prod-east\",place="
                                "\"local\"}")))
        << args[0];
    EXPECT_THAT(gateway.metrics(), HasSubstr("etcd_snapshot_last_exit_code" + kLabels + "} 2\n"));
    EXPECT_EQ(outcome_of(refused)["node"], "node-1");
  }
}

TEST_F(Reports, AreLeftToTheRunThatIsAtWork) {
  FakeGrpc slow(test::slow_script());
  agent.configure({.endpoints = {slow.endpoint()}});
  test::Process working(agent.command({"run"}));
  ASSERT_TRUE(test::wait_until([&] { return slow.requests("Snapshot") == 1; }));
  EXPECT_EQ(run({"--to", "nowhere"}).exit_code, 2);
  EXPECT_FALSE(std::filesystem::exists(agent.metrics_file()));
  working.signal(SIGTERM);
  ASSERT_TRUE(working.wait(std::chrono::seconds(5)));
  EXPECT_THAT(test::read_file(agent.metrics_file()),
              HasSubstr("last_exit_code{cluster=\"prod-east\"} 1\n"));
}

// Series of no cluster would never be updated again.
TEST_F(Reports, NameACluster) {
  agent.configure({.cluster = "\"\"", .endpoints = {"http://127.0.0.1:9"}});
  EXPECT_EQ(run().exit_code, 3);
  EXPECT_EQ(run({"--to", "nowhere"}).exit_code, 2);
  EXPECT_FALSE(std::filesystem::exists(agent.metrics_file()));
  EXPECT_THAT(gateway.metrics(), Not(HasSubstr("etcd_snapshot_last_exit_code")));
  agent.configure({.cluster = "\"\"", .endpoints = {fake.endpoint()}});
  ASSERT_EQ(run().exit_code, 0);
  agent.configure({.cluster = "\"\"", .endpoints = {"http://127.0.0.1:9"}});
  EXPECT_EQ(run().exit_code, 3);
  EXPECT_THAT(
      test::read_file(agent.metrics_file()),
      AllOf(HasSubstr("last_exit_code{cluster=\"cluster-"), Not(HasSubstr("cluster=\"\""))));
}

TEST_F(Reports, LastWordsThatCannotBeWrittenAreAWarning) {  // F-L24
  auto good = run({"--set", "report.terminationMessage=/dev/full"});
  EXPECT_EQ(good.exit_code, 0) << good.text();
  EXPECT_THAT(good.err, HasSubstr(" warn  termination message: write /dev/full"));
  EXPECT_THAT(outcome_of(good)["warnings"].dump(), HasSubstr("termination message"));
}

}  // namespace
}  // namespace snap::cli
