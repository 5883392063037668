// What a real API server will not do on demand. F-K02: slow, broken, refusing, rotating.
#include "kube/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "kube/events.h"
#include "kube/nodes.h"
#include "support/fake_http.h"
#include "support/pki.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace snap::kube {
namespace {

using namespace std::chrono_literals;
using test::FakeHttp;
using test::FakeReply;
using test::FakeRequest;
using testing::HasSubstr;

constexpr Limits kShort{.connect = 5s, .request = 10s, .total = 20s, .attempts = 3};

Access access_to(const FakeHttp& server) {
  return {.origin = "a test",
          .server = net::parse_endpoint(server.url(), 443, false).value(),
          .base_path = {},
          .tls = {},
          .token_file = {},
          .token = "canary",
          .name_space = "default"};
}

Client client_of(Access access, std::stop_token stop = {}) {
  return Client(std::move(access),
                {.user_agent = "etcd-snapshot/test", .limits = kShort, .stop = std::move(stop)});
}

FakeReply refusal(int status, const std::string& reason, const std::string& message) {
  nlohmann::json body = {{"kind", "Status"}, {"reason", reason}, {"message", message}};
  return {.status = status, .body = body.dump()};
}

FakeReply nodes(const std::vector<std::string>& names, const std::string& token = {}) {
  nlohmann::json list = {{"items", nlohmann::json::array()}, {"metadata", {{"continue", token}}}};
  for (const auto& name : names) list["items"].push_back({{"metadata", {{"name", name}}}});
  return {.body = list.dump()};
}

const Call kGet{.verb = "get", .resource = "things", .name_space = {}, .target = "/x"};

TEST(KubeClient, SendsTokenAndNameAndNothingOfTheEnvironment) {
  ::setenv("https_proxy", "http://127.0.0.1:9", 1);
  ::setenv("http_proxy", "http://127.0.0.1:9", 1);
  FakeRequest seen;
  FakeHttp server([&](const FakeRequest& request) {
    seen = request;
    return FakeReply{.body = "{}"};
  });
  auto access = access_to(server);
  access.base_path = "/k8s/clusters/c-1";
  auto answer = client_of(std::move(access)).ask(kGet);
  ::unsetenv("https_proxy");
  ::unsetenv("http_proxy");
  ASSERT_TRUE(answer) << describe(answer.error().error);
  EXPECT_EQ(seen.target, "/k8s/clusters/c-1/x");
  EXPECT_EQ(seen.headers["authorization"], "Bearer canary");
  EXPECT_EQ(seen.headers["user-agent"], "etcd-snapshot/test");
  EXPECT_EQ(seen.headers["accept"], "application/json");
}

struct Case {
  std::string name;
  FakeReply reply;
  Code code;
  std::string says;
  size_t requests;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
class KubeAnswers : public testing::TestWithParam<Case> {};

TEST_P(KubeAnswers, AreErrorsWithVerbAndResource) {
  FakeHttp server([&](const FakeRequest&) { return GetParam().reply; });
  auto client = client_of(access_to(server));
  auto began = std::chrono::steady_clock::now();
  auto answer = client.ask({.verb = "get",
                            .resource = "things",
                            .name_space = "backup",
                            .target = "/x",
                            .max_bytes = 1000});
  ASSERT_FALSE(answer);
  auto error = answer.error().error;
  EXPECT_EQ(error.code, GetParam().code) << describe(error);
  EXPECT_THAT(error.message, testing::StartsWith("get things in namespace backup: "));
  EXPECT_THAT(describe(error), HasSubstr(GetParam().says));
  EXPECT_THAT(describe(error), testing::Not(HasSubstr("canary")));
  EXPECT_EQ(server.requests().size(), GetParam().requests);
  EXPECT_LT(std::chrono::steady_clock::now() - began, kShort.total + 5s);
}

INSTANTIATE_TEST_SUITE_P(
    F_K02, KubeAnswers,
    testing::Values(
        Case{"unauthorized", refusal(401, "Unauthorized", "Unauthorized"), Code::denied,
             "the credentials of a test are not accepted", 1},
        Case{"forbidden", refusal(403, "Forbidden", "things is forbidden"), Code::denied,
             "status 403: things is forbidden (grant it with a Role that allows get on things)", 1},
        Case{"bad_request", refusal(400, "BadRequest", "no selector"), Code::invalid, "no selector",
             1},
        Case{"conflict", refusal(409, "Conflict", "changed"), Code::busy, "changed", 1},
        Case{"exists", refusal(409, "AlreadyExists", "there"), Code::exists, "there", 1},
        Case{"server_error", refusal(500, "InternalError", "etcd is away"), Code::unavailable,
             "etcd is away", 3},
        Case{"not_ready",
             {.status = 503, .body = "apiserver not ready"},
             Code::unavailable,
             "status 503: apiserver not ready",
             3},
        Case{"too_many_for_too_long",
             {.status = 429, .headers = {"Retry-After: 30"}, .body = "{}"},
             Code::unavailable,
             "status 429",
             1},
        Case{"hostile_text", refusal(418, "", "\x1b[31m\nred"), Code::invalid, "\\x1b[31m\\nred",
             1},
        Case{"redirect",
             {.status = 302, .headers = {"Location: /y"}},
             Code::invalid,
             "status 302",
             1},
        Case{"no_json", {.body = "<html>login</html>"}, Code::corrupt, "the answer is not JSON", 1},
        Case{"half_json", {.body = R"({"items": [)"}, Code::corrupt, "the answer is not JSON", 1},
        Case{"list_for_object", {.body = "[]"}, Code::corrupt, "the answer is not JSON", 1},
        Case{"giant",
             {.body = "\"" + std::string(100'000, 'x') + "\""},
             Code::corrupt,
             "the answer is longer than 1.0 kB",
             1},
        Case{"cut_head", {.cut = true}, Code::unavailable, "the connection was cut", 3},
        Case{"cut_body",
             {.body = std::string(900, 'x'), .body_bytes = 10},
             Code::unavailable,
             "the connection was cut",
             3}),
    [](const auto& test) { return test.param.name; });

TEST(KubeClient, TellsTheApisOwnAnswersFromOthers) {
  FakeReply reply;
  FakeHttp server([&](const FakeRequest&) { return reply; });
  auto client = client_of(access_to(server));
  for (auto [next, heard] :
       {std::pair{FakeReply{.body = "{}"}, true}, std::pair{refusal(404, "NotFound", "gone"), true},
        std::pair{refusal(404, "", "no reason"), false},
        std::pair{FakeReply{.status = 404, .body = "{}"}, false},
        std::pair{FakeReply{.status = 302, .headers = {"Location: /y"}}, false},
        std::pair{FakeReply{.body = "<html>"}, false},
        std::pair{refusal(403, "Forbidden", "no"), true}}) {
    reply = next;
    (void)client.ask(kGet);
    EXPECT_EQ(client.heard(), heard) << next.status << " " << next.body;
  }
}

TEST(KubeClient, WaitsAsLongAsTheServerAsks) {
  std::atomic<int> count = 0;
  FakeHttp server([&](const FakeRequest&) {
    return count++ == 0 ? FakeReply{.status = 429, .headers = {"Retry-After: 1"}, .body = "{}"}
                        : FakeReply{.body = "{}"};
  });
  auto began = std::chrono::steady_clock::now();
  auto answer = client_of(access_to(server)).ask(kGet);
  EXPECT_TRUE(answer) << describe(answer.error().error);
  EXPECT_GE(std::chrono::steady_clock::now() - began, 1s);
}

TEST(KubeClient, EndsInTimeWhereTheServerIsSilent) {
  FakeHttp server([](const FakeRequest&) { return FakeReply{.silent = true}; });
  Client client(access_to(server),
                {.user_agent = "etcd-snapshot/test",
                 .limits = {.connect = 5s, .request = 200ms, .total = 1s, .attempts = 3},
                 .stop = {}});
  auto began = std::chrono::steady_clock::now();
  auto answer = client.ask(kGet);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().error.code, Code::timeout);
  EXPECT_THAT(answer.error().error.message, HasSubstr("get things: http://127.0.0.1"));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 6s);
}

TEST(KubeClient, StopsWhileItWaits) {
  std::stop_source stop;
  FakeHttp server([&](const FakeRequest&) {
    stop.request_stop();
    return FakeReply{.silent = true};
  });
  auto answer = client_of(access_to(server), stop.get_token()).ask(kGet);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().error.code, Code::cancelled);
}

TEST(KubeClient, TakesANewTokenOnceAfterARefusal) {
  test::TempDir directory;
  test::write_file(directory.path("token"), "old\n");
  FakeHttp server([&](const FakeRequest& request) {
    // The kubelet replaces the file while the old token is still in use.
    test::write_file(directory.path("token"), "new\n");
    return request.headers.at("authorization") == "Bearer new"
               ? FakeReply{.body = "{}"}
               : refusal(401, "Unauthorized", "expired");
  });
  auto access = access_to(server);
  access.token_file = directory.path("token");
  auto client = client_of(std::move(access));
  auto answer = client.ask(kGet);
  EXPECT_TRUE(answer) << describe(answer.error().error);
  EXPECT_EQ(server.requests().size(), 2U);
}

// As nobody it would be refused with the hint to grant rights to system:anonymous.
TEST(KubeClient, NeverAsksAsNobodyBecauseATokenCannotBeRead) {
  test::TempDir directory;
  FakeHttp server([](const FakeRequest&) { return FakeReply{.body = "{}"}; });
  auto access = access_to(server);
  access.token = "";
  access.token_file = directory.path("token");
  auto client = client_of(std::move(access));
  auto answer = client.ask(kGet);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().error.code, Code::denied);
  EXPECT_THAT(answer.error().error.message, HasSubstr("get things: token file: open "));
  EXPECT_TRUE(server.requests().empty());
}

