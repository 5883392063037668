// What users and their programs read: help, tables, JSON, metrics, terminals, secrets.
#include <gtest/gtest-spi.h>

#include "cli/scenes.h"
#include "support/parts.h"

namespace snap::cli {
namespace {

using test::Agent;
using test::FakeGrpc;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

const std::vector<std::string> kVerbs = {"run",   "save",  "status", "verify", "list",  "sync",
                                         "prune", "fetch", "remove", "pin",    "unpin", "check"};

TEST(Help, ShowsEveryVerbWithExamplesAndTheExitStatusOnce) {
  Agent agent;
  auto top = agent.run({"--help"});
  EXPECT_EQ(top.exit_code, 0);
  EXPECT_THAT(top.out, HasSubstr("\n  0  done"));
  for (const auto& verb : kVerbs) {
    EXPECT_THAT(top.out, HasSubstr("\n  " + verb + " "));
    auto help = agent.run({verb, "--help"});
    EXPECT_EQ(help.exit_code, 0) << help.text();
    EXPECT_THAT(help.out,
                AllOf(HasSubstr("Examples:\n"), HasSubstr("\n  etcd-snapshot " + verb),
                      Not(HasSubstr("0  done")), HasSubstr("--config FILE"), HasSubstr("--output"),
                      HasSubstr("--quiet"), HasSubstr("--verbose")));
    EXPECT_THAT(help.err, IsEmpty());
  }
}

TEST(Help, NamesNoVerbThatIsNotBuilt) {
  Agent agent;
  auto top = agent.run({"--help"});
  for (const auto* verb : {"\n  restore", "\n  drill", "\n  recover"})
    EXPECT_THAT(top.out, Not(HasSubstr(verb)));
  EXPECT_EQ(agent.run({"restore", "x"}).exit_code, 2);
}

TEST(Version, IsOneLine) {
  Agent agent;
  auto version = agent.run({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_TRUE(version.out.starts_with("etcd-snapshot 0.")) << version.out;
}

class Voice : public testing::Test {
 protected:
  Voice() { agent.configure({.endpoints = {fake.endpoint()}}); }
  FakeGrpc fake{test::good_script()};
  Agent agent;
};

// A container runtime mixes the lines of the two streams.
TEST_F(Voice, OfARunInAPodIsOneStreamThatEndsWithTheOutcome) {
  auto command = agent.command({"run"});
  command.env["KUBERNETES_SERVICE_HOST"] = "10.96.0.1";
  auto run = agent.run(command);
  ASSERT_EQ(run.exit_code, 0) << run.text();
  EXPECT_THAT(run.err, IsEmpty());
  EXPECT_THAT(run.out, HasSubstr(" info  published "));
  auto last = run.out.rfind('\n', run.out.size() - 2) + 1;
  EXPECT_EQ(test::parsed(run.out.substr(last))["verb"], "run");
  command = agent.command({"list", "-o", "json"});
  command.env["KUBERNETES_SERVICE_HOST"] = "10.96.0.1";
  EXPECT_TRUE(agent.run(command).out.starts_with("{")) << "data stays alone";
}

TEST_F(Voice, IsJsonForEveryVerbThatShowsData) {
  auto run = agent.run({"run", "-o", "json"});
  ASSERT_EQ(run.exit_code, 0) << run.text();
  EXPECT_EQ(outcome_of(run)["schema"], 1);
  EXPECT_EQ(std::ranges::count(run.out, '\n'), 1) << "the outcome is one line";
  auto set = agent.sets().at(0);
  auto file = agent.snapshot_of(set);
  const std::vector<std::vector<std::string>> kLines = {
      {"save", agent.path("x.db")}, {"status", file}, {"verify", file, set}, {"list"},
      {"prune", "--dry-run"},       {"check"}};
  for (auto line : kLines) {
    line.insert(line.begin() + 1, {"--output", "json"});
    auto shown = agent.run(line);
    EXPECT_EQ(shown.exit_code, 0) << line[0] << shown.text();
    auto json = test::parsed(shown.out);
    EXPECT_FALSE(json.empty()) << line[0] << shown.text();
    EXPECT_TRUE(shown.out.starts_with("{") || shown.out.starts_with("[")) << shown.out;
  }
  auto status = test::parsed(agent.run({"status", "-o", "json", file}).out);
  EXPECT_EQ(status["revision"], outcome_of(run)["snapshot"]["revision"]);
  EXPECT_EQ(status["hash"], agent.manifest_of(set)["snapshot"]["hash"]);
  EXPECT_EQ(status["liveKeys"], 40);
}

TEST_F(Voice, OfAnEmptyPlaceIsJsonToo) {
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  std::filesystem::remove_all(agent.set_path(agent.sets()[0]));
  EXPECT_EQ(agent.list(), nlohmann::json::array());
  EXPECT_THAT(agent.run({"list"}).out, HasSubstr("etcd-snapshot run"));
}

TEST_F(Voice, HasNoEscapeCodesWithoutATerminal) {
  for (const std::vector<std::string>& line : {std::vector<std::string>{"run", "--verbose"},
                                               {"list"},
                                               {"check"},
                                               {"prune"},
                                               {"save", agent.path("x.db")},
                                               {"verify", agent.path("x.db")},
                                               {"run", "--frobnicate"}}) {
    auto shown = agent.run(line);
    EXPECT_THAT(shown.out + shown.err, Not(HasSubstr("\x1b"))) << line[0];
    EXPECT_THAT(shown.out + shown.err, Not(HasSubstr("\r"))) << line[0];
  }
}

// With a terminal (made by script(1)) there is a bar; the log stays readable.
TEST_F(Voice, HasABarOnATerminal) {
  test::SnapshotScript script{.body = test::snapshot_body(test::small_database(2000))};
  script.pause = std::chrono::milliseconds(5);
  fake.play(script);
  auto on_terminal = [&](const std::string& before) {
    auto command = agent.command({"run"});
    command.argv = {"script", "-qec", before + agent.shell_word({"run"}), "/dev/null"};
    command.env["TERM"] = "xterm";
    return agent.run(command);
  };
  auto bar = on_terminal("");
  EXPECT_EQ(bar.exit_code, 0) << bar.text();
  EXPECT_THAT(bar.out, AllOf(HasSubstr("\r"), HasSubstr("taking the snapshot ["), HasSubstr(" %")));
  EXPECT_THAT(on_terminal("NO_COLOR=1 ").out, Not(HasSubstr("\x1b[3")));
}

TEST_F(Voice, IsSilentWhenToldSoUnlessSomethingIsWrong) {
  auto run = agent.run({"run", "--quiet"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.err, IsEmpty());
  EXPECT_EQ(outcome_of(run)["exit"], 0) << "the outcome is data";
  EXPECT_THAT(agent.run({"run", "--quiet", "--endpoints", "http://127.0.0.1:9"}).err,
              Not(IsEmpty()));
}

TEST_F(Voice, SaysNothingTwice) {
  agent.configure({.endpoints = {"http://127.0.0.1:9", fake.endpoint()}});
  auto run = agent.run({"run"});
  ASSERT_EQ(run.exit_code, 0) << run.text();
  auto warnings = outcome_of(run)["warnings"];
  EXPECT_THAT(warnings, SizeIs(1)) << warnings.dump(1);
  EXPECT_THAT(warnings.dump(), HasSubstr("127.0.0.1:9"));
  EXPECT_EQ(agent.manifest_of(agent.sets()[0])["warnings"], warnings);
}

TEST_F(Voice, OfMetricsIsWhatPrometheusReads) {
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  auto promtool = test::part("bin/promtool", "promtool");
  for (const auto* endpoint : {"", "http://127.0.0.1:9"}) {
    if (*endpoint != '\0') {
      EXPECT_EQ(agent.run({"run", "--endpoints", endpoint}).exit_code, 3);
    }
    auto checked = test::run(
        {.argv = {promtool, "check", "metrics"}, .input = test::read_file(agent.metrics_file())});
    EXPECT_EQ(checked.exit_code, 0) << checked.text();
  }
  EXPECT_THAT(test::read_file(agent.metrics_file()),
              AllOf(HasSubstr("etcd_snapshot_last_success_timestamp_seconds{"),
                    HasSubstr("etcd_snapshot_last_exit_code{cluster=\"prod-east\"} 3\n")));
}

TEST_F(Voice, OfMetricsMayFailAndTheBackupIsGood) {
  auto run = agent.run({"run", "--set", "report.metricsFile=/no/such/dir/x.prom"});
  EXPECT_EQ(run.exit_code, 0) << run.text();
  EXPECT_THAT(run.err, HasSubstr(" warn  metrics file: "));
  EXPECT_THAT(outcome_of(run)["warnings"].dump(), HasSubstr("/no/such/dir"));
}

// F-C09: the search after every run is able to fail.
TEST(Secrets, ThatAreSaidOrWrittenFailATest) {
  Agent agent;
  EXPECT_NONFATAL_FAILURE(agent.expect_no_secrets("password canary-password refused"),
                          "a secret stands in the output");
  std::filesystem::create_directories(agent.set_path("a"));
  test::write_file(agent.set_path("a", "manifest.json"), "{\"key\": \"canary-archived-key\"}");
  EXPECT_NONFATAL_FAILURE(agent.expect_no_secrets(""), "manifest.json");
}

TEST_F(Voice, OfCheckTellsWhatARunWouldEndWith) {
  auto good = agent.run({"check"});
  EXPECT_EQ(good.exit_code, 0) << good.text();
  EXPECT_THAT(good.out, AllOf(HasSubstr("FINDING"), HasSubstr("etcd")));
  EXPECT_THAT(good.out, Not(HasSubstr("retention.keepLast"))) << "settings are for --verbose";
  auto long_answer = agent.run({"check", "--verbose"});
  EXPECT_THAT(long_answer.out, AllOf(HasSubstr("retention.keepLast"), HasSubstr("prod-east")));
  EXPECT_THAT(agent.sets(), IsEmpty());
  agent.expect_nothing_left();
  auto bad = agent.run({"check", "--endpoints", "http://127.0.0.1:9"});
  EXPECT_EQ(bad.exit_code, 3) << bad.text();
  EXPECT_THAT(bad.out, HasSubstr("FAILED"));
  EXPECT_EQ(agent.run({"check", "--set", "local.reserve=900TiB"}).exit_code, 8);
}

}  // namespace
}  // namespace snap::cli
