// Secrets in every file that the program reads, every verb, with faults, told to say more: none is
// ever printed or written. Agent::run() searches all outputs for them. F-C09
#include "cli/scenes.h"
#include "support/pki.h"

namespace snap::cli {
namespace {

using test::Agent;
using test::FakeGrpc;

struct Canary {
  std::string name;
  // Changes the surroundings; returns flags for the verbs that ask etcd.
  std::function<std::vector<std::string>(Agent&, test::AgentSetup&)> plant;
};

void PrintTo(const Canary& c, std::ostream* out) { *out << c.name; }

std::string planted(Agent& agent, const std::string& name, const std::string& text) {
  test::write_file(agent.path(name), text);
  return agent.path(name);
}

class CanaryTable : public testing::TestWithParam<Canary> {};

TEST_P(CanaryTable, IsNeverSaid) {
  FakeGrpc fake(test::good_script());
  Agent agent({.endpoints = {fake.endpoint()}});
  ASSERT_EQ(agent.run({"run", "--verbose"}).exit_code, 0);
  auto set = agent.sets().at(0);
  test::AgentSetup setup{.endpoints = {fake.endpoint()}};
  auto flags = GetParam().plant(agent, setup);
  if (!setup.cluster.empty()) agent.configure(setup);
  for (std::vector<std::string> line : {std::vector<std::string>{"run"},
                                        {"save", agent.path("x.db")},
                                        {"check"},
                                        {"status", agent.snapshot_of(set)},
                                        {"verify", set},
                                        {"list"},
                                        {"prune", "--dry-run"},
                                        {"prune"},
                                        {"pin", set},
                                        {"remove", set},
                                        {"unpin", set}}) {
    bool asks = line[0] == "run" || line[0] == "save" || line[0] == "check";
    if (asks) line.insert(line.end(), flags.begin(), flags.end());
    for (const auto* loud : {"--verbose", "--output=json"}) {
      auto louder = line;
      louder.emplace_back(loud);
      auto said = agent.run(louder);  // searches
      EXPECT_FALSE(said.timed_out || said.signal) << said.text();
      EXPECT_FALSE(said.out.empty() && said.err.empty()) << line[0];
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, CanaryTable,
    testing::Values(Canary{"nothing_wrong",
                           [](Agent&, test::AgentSetup&) { return std::vector<std::string>{}; }},
                    Canary{"password_that_is_not_wanted",
                           [](Agent& agent, test::AgentSetup& setup) {
                             setup.username = "root";
                             setup.password_file = planted(agent, "password", "canary-password\n");
                             return std::vector<std::string>{};
                           }},
                    Canary{"password_file_with_a_nul",
                           [](Agent& agent, test::AgentSetup& setup) {
                             setup.username = "root";
                             setup.password_file =
                                 planted(agent, "password", std::string("canary-pass\0word", 16));
                             return std::vector<std::string>{};
                           }},
                    Canary{"password_instead_of_its_file",
                           [](Agent&, test::AgentSetup& setup) {
                             setup.username = "root";
                             setup.password_file = "canary-password";
                             return std::vector<std::string>{};
                           }},
                    Canary{"password_under_a_key_of_its_own",
                           [](Agent&, test::AgentSetup& setup) {
                             setup.more = "password: canary-password\n";
                             return std::vector<std::string>{};
                           }},
                    Canary{"password_in_the_url",
                           [](Agent&, test::AgentSetup&) {
                             return std::vector<std::string>{
                                 "--endpoints", "http://root:canary-password@127.0.0.1:9"};
                           }},
                    Canary{"password_as_a_flag_of_etcdctl",
                           [](Agent&, test::AgentSetup&) {
                             return std::vector<std::string>{"--password=canary-password"};
                           }},
                    Canary{"password_behind_the_user",
                           [](Agent&, test::AgentSetup&) {
                             return std::vector<std::string>{"--user", "root:canary-password"};
                           }},
                    Canary{"garbage_key",
                           [](Agent& agent, test::AgentSetup& setup) {
                             auto pki = test::Pki::make(agent.path(""));
                             setup.endpoints = {"https://127.0.0.1:9"};
                             setup.cacert = pki.ca;
                             setup.cert = pki.client_cert;
                             setup.key = planted(agent, "garbage.key",
                                                 "-----BEGIN PRIVATE KEY-----\ncanary-key\n"
                                                 "-----END PRIVATE KEY-----\n");
                             return std::vector<std::string>{};
                           }},
                    Canary{"key_instead_of_the_certificate",
                           [](Agent& agent, test::AgentSetup& setup) {
                             auto pki = test::Pki::make(agent.path(""));
                             setup.endpoints = {"https://127.0.0.1:9"};
                             setup.cacert = setup.cert = setup.key = pki.client_key;
                             return std::vector<std::string>{};
                           }},
                    Canary{"configuration_that_is_no_yaml",
                           [](Agent& agent, test::AgentSetup& setup) {
                             setup.cluster.clear();
                             test::write_file(agent.config_file(),
                                              "cluster: [canary-password\nlocal: }\n");
                             return std::vector<std::string>{};
                           }},
                    Canary{"secret_file_given_as_the_configuration",
                           [](Agent& agent, test::AgentSetup& setup) {
                             setup.cluster.clear();
                             test::write_file(agent.config_file(), "canary-password\n");
                             return std::vector<std::string>{};
                           }}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace snap::cli
