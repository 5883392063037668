// The client against real servers of the three lines.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "etcd/choose.h"
#include "etcd/client.h"
#include "stream/sha256.h"
#include "support/etcd_server.h"

namespace snap::etcd {
namespace {

using namespace std::chrono_literals;
using test::EtcdCluster;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

ClientConfig config_for(const EtcdCluster& cluster) {
  ClientConfig config;
  config.endpoints = cluster.endpoints();
  config.tls.ca = cluster.pki().ca;
  config.tls.cert = cluster.pki().client_cert;
  config.tls.key = cluster.pki().client_key;
  return config;
}

ClientConfig with_user(ClientConfig config, const std::string& user, const std::string& file) {
  config.username = user;
  config.password_file = file;
  return config;
}

Result<std::string> receive(SnapshotStream& stream) {
  std::string bytes;
  std::vector<std::byte> buffer(1 << 20);
  for (;;) {
    auto n = TRY(stream.read(buffer));
    if (n == 0) return bytes;
    bytes += as_text(Bytes(buffer).first(n));
  }
}

// Takes a snapshot of the chosen member and checks its trailer.
void expect_snapshot(Client& client, const std::string& version) {
  auto survey = client.survey();
  ASSERT_TRUE(survey) << describe(survey.error());
  EXPECT_THAT(survey->failures, IsEmpty());
  EXPECT_THAT(survey->warnings, IsEmpty());
  EXPECT_EQ(survey->member_list.size(), survey->members.size());
  auto choice = choose(*survey, WithoutLeader::refuse);
  ASSERT_TRUE(choice) << describe(choice.error());
  const auto& member = choice->first().member;
  EXPECT_EQ(member.is_leader(), survey->members.size() == 1) << choice->reason;
  EXPECT_TRUE(member.version.starts_with(version)) << member.version;
  EXPECT_EQ(member.storage_version, version == "3.6" ? "3.6.0" : "");
  auto stream = client.snapshot(member.endpoint);
  auto bytes = receive(*stream);
  ASSERT_TRUE(bytes) << describe(bytes.error());
  EXPECT_EQ(stream->total_bytes(), bytes->size());
  EXPECT_EQ(stream->storage_version(), member.storage_version);
  ASSERT_EQ(bytes->size() % 512, 32U);
  auto database = std::string_view(*bytes).substr(0, bytes->size() - 32);
  EXPECT_EQ(as_text(stream::sha256(as_bytes(database))), bytes->substr(database.size()));
  EXPECT_THAT(*bytes, HasSubstr("/registry/pods/a"));
}

struct Server {
  std::string name, version;
  bool tls;
  int members;
  bool auth;
};
void PrintTo(const Server& s, std::ostream* out) { *out << s.name; }
class Real : public testing::TestWithParam<Server> {};

TEST_P(Real, GivesSnapshotStatusAndHash) {
  const auto& p = GetParam();
  auto cluster = EtcdCluster::start(
      {.version = p.version, .members = p.members, .tls = p.tls, .auth = p.auth});
  cluster.ctl({"put", "/registry/pods/a", "b"});
  auto config = config_for(cluster);
  if (p.auth && !p.tls) config = with_user(config, "root", cluster.password_file());
  auto client = Client::create(config);
  ASSERT_TRUE(client) << describe(client.error());
  expect_snapshot(*client, p.version);
  auto status = client->status(cluster.endpoints()[0]);
  ASSERT_TRUE(status) << describe(status.error());
  auto hash = client->hash_kv(cluster.endpoints()[0], status->revision);
  ASSERT_TRUE(hash) << describe(hash.error());
  EXPECT_NE(hash->hash, 0U);
  for (const auto& endpoint : cluster.endpoints())
    EXPECT_EQ(client->hash_kv(endpoint, status->revision).value().hash, hash->hash);
  auto future = client->hash_kv(cluster.endpoints()[0], status->revision + 1000);
  EXPECT_EQ(future.error().code, Code::not_found);
}

INSTANTIATE_TEST_SUITE_P(Lines, Real,
                         testing::Values(Server{"v34_plain", "3.4", false, 1, false},
                                         Server{"v34_tls_three_auth", "3.4", true, 3, true},
                                         Server{"v35_tls", "3.5", true, 1, false},
                                         Server{"v35_plain_auth", "3.5", false, 1, true},
                                         Server{"v36_plain_three", "3.6", false, 3, false},
                                         Server{"v36_tls_auth", "3.6", true, 1, true},
                                         Server{"v36_plain_auth", "3.6", false, 1, true}),
                         [](const auto& test) { return test.param.name; });

// F-E22.
TEST(RealCluster, NamesTheWrongScheme) {
  auto plain = EtcdCluster::start({.version = "3.5"});
  auto secure = EtcdCluster::start({.version = "3.6", .tls = true});
  auto other = [](const std::string& url) {
    return url.starts_with("https") ? "http" + url.substr(5) : "https" + url.substr(4);
  };
  auto config = config_for(secure);
  config.endpoints = {other(secure.endpoints()[0])};
  auto http_to_tls = Client::create(config).value().survey();
  ASSERT_FALSE(http_to_tls);
  EXPECT_EQ(http_to_tls.error().code, Code::unavailable);
  EXPECT_THAT(http_to_tls.error().hint, HasSubstr("write https://"))
      << describe(http_to_tls.error());
  config.endpoints = {other(plain.endpoints()[0])};
  auto https_to_plain = Client::create(config).value().survey();
  ASSERT_FALSE(https_to_plain);
  EXPECT_EQ(https_to_plain.error().code, Code::unavailable);
  EXPECT_THAT(https_to_plain.error().hint, HasSubstr("write http://"))
      << describe(https_to_plain.error());
}

class Auth : public testing::TestWithParam<std::string> {};

// F-E23: nobody, a wrong password, a user without the role root, a token that expires.
TEST_P(Auth, RefusesWithAHintAndRenewsTokens) {
  auto cluster = EtcdCluster::start(
      {.version = GetParam(), .auth = true, .extra_flags = {"--auth-token-ttl", "1"}});
  const auto& endpoint = cluster.endpoints()[0];
  cluster.ctl({"put", "/registry/pods/a", "b"});
  cluster.ctl({"user", "add", "plain:simple"});
  auto file = [&](const std::string& name, const std::string& text) {
    test::write_file(cluster.directory().path(name), text);
    return cluster.directory().path(name);
  };
  auto base = config_for(cluster);
  auto refusal = [&](const ClientConfig& config) {
    auto client = Client::create(config).value();
    auto end = receive(*client.snapshot(endpoint));
    return end ? Error{Code::internal, "it was let in", ""} : end.error();
  };
  auto nobody = refusal(base);
  EXPECT_EQ(nobody.code, Code::denied) << describe(nobody);
  EXPECT_THAT(nobody.hint, HasSubstr("set username"));
  auto wrong = refusal(with_user(base, "root", file("wrong", "guess-canary\n")));
  EXPECT_EQ(wrong.code, Code::denied) << describe(wrong);
  EXPECT_THAT(describe(wrong), AllOf(HasSubstr("authenticate user root"), HasSubstr("password")));
  EXPECT_THAT(describe(wrong), testing::Not(HasSubstr("canary")));
  auto plain = refusal(with_user(base, "plain", file("plain", "simple")));
  EXPECT_EQ(plain.code, Code::denied) << describe(plain);
  EXPECT_THAT(plain.hint, HasSubstr("role root"));

  auto client = Client::create(with_user(base, "root", cluster.password_file())).value();
  auto status = client.status(endpoint).value();
  // The token is forgotten about a second later; the etcdctl beside us needs none of ours.
  std::this_thread::sleep_until(std::chrono::steady_clock::now() + 2500ms);
  auto bytes = receive(*client.snapshot(endpoint));
  EXPECT_TRUE(bytes) << describe(bytes.error());
  EXPECT_EQ(client.hash_kv(endpoint, status.revision).value().hash,
            client.hash_kv(endpoint, status.revision).value().hash);
}

INSTANTIATE_TEST_SUITE_P(Lines, Auth, testing::Values("3.4", "3.5", "3.6"), [](const auto& test) {
  return "v" + test.param.substr(0, 1) + test.param.substr(2);
});

// F-E02, F-E04, F-E17: one cluster, one misfortune after the other.
TEST(RealCluster, LivesThroughLossOfMembers) {
  auto cluster = EtcdCluster::start({.version = "3.6", .members = 3, .learner = true});
  cluster.ctl({"put", "/registry/pods/a", "b"});
  auto config = config_for(cluster);
  config.connect_timeout = 2000ms;
  config.endpoints.insert(config.endpoints.begin(), cluster.learner_endpoint());
  auto client = Client::create(config).value();
  auto survey = client.survey().value();
  EXPECT_EQ(survey.members.size(), 4U);
  EXPECT_NE(choose(survey, WithoutLeader::refuse).value().first().member.endpoint,
            cluster.learner_endpoint());
  auto of_learner = client.survey({cluster.learner_endpoint()});
  ASSERT_TRUE(of_learner) << describe(of_learner.error());
  EXPECT_THAT(choose(*of_learner, WithoutLeader::accept).error().message,
              HasSubstr("only a learner answered"));
  EXPECT_EQ(client.hash_kv(cluster.learner_endpoint(), 0).error().code, Code::denied);
  auto from_one = client.survey({cluster.endpoints()[0]}).value();
  EXPECT_EQ(from_one.other_endpoints().size(), 3U);

  auto leader = cluster.leader();
  auto survivor = (leader + 1) % 3;
  cluster.pause(leader);
  cluster.kill((leader + 2) % 3);
  auto no_leader = [&] {
    auto status = client.status(cluster.endpoints()[static_cast<size_t>(survivor)]);
    return status && status->leader == 0;
  };
  ASSERT_TRUE(test::wait_until(no_leader, 20s));
  auto begin = std::chrono::steady_clock::now();
  survey = client.survey().value();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 6s);
  EXPECT_EQ(survey.failures.size(), 2U);
  EXPECT_THAT(choose(survey, WithoutLeader::refuse).error().message, HasSubstr("no leader"));
  auto choice = choose(survey, WithoutLeader::accept).value();
  EXPECT_EQ(choice.warnings[0], "no leader, may be behind");
  auto bytes = receive(*client.snapshot(choice.first().member.endpoint));
  EXPECT_TRUE(bytes) << describe(bytes.error());
}

// F-E06, F-E07.
TEST(RealCluster, SaysWhereAMemberStalledOrDied) {
  auto cluster = EtcdCluster::start({.version = "3.6"});
  cluster.fill(48);  // more than fits into all buffers on the way
  auto config = config_for(cluster);
  config.stall_timeout = 1000ms;
  auto client = Client::create(config).value();
  std::vector<std::byte> buffer(65536);
  for (bool dies : {false, true}) {
    auto stream = client.snapshot(cluster.endpoints()[0]);
    ASSERT_TRUE(stream->read(buffer));
    dies ? cluster.kill(0) : cluster.pause(0);
    auto end = receive(*stream);
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().code, dies ? Code::unavailable : Code::timeout) << describe(end.error());
    EXPECT_THAT(end.error().message, HasSubstr(dies ? "(at byte " : "no progress for 1 s at "));
    EXPECT_THAT(end.error().message, HasSubstr(cluster.endpoints()[0]));
    cluster.resume(0);
  }
}

TEST(RealCluster, AnswersOnIpv6) {
  auto cluster = EtcdCluster::start({.version = "3.6", .tls = true, .host = "::1"});
  cluster.ctl({"put", "/registry/pods/a", "b"});
  EXPECT_THAT(cluster.endpoints()[0], HasSubstr("https://[::1]:"));
  auto client = Client::create(config_for(cluster)).value();
  expect_snapshot(client, "3.6");
}

}  // namespace
}  // namespace snap::etcd