TEST(KubeClient, TakesANewCaWhileItRuns) {
  test::TempDir directory;
  auto before = test::Pki::make(directory.path("before"));
  auto after = test::Pki::make(directory.path("after"));
  auto port = test::free_ports(1)[0];
  // openssl s_server gives out files: this one is the answer to GET /x.
  test::write_file(directory.path("x"), "HTTP/1.0 200 OK\r\n\r\n{\"kind\": \"Thing\"}");
  test::Process server({.argv = {"openssl", "s_server", "-HTTP", "-quiet", "-accept",
                                 "127.0.0.1:" + std::to_string(port), "-cert", after.server_cert,
                                 "-key", after.server_key},
                        .directory = directory.path(),
                        .output_file = directory.path("log")});
  ASSERT_TRUE(test::wait_until([&] { return test::listens("127.0.0.1", port); }));
  auto ca = directory.path("ca.crt");
  std::filesystem::copy_file(before.ca, ca);
  Access access{.origin = "a test",
                .server = {.tls = true,
                           .host = "127.0.0.1",
                           .port = static_cast<uint16_t>(port),
                           .unix_socket = {}},
                .base_path = {},
                .tls = {.ca = ca, .cert = {}, .key = {}, .server_name = "localhost"},
                .token_file = {},
                .token = {},
                .name_space = {}};
  auto client = client_of(std::move(access));
  auto refused = client.ask(kGet);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error.code, Code::denied) << describe(refused.error().error);
  EXPECT_THAT(refused.error().error.message, HasSubstr("which the CA file does not hold"));
  std::filesystem::copy_file(after.ca, ca, std::filesystem::copy_options::overwrite_existing);
  auto answer = client.ask(kGet);
  EXPECT_TRUE(answer) << describe(answer.error().error);
}

