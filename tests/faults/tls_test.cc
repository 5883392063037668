// Certificates that do not fit, on either side, and users that may not: real servers.
#include "cli/scenes.h"
#include "support/outcome.h"
#include "support/proxy.h"

namespace snap::faults {
namespace {

using namespace std::chrono_literals;
using test::Agent;
using test::AgentSetup;
using test::Before;
using test::EtcdCluster;
using test::Pki;
using test::Proxy;

// A cluster with TLS and an agent that has a good set of it.
struct Secure {
  explicit Secure(const test::EtcdOptions& options)
      : cluster(EtcdCluster::start(options)), setup(AgentSetup::of(cluster)), agent(setup) {
    EXPECT_EQ(agent.run({"run"}).exit_code, 0);
  }
  // With what is wrong in `wrong`.
  void expect_refused(const AgentSetup& wrong, const test::Expected& expected) {
    agent.configure(wrong);
    expect(agent.command({"run"}), expected);
  }
  void expect(const test::Command& command, const test::Expected& expected) {
    Before before(agent);
    auto run = agent.run(command);
    expect_outcome(agent, before, run, expected, [&] {
      agent.configure(setup);
      return agent.run({"run"});
    });
  }

  EtcdCluster cluster;
  AgentSetup setup;
  Agent agent;
};

test::Expected denied(const std::string& cause) {
  return test::fails(3).in("preflight").saying(cause).within(8s);
}

// F-E20: never is anything sent to a server that was not verified.
TEST(ServerCertificate, ThatDoesNotPassIsRefused) {
  Secure scene({.tls = true});
  for (auto [time, cause] : {std::pair("2099-03-01 12:00:00", " expired at 20"),
                             std::pair("2020-03-01 12:00:00", " is not valid before 20")}) {
    auto command = scene.agent.command({"run"});
    std::vector<std::string> faketime{"faketime", "--exclude-monotonic", "-f", time};
    command.argv.insert(command.argv.begin(), faketime.begin(), faketime.end());
    // A last success in this run's future is no success to report.
    std::filesystem::remove(scene.agent.metrics_file());
    scene.expect(command, denied(cause));
  }
  auto other = Pki::make(scene.agent.path("other"));
  auto wrong = scene.setup;
  wrong.cacert = other.ca;
  scene.expect_refused(wrong, denied("which the CA file does not hold"));
  Proxy elsewhere(scene.cluster.endpoints()[0], "127.0.0.2");
  wrong = scene.setup;
  wrong.endpoints = {elsewhere.url()};
  scene.expect_refused(wrong, denied("not for 127.0.0.2"));
}

// F-E20: its own authority.
TEST(ServerCertificate, ThatSignedItselfIsRefused) {
  test::TempDir dir;
  auto pki = Pki::make(dir.path("pki"));
  auto self = pki.issue({.name = "self",
                         .common_name = "self-etcd",
                         .alt_names = "DNS:localhost,IP:127.0.0.1",
                         .self_signed = true});
  auto lenient = pki;  // so that etcdctl may look whether the server is up
  lenient.ca = dir.path("both.crt");
  test::write_file(lenient.ca, test::read_file(pki.ca) + test::read_file(self.cert));
  Secure scene({.tls = true, .pki = &lenient, .server_cert = self.cert, .server_key = self.key});
  auto strict = scene.setup;
  strict.cacert = pki.ca;
  scene.expect_refused(strict, denied("self-signed certificate of CN=self-etcd"));
}

class ClientCertificate : public testing::TestWithParam<std::string> {};

// F-E21: the server judges ours; with TLS 1.3 it does so after the handshake.
TEST_P(ClientCertificate, ThatTheServerRefusesIsNamed) {
  Secure scene({.tls = true,
                .extra_flags = {"--tls-min-version", GetParam(), "--tls-max-version", GetParam()}});
  auto wrong = scene.setup;
  wrong.cert = wrong.key = "";
  scene.expect_refused(wrong, denied("the server refused our client certificate"));
  auto stranger = Pki::make(scene.agent.path("stranger"));
  wrong.cert = stranger.client_cert;
  wrong.key = stranger.client_key;
  scene.expect_refused(wrong, denied("the server refused our client certificate"));
  auto late = scene.cluster.pki().issue(
      {.name = "late", .not_before = "20200101000000Z", .not_after = "20210101000000Z"});
  wrong.cert = late.cert;
  wrong.key = late.key;
  scene.expect_refused(wrong, denied("the server refused our client certificate"));
}

INSTANTIATE_TEST_SUITE_P(Versions, ClientCertificate, testing::Values("TLS1.2", "TLS1.3"),
                         [](const auto& test) {
                           return test.param.substr(0, 4) + "_" + test.param.substr(5);
                         });

// F-E21: what is wrong with the files is said before any connection.
TEST(ClientFiles, ThatDoNotFitOpenNoConnection) {
  Secure scene({.tls = true});
  Proxy proxy(scene.cluster.endpoints()[0]);
  auto other = Pki::make(scene.agent.path("other"));
  auto garbage = scene.agent.path("garbage.crt");
  test::write_file(garbage, "-----BEGIN CERTIFICATE-----\nnot a certificate\n");
  struct Case {
    std::string cert, key, cause;
  };
  for (const auto& c :
       {Case{scene.setup.cert, other.client_key, "not the key of"},
        Case{garbage, scene.setup.key, garbage}, Case{scene.setup.cert, garbage, garbage}}) {
    auto wrong = scene.setup;
    wrong.endpoints = {proxy.url()};
    wrong.cert = c.cert;
    wrong.key = c.key;
    scene.agent.configure(wrong);
    Before before(scene.agent, [&] { return proxy.connections(); });
    auto run = scene.agent.run({"run"});
    expect_outcome(scene.agent, before, run, test::refused().saying(c.cause));
  }
}

// How often the server was asked for a token, and with which result.
int authentications(const EtcdCluster& cluster, const std::string& code) {
  auto page = test::run({.argv = {"curl", "-sf", cluster.endpoints()[0] + "/metrics"}});
  for (size_t begin = 0; begin < page.out.size();) {
    auto end = std::min(page.out.find('\n', begin), page.out.size());
    auto line = page.out.substr(begin, end - begin);
    begin = end + 1;
    if (line.starts_with("grpc_server_handled_total{") &&
        line.contains("grpc_code=\"" + code + "\"") &&
        line.contains("grpc_method=\"Authenticate\""))
      return std::stoi(line.substr(line.rfind(' ')));
  }
  return 0;
}

class Users : public testing::TestWithParam<std::string> {};

// F-E23: refused with a hint, each password tried once.
TEST_P(Users, ThatMayNotAreRefused) {
  auto cluster = EtcdCluster::start({.version = GetParam(), .auth = true});
  cluster.ctl({"user", "add", "plain:simple"});
  auto setup = AgentSetup::of(cluster);
  setup.username = "root";
  setup.password_file = cluster.password_file();
  Agent agent(setup);
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  auto file = [&](const std::string& name, const std::string& text) {
    test::write_file(agent.path(name), text);
    return agent.path(name);
  };
  struct Case {
    std::string user, file, cause;
    int tries;
  };
  for (const auto& c : {Case{"", "", "set username and password file", 0},
                        Case{"root", file("wrong", "canary-guess\n"), "authentication failed", 1},
                        Case{"plain", file("plain", "simple\n"), "role root", 1}}) {
    SCOPED_TRACE(c.user);
    Before before(agent);
    auto wrong = setup;
    wrong.username = c.user;
    wrong.password_file = c.file;
    agent.configure(wrong);
    auto count = [&] {
      auto sum = 0;
      for (const auto* code : {"OK", "InvalidArgument", "Unknown", "Unauthenticated"})
        sum += authentications(cluster, code);
      return sum;
    };
    auto asked = count();
    auto run = agent.run({"run"});
    EXPECT_EQ(count(), asked + c.tries);
    expect_outcome(agent, before, run, test::fails(3).saying(c.cause).within(8s), [&] {
      agent.configure(setup);
      return agent.run({"run"});
    });
  }
}

// F-E23: the token has expired when the snapshot is asked for: one more, and no third.
TEST_P(Users, GetANewTokenWhenTheirsExpired) {
  auto cluster = EtcdCluster::start(
      {.version = GetParam(), .auth = true, .extra_flags = {"--auth-token-ttl", "2"}});
  Proxy proxy(cluster.endpoints()[0]);
  auto setup = AgentSetup::of(cluster);
  setup.endpoints = {proxy.url()};
  setup.username = "root";
  setup.password_file = cluster.password_file();
  Agent agent(setup);
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  int snapshot = 0;  // its connection: the one that brought most
  for (int i = 0; i < proxy.connections(); ++i)
    if (proxy.recorded(i).size() > proxy.recorded(snapshot).size()) snapshot = i;
  Before before(agent);
  proxy.play([&, base = proxy.connections()](int n) {
    test::ProxyScript late{.to_server = {.delay = 4500ms}};
    return n == base + snapshot ? late : test::ProxyScript();
  });
  auto asked = authentications(cluster, "OK");
  auto run = agent.run({"run", "--set", "etcd.stallTimeout=10s"});
  EXPECT_GT(run.wall_seconds, 4.5);
  EXPECT_EQ(authentications(cluster, "OK"), asked + 2);
  expect_outcome(agent, before, run, test::succeeds().and_others());
}

INSTANTIATE_TEST_SUITE_P(Lines, Users, testing::Values("3.4", "3.5", "3.6"), [](const auto& test) {
  return "v" + test.param.substr(0, 1) + test.param.substr(2);
});

}  // namespace
}  // namespace snap::faults
