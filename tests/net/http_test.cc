// Connections that fail, and what is said about them (F-E20 to F-E22).
#include "net/http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fake_grpc.h"
#include "support/pki.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace snap::net {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class Outcome : public Receiver {
 public:
  void header(std::string_view, std::string_view) override {}
  Result<void> data(Bytes) override { return {}; }
  void ended(Result<int> status) override {
    status_ = std::move(status);
    done_ = true;
  }
  Result<int> status_ = 0;
  bool done_ = false;
};

Result<int> ask(const std::string& url, const TlsFiles& tls) {
  Request request;
  request.endpoint = parse_endpoint(url, 1, true).value();
  request.path = "/etcdserverpb.Maintenance/Status";
  request.tls = tls;
  request.connect_timeout = 3000ms;
  Outcome outcome;
  Loop loop;
  TRY(loop.start(request, outcome));
  auto end = std::chrono::steady_clock::now() + 20s;
  while (!outcome.done_ && std::chrono::steady_clock::now() < end) loop.step(100ms);
  if (!outcome.done_) return fail(Code::internal, "it never ended");
  return outcome.status_;
}

// A TLS server that answers nothing: `openssl s_server`.
class TlsServer {
 public:
  TlsServer(const test::Pki& pki, const test::Pki::Pair& pair, std::vector<std::string> flags)
      : port_(test::free_ports(1)[0]) {
    std::vector<std::string> argv = {
        "openssl", "s_server", "-quiet", "-accept", "127.0.0.1:" + std::to_string(port_),
        "-cert",   pair.cert,  "-key",   pair.key,  "-CAfile",
        pki.ca};
    argv.insert(argv.end(), flags.begin(), flags.end());
    process_ = test::Process({.argv = argv, .output_file = pki.directory + "/server.log"});
    auto listens = [this] {
      return test::run(
                 {.argv = {"bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/" + std::to_string(port_)}})
          .ok();
    };
    if (!test::wait_until(listens)) throw std::runtime_error("openssl s_server does not listen");
  }
  std::string url() const { return "https://127.0.0.1:" + std::to_string(port_); }
  std::string plain_url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  int port_;
  test::Process process_;
};

class Tls : public testing::Test {
 protected:
  Tls() : pki_(test::Pki::make(dir_.path("pki"))) {}
  TlsFiles files() const {
    return {.ca = pki_.ca, .cert = pki_.client_cert, .key = pki_.client_key, .server_name = ""};
  }
  test::Pki::Pair server() const { return {pki_.server_cert, pki_.server_key}; }
  void expect(const Result<int>& result, Code code, const std::string& text) {
    ASSERT_FALSE(result) << "HTTP " << *result;
    EXPECT_EQ(name_of(result.error().code), name_of(code)) << describe(result.error());
    EXPECT_THAT(describe(result.error()), HasSubstr(text));
  }

  test::TempDir dir_;
  test::Pki pki_;
};

constexpr auto kLocal = "DNS:localhost,IP:127.0.0.1";

TEST_F(Tls, SaysWhatIsWrongWithTheServersCertificate) {
  auto other = test::Pki::make(dir_.path("other"));
  auto expect_refused = [&](const test::Pki::Pair& pair, const std::string& text) {
    TlsServer server(pki_, pair, {"-alpn", "h2"});
    expect(ask(server.url(), files()), Code::denied, text);
  };
  expect_refused(pki_.issue({.name = "old",
                             .common_name = "old-etcd",
                             .alt_names = kLocal,
                             .not_before = "20200101000000Z",
                             .not_after = "20210101000000Z"}),
                 "the certificate of CN=old-etcd expired at 2021-01-01T00:00:00Z");
  expect_refused(pki_.issue({.name = "young",
                             .common_name = "new-etcd",
                             .alt_names = kLocal,
                             .not_before = "20900101000000Z",
                             .not_after = "20910101000000Z"}),
                 "the certificate of CN=new-etcd is not valid before 2090-01-01T00:00:00Z");
  expect_refused(
      pki_.issue(
          {.name = "self", .common_name = "self-etcd", .alt_names = kLocal, .self_signed = true}),
      "self-signed certificate of CN=self-etcd");
  expect_refused(
      other.issue({.name = "foreign", .common_name = "foreign-etcd", .alt_names = kLocal}),
      "the certificate of CN=foreign-etcd is signed by CN=test-ca, which the CA file");
  expect_refused(
      pki_.issue(
          {.name = "elsewhere", .common_name = "x", .alt_names = "DNS:etcd-0.example,IP:10.1.2.3"}),
      "certificate is for etcd-0.example, 10.1.2.3, not for 127.0.0.1");
}

TEST_F(Tls, ChecksTheServerNameInsteadOfTheAddress) {
  auto pair = pki_.issue({.name = "named", .common_name = "x", .alt_names = "DNS:etcd-0.example"});
  TlsServer server(pki_, pair, {"-alpn", "h2"});
  auto tls = files();
  tls.server_name = "etcd-0.example";
  // The certificate passes; s_server then says nothing that is HTTP/2.
  expect(ask(server.url(), tls), Code::unavailable, "HTTP2");
  tls.server_name = "etcd-1.example";
  expect(ask(server.url(), tls), Code::denied, "not for etcd-1.example");
}

TEST_F(Tls, SaysThatOurCertificateWasRefused) {
  auto stranger = test::Pki::make(dir_.path("stranger"));
  auto expired =
      pki_.issue({.name = "late", .not_before = "20200101000000Z", .not_after = "20210101000000Z"});
  for (const auto* version : {"-tls1_2", "-tls1_3"}) {
    TlsServer server(pki_, this->server(),
                     {"-alpn", "h2", "-Verify", "2", "-verify_return_error", version});
    auto none = files();
    none.cert = none.key = "";
    expect(ask(server.url(), none), Code::denied, "refused our client certificate");
    auto foreign = files();
    foreign.cert = stranger.client_cert;
    foreign.key = stranger.client_key;
    expect(ask(server.url(), foreign), Code::denied, "refused our client certificate");
    auto late = files();
    late.cert = expired.cert;
    late.key = expired.key;
    expect(ask(server.url(), late), Code::denied, "refused our client certificate: it has expired");
  }
}

TEST_F(Tls, SaysThatThePortSpeaksTls) {
  TlsServer tls(pki_, server(), {"-alpn", "h2"});
  expect(ask(tls.plain_url(), {}), Code::unavailable, "write https://");
}

TEST_F(Tls, RefusesServersWithoutHttp2) {
  TlsServer other(pki_, server(), {"-alpn", "http/1.1"});
  expect(ask(other.url(), files()), Code::unavailable, "HTTP/2");
  TlsServer none(pki_, server(), {});
  expect(ask(none.url(), files()), Code::unavailable, "HTTP/2");
}

TEST(Http, LimitsTheTimeOfConnecting) {
  // RFC 5737: nobody answers there; some networks say so at once.
  auto begin = std::chrono::steady_clock::now();
  auto result = ask("http://192.0.2.1:2379", {});
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().retryable()) << describe(result.error());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

TEST(Http, GivesTheStatusOfTheAnswer) {
  test::FakeGrpc server;
  auto result = ask(server.endpoint(), {});
  ASSERT_TRUE(result) << describe(result.error());
  EXPECT_EQ(*result, 200);
}

}  // namespace
}  // namespace snap::net