TEST(KubeClient, ReportsARefusalThatCameTooLateForAnotherTry) {
  test::TempDir directory;
  auto pki = test::Pki::make(directory.path("pki"));
  auto other = test::Pki::make(directory.path("other"));
  auto port = test::free_ports(1)[0];
  // It takes two connections: that of the wait below, and one of ours.
  test::Process server({.argv = {"openssl", "s_server", "-HTTP", "-quiet", "-naccept", "2",
                                 "-accept", "127.0.0.1:" + std::to_string(port), "-cert",
                                 pki.server_cert, "-key", pki.server_key},
                        .directory = directory.path(),
                        .output_file = directory.path("log")});
  ASSERT_TRUE(test::wait_until([&] { return test::listens("127.0.0.1", port); }));
  Access access{
      .origin = "a test",
      .server = net::parse_endpoint("https://127.0.0.1:" + std::to_string(port), 443, true).value(),
      .base_path = {},
      .tls = {.ca = other.ca, .cert = {}, .key = {}, .server_name = "localhost"},
      .token_file = {},
      .token = {},
      .name_space = {}};
  Client client(
      std::move(access),
      {.user_agent = "etcd-snapshot/test", .limits = {.total = 0ms, .attempts = 1}, .stop = {}});
  auto answer = client.ask(kGet);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().error.code, Code::denied) << describe(answer.error().error);
  EXPECT_THAT(answer.error().error.message, HasSubstr("which the CA file does not hold"));
}

TEST(ListNodes, ReadsAllPages) {
  FakeHttp server([](const FakeRequest& request) {
    return request.target.contains("continue=a%2Fb") ? nodes({"n1"}) : nodes({"n2", "n3"}, "a/b");
  });
  auto client = client_of(access_to(server));
  auto all = list_nodes(client, "role=mirror,x");
  ASSERT_TRUE(all) << describe(all.error());
  EXPECT_EQ(all->size(), 3U);
  EXPECT_EQ(all->front().name, "n1") << "by name";
  EXPECT_EQ(server.requests()[0].target, "/api/v1/nodes?labelSelector=role%3Dmirror%2Cx&limit=500");
}

// P3 of the pitfalls: the server has forgotten the list between two pages.
TEST(ListNodes, StartsAgainWithoutPagesWhenOneHasExpired) {
  FakeHttp server([](const FakeRequest& request) {
    if (!request.target.contains("limit=")) return nodes({"n1", "n2", "n3"});
    return request.target.contains("continue=") ? refusal(410, "Expired", "too old")
                                                : nodes({"n1", "n2"}, "next");
  });
  auto client = client_of(access_to(server));
  auto all = list_nodes(client, "a=b");
  ASSERT_TRUE(all) << describe(all.error());
  EXPECT_EQ(all->size(), 3U);
  EXPECT_EQ(server.requests().size(), 3U);
}

TEST(ListNodes, EndsWhereTheListHasNoEnd) {
  FakeHttp server([](const FakeRequest&) { return nodes({}, "again"); });
  auto client = client_of(access_to(server));
  auto all = list_nodes(client, "a=b");
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().code, Code::corrupt);
}

TEST(ListNodes, RefusesNamesThatAreNone) {
  for (const auto* name : {"", "../x", "A", "a\nb", "-a"}) {
    FakeHttp server([&](const FakeRequest&) { return nodes({name}); });
    auto client = client_of(access_to(server));
    EXPECT_FALSE(list_nodes(client, "a=b")) << name;
  }
}

TEST(ListNodes, BearsFieldsOfAnyType) {
  FakeHttp server([](const FakeRequest&) {
    return FakeReply{.body = R"({"items": [{"metadata": {"name": "n", "labels": null},
        "status": {"addresses": [1, {"type": "InternalIP", "address": "a b"}, {"type": "InternalIP",
        "address": "fd00::1"}], "conditions": {}}}], "metadata": 7})"};
  });
  auto client = client_of(access_to(server));
  auto all = list_nodes(client, "a=b");
  ASSERT_TRUE(all) << describe(all.error());
  EXPECT_THAT((*all)[0].internal_ips, testing::ElementsAre("fd00::1"));
  EXPECT_EQ((*all)[0].ready, std::nullopt);
}

TEST(Events, RepeatIsNoSecondOne) {
  std::vector<std::string> bodies;
  std::atomic<int> count = 0;
  FakeHttp server([&](const FakeRequest& request) {
    bodies.push_back(request.body);
    return count++ == 0 ? FakeReply{.cut = true} : refusal(409, "AlreadyExists", "there");
  });
  auto client = client_of(access_to(server));
  Event event{.name_space = "b",
              .api_version = "v1",
              .kind = "Namespace",
              .name = "b",
              .uid = {},
              .reason = "BackupSucceeded",
              .action = "Backup",
              .note = std::string(999, 'x') + "\u00e4",
              .instance = "n"};
  auto made = create_event(client, event, std::chrono::system_clock::time_point(1s));
  EXPECT_TRUE(made) << describe(made.error());
  auto object = nlohmann::json::parse(bodies.back());
  EXPECT_EQ(object["metadata"]["name"], "b.f4240");
  EXPECT_EQ(object["eventTime"], "1970-01-01T00:00:01.000000Z");
  EXPECT_EQ(object["note"], std::string(999, 'x')) << "never half a character";
  EXPECT_EQ(object["type"], "Normal");
}

}  // namespace
}  // namespace snap::kube
