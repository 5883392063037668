// Faults of real S3 servers, some with a proxy before them that changes what they answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "base/text.h"
#include "s3_place.h"
#include "stream/copy.h"
#include "stream/memory.h"
#include "support/fake_http.h"
#include "support/proxy.h"

namespace snap::dest {
namespace {

using test::FakeHttp;
using test::FakeReply;
using test::FakeRequest;
using test::S3Server;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr size_t kLarge = 20'000'000;  // three parts

std::string content_of(size_t bytes) {
  std::string content(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) content[i] = static_cast<char>(i * 7 + i / 4096);
  return content;
}

Result<void> write(Incoming& incoming, const std::string& file, const std::string& content) {
  auto sink = TRY(incoming.create(file));
  stream::StringSource source(content);
  TRY(stream::copy(source, *sink));
  return sink->finish();
}

Result<void> put(Destination& place, const std::string& group, const std::string& content) {
  auto incoming = TRY(place.begin(group));
  TRY(write(*incoming, "data", content));
  TRY(write(*incoming, "marker", "whole"));
  return incoming->publish();
}

Result<std::string> get(Destination& place, const std::string& group, const std::string& file) {
  auto source = TRY(place.open(group, file));
  return stream::read_all(*source, 1 << 28);
}

// Nothing of the group is seen, no object and no unfinished upload is left.
void expect_nothing_left(const S3Server& server) {
  auto place = open_s3(s3_config(server)).value();
  EXPECT_TRUE(place->list().value().empty());
  EXPECT_TRUE(place->leftovers().value().empty());
  EXPECT_THAT(server.request("GET", "/sets?list-type=2").out, Not(HasSubstr("<Key>")));
  EXPECT_THAT(server.request("GET", "/sets?uploads=").out, Not(HasSubstr("<UploadId>")));
}

// The server behind a proxy that changes answers.
struct Behind {
  explicit Behind(FakeHttp::Script script, FakeHttp::Rewrite rewrite = {},
                  const test::S3Options& options = {})
      : server(options), proxy(std::move(script), server.port(), std::move(rewrite)) {
    config = s3_config(server);
    config.endpoint = proxy.url();
  }
  std::unique_ptr<Destination> open() const {
    auto place = open_s3(config);
    if (!place) throw std::runtime_error(describe(place.error()));
    return std::move(*place);
  }
  S3Server server;
  FakeHttp proxy;
  S3Config config;
};

std::optional<FakeReply> hand_on(const FakeRequest&) { return {}; }

class Real : public testing::TestWithParam<std::string> {};

TEST_P(Real, KeepsALargeFileInPartsAndProvesIt) {
  S3Server server({.kind = GetParam()});
  auto place = open_s3(s3_config(server)).value();
  auto content = content_of(kLarge);
  auto incoming = place->begin("g").value();
  ASSERT_TRUE(write(*incoming, "data", content));
  auto digest = incoming->far_digest("data").value();
  if (GetParam() != "rclone") {
    ASSERT_TRUE(digest);
    EXPECT_EQ(*digest, stream::sha256(as_bytes(content)));
    EXPECT_TRUE(place->remarks().empty());
  } else {  // F-O09, F-O08: what the server does not check is no proof
    EXPECT_FALSE(digest);
    EXPECT_EQ(place->remarks().size(), 2U);
  }
  ASSERT_TRUE(write(*incoming, "marker", "whole"));
  ASSERT_TRUE(incoming->publish());
  EXPECT_TRUE(get(*place, "g", "data").value() == content);
  EXPECT_EQ(place->far_digest("g", "data").value(), std::nullopt);  // nobody read it again
}

TEST_P(Real, ReplacesNoObjectThatAppearedMeanwhile) {  // F-O09
  S3Server server({.kind = GetParam()});
  auto place = open_s3(s3_config(server)).value();
  auto incoming = place->begin("g").value();
  auto large = incoming->create("large").value();
  ASSERT_TRUE(large->write(as_bytes(content_of(kLarge))));
  ASSERT_TRUE(write(*incoming, "marker", "ours"));
  for (const auto* name : {"large", "small", "marker"})
    ASSERT_TRUE(
        server.request("PUT", std::string("/sets/sets/g/") + name, {"--data", "theirs"}).ok());
  EXPECT_EQ(large->finish().error().code, Code::exists);
  EXPECT_EQ(write(*incoming, "small", "ours").error().code, Code::exists);
  EXPECT_EQ(incoming->publish().error().code, Code::exists);
  large.reset();
  EXPECT_THAT(server.request("GET", "/sets?uploads=").out, Not(HasSubstr("<UploadId>")));
  for (const auto* name : {"large", "small", "marker"})
    EXPECT_EQ(get(*place, "g", name).value(), "theirs") << name;
}

TEST_P(Real, SaysWhichKeyIsWrong) {
  S3Server server({.kind = GetParam()});
  auto config = s3_config(server);
  test::write_file(server.secret_key_file(), "canarysecret");
  auto error = open_s3(config).error();
  EXPECT_EQ(error.code, Code::denied);
  EXPECT_THAT(describe(error), AllOf(HasSubstr("secret key"), Not(HasSubstr("canary"))));
  test::write_file(server.secret_key_file(), S3Server::secret_key());
  test::write_file(server.access_key_file(), "canaryaccess");
  error = open_s3(config).error();
  EXPECT_EQ(error.code, Code::denied);
  EXPECT_THAT(describe(error), AllOf(HasSubstr("access key"), Not(HasSubstr("canary"))));
}

TEST_P(Real, TellsAMissingBucket) {  // F-O01
  S3Server server({.kind = GetParam()});
  auto config = s3_config(server);
  config.bucket = "none";
  EXPECT_EQ(open_s3(config).error().code, Code::not_found);
}

TEST_P(Real, KeepsNamesThatNeedEncoding) {
  S3Server server({.kind = GetParam()});
  auto place = open_s3(s3_config(server)).value();
  std::string group = "a b+c&d=e%25 \xC3\xA9~(1)!*'";
  ASSERT_TRUE(put(*place, group, "x"));
  ASSERT_EQ(place->list().value().size(), 1U);
  EXPECT_EQ(place->list().value()[0].name, group);
  EXPECT_EQ(get(*place, group, "data").value(), "x");
  EXPECT_TRUE(place->remove(group, {"marker", "data"}).value().empty());
  EXPECT_TRUE(place->list().value().empty());
}

INSTANTIATE_TEST_SUITE_P(Servers, Real, testing::Values("versitygw", "minio", "rclone"),
                         [](const auto& test) { return test.param; });

class Tls : public testing::TestWithParam<std::string> {};

TEST_P(Tls, IsCheckedAgainstTheNamedAuthority) {  // F-O01
  S3Server server({.kind = GetParam(), .tls = true});
  auto config = s3_config(server);
  EXPECT_TRUE(put(*open_s3(config).value(), "g", content_of(kLarge)));

  auto virtual_host = config;
  virtual_host.path_style = false;
  virtual_host.endpoint = "https://" + server.host() + ":" + std::to_string(server.port());
  auto place = open_s3(virtual_host);
  ASSERT_TRUE(place) << describe(place.error());
  EXPECT_EQ((*place)->list().value().size(), 1U);

  auto system = config;
  system.ca_file.clear();
  auto error = open_s3(system).error();
  EXPECT_EQ(error.code, Code::denied);
  EXPECT_THAT(describe(error), HasSubstr("signed by"));

  auto other_name = config;
  other_name.endpoint = "https://127.0.0.2:" + std::to_string(server.port());
  // Nobody listens on 127.0.0.2: the name is checked through a proxy there.
  test::Proxy proxy(server.url(), "127.0.0.2");
  other_name.endpoint = "https://127.0.0.2:" + std::to_string(proxy.port());
  error = open_s3(other_name).error();
  EXPECT_EQ(error.code, Code::denied);
  EXPECT_THAT(describe(error), HasSubstr("not for 127.0.0.2"));

  auto plain = config;
  plain.endpoint = "http://127.0.0.1:" + std::to_string(server.port());
  EXPECT_THAT(describe(open_s3(plain).error()), HasSubstr("https://"));
}

INSTANTIATE_TEST_SUITE_P(Servers, Tls, testing::Values("versitygw", "minio"),
                         [](const auto& test) { return test.param; });

struct Denied {
  std::string name, method, target, operation;
};
void PrintTo(const Denied& c, std::ostream* out) { *out << c.name; }
class OneRight : public testing::TestWithParam<Denied> {};

TEST_P(OneRight, IsNamedWhenItIsMissing) {  // F-O02
  const auto& denied = GetParam();
  Behind behind([&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (!request.is(denied.method, denied.target)) return {};
    return FakeReply{.status = 403, .body = "<Error><Code>AccessDenied</Code></Error>"};
  });
  auto place = open_s3(behind.config);
  auto done = place ? put(**place, "g", content_of(kLarge)) : std::unexpected(place.error());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::denied);
  EXPECT_THAT(done.error().message, HasSubstr(denied.operation + " s3://sets"));
}

INSTANTIATE_TEST_SUITE_P(
    Rights, OneRight,
    testing::Values(Denied{"put", "PUT", "/sets/sets/.incoming", "PutObject"},
                    Denied{"part", "PUT", "partNumber=2", "UploadPart"},
                    Denied{"create", "POST", "uploads", "CreateMultipartUpload"},
                    Denied{"complete", "POST", "uploadId", "CompleteMultipartUpload"},
                    Denied{"get", "GET", "/sets/sets/.incoming/g", "GetObject"},
                    Denied{"head", "HEAD", "/sets/sets/", "HeadObject"},
                    Denied{"list", "GET", "list-type", "ListObjectsV2"}),
    [](const auto& test) { return test.param.name; });

TEST(WithoutDelete, BackupsGoOnAndRemovalIsDenied) {  // F-O02
  Behind behind([](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.method != "DELETE") return {};
    return FakeReply{.status = 403, .body = "<Error><Code>AccessDenied</Code></Error>"};
  });
  auto place = behind.open();
  ASSERT_TRUE(put(*place, "g", content_of(kLarge)));
  ASSERT_TRUE(put(*place, "h", "x"));
  EXPECT_EQ(behind.open()->list().value().size(), 2U);
  EXPECT_TRUE(behind.open()->leftovers().value().empty());
  EXPECT_FALSE(place->remarks().empty());
  auto removed = place->remove("g", {"marker", "data"});
  EXPECT_EQ(removed.error().code, Code::denied);
  EXPECT_THAT(removed.error().message, HasSubstr("DeleteObject s3://sets/sets/g/marker"));
}

TEST(Cut, GoesOnFromThePart) {  // F-O05
  S3Server server;
  test::Proxy proxy(server.url());
  proxy.play([](int connection) -> test::ProxyScript {
    if (connection % 3 != 2) return {};
    return {.to_server = {.reset_at = 3'000'000}};
  });
  auto config = s3_config(server);
  config.endpoint = proxy.url();
  auto place = open_s3(config).value();
  auto content = content_of(kLarge);
  ASSERT_TRUE(put(*place, "g", content));
  EXPECT_GT(proxy.cuts(), 0);
  EXPECT_TRUE(get(*open_s3(s3_config(server)).value(), "g", "data").value() == content);
}

TEST(Cut, ADownloadGoesOnWhereItWas) {  // F-O05
  S3Server server;
  auto content = content_of(kLarge);
  ASSERT_TRUE(put(*open_s3(s3_config(server)).value(), "g", content));
  test::Proxy proxy(server.url());
  auto config = s3_config(server);
  config.endpoint = proxy.url();
  auto place = open_s3(config).value();
  std::atomic<int> number = 0;
  proxy.play([&](int) -> test::ProxyScript {
    if (number++ > 1) return {};
    return {.to_client = {.fin_at = 5'000'000}};
  });
  EXPECT_TRUE(get(*place, "g", "data").value() == content);
  EXPECT_GE(proxy.cuts(), 1);
}

TEST(Stall, EndsInTimeAndLeavesNothing) {  // F-O05
  S3Server server;
  test::Proxy proxy(server.url());
  auto config = s3_config(server);
  config.endpoint = proxy.url();
  config.patience.stall = std::chrono::seconds(2);
  auto place = open_s3(config).value();
  auto incoming = place->begin("g").value();
  auto sink = incoming->create("data").value();
  auto begun = std::chrono::steady_clock::now();
  server.pause();
  auto content = content_of(8 * kLarge);
  auto written = sink->write(as_bytes(content));
  if (written) written = sink->finish();
  EXPECT_EQ(written.error().code, Code::timeout);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(12));
  server.resume();
  sink.reset();
  incoming.reset();
  expect_nothing_left(server);
}

TEST(Killed, LeavesWhatTheNextRunDiscards) {  // F-O05
  S3Server server;
  auto place = open_s3(s3_config(server)).value();
  auto incoming = place->begin("g").value();
  auto sink = incoming->create("data").value();
  ASSERT_TRUE(sink->write(as_bytes(content_of(kLarge))));
  server.kill();
  EXPECT_EQ(sink->finish().error().code, Code::unavailable);
  sink.reset();
  incoming.reset();
  server.restart();
  auto again = open_s3(s3_config(server)).value();
  EXPECT_TRUE(again->list().value().empty());
  ASSERT_EQ(again->leftovers().value().size(), 1U);
  ASSERT_TRUE(again->discard("g"));
  expect_nothing_left(server);
  EXPECT_TRUE(put(*again, "g", "x"));
}

// Our own end, as by SIGKILL: the server goes on and keeps the parts.
class Abandoned : public testing::TestWithParam<std::string> {};
TEST_P(Abandoned, UploadsAreAbortedByTheNextRun) {  // F-O05
  S3Server server({.kind = GetParam()});
  ASSERT_EXIT(
      {
        auto place = open_s3(s3_config(server)).value();
        auto incoming = place->begin("g").value();
        auto sink = incoming->create("data").value();
        bool sent = sink->write(as_bytes(content_of(kLarge))).has_value();
        ::_exit(sent ? 7 : 1);
      },
      testing::ExitedWithCode(7), "");
  auto uploads = [&] { return server.request("GET", "/sets?uploads=&prefix=sets/g/data").out; };
  ASSERT_TRUE(test::wait_until([&] { return uploads().contains("<UploadId>"); }));
  auto next = open_s3(s3_config(server)).value();
  ASSERT_EQ(next->leftovers().value().size(), 1U);
  ASSERT_TRUE(next->discard("g"));
  EXPECT_THAT(uploads(), Not(HasSubstr("<UploadId>")));
  expect_nothing_left(server);
  ASSERT_TRUE(put(*next, "g", content_of(kLarge)));
  EXPECT_THAT(server.request("GET", "/sets?list-type=2").out, Not(HasSubstr(".uploads")));
}
INSTANTIATE_TEST_SUITE_P(Servers, Abandoned, testing::Values("versitygw", "minio"),
                         [](const auto& test) { return test.param; });

TEST(Complete, AnErrorBelow200IsNoSuccess) {  // F-O06
  std::atomic<int> lies = 0;
  Behind behind([&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (!request.is("POST", "uploadId")) return {};
    switch (lies++) {
      case 0: return FakeReply{.body = "<Error><Code>InternalError</Code></Error>"};
      case 1: return FakeReply{.body = ""};
      case 2: return FakeReply{.body = "<?xml version=\"1.0\"?><CompleteMultipart"};
      default: return {};
    }
  });
  auto content = content_of(kLarge);
  auto place = behind.open();
  ASSERT_TRUE(put(*place, "g", content));
  EXPECT_EQ(lies, 4);
  EXPECT_TRUE(get(*place, "g", "data").value() == content);
}

TEST(Complete, AServerThatNeverCompletesLeavesNothing) {  // F-O06
  Behind behind([&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (!request.is("POST", "uploadId")) return {};
    return FakeReply{.body = "<Error><Code>InternalError</Code></Error>"};
  });
  EXPECT_EQ(put(*behind.open(), "g", content_of(kLarge)).error().code, Code::unavailable);
  expect_nothing_left(behind.server);
}

class LostReply : public testing::TestWithParam<std::string> {};

TEST_P(LostReply, IsFoundToHaveSucceeded) {  // F-O07
  std::atomic<int> posts = 0, puts = 0;
  auto lose = [&](const FakeRequest& request, FakeReply& reply) {
    if (request.is("POST", "uploadId") && posts++ == 0) reply.cut = true;
    if (request.is("PUT", "/g/marker") && puts++ == 0) reply.cut = true;
  };
  Behind behind(hand_on, lose, {.kind = GetParam()});
  auto content = content_of(kLarge);
  auto place = behind.open();
  auto done = put(*place, "g", content);
  ASSERT_TRUE(done) << describe(done.error());
  EXPECT_EQ(posts, 2);
  EXPECT_TRUE(get(*place, "g", "data").value() == content);
}

INSTANTIATE_TEST_SUITE_P(Servers, LostReply, testing::Values("versitygw", "minio", "rclone"),
                         [](const auto& test) { return test.param; });

TEST(Flipped, OnTheWayUpIsRefusedAndSentAgain) {  // F-O08
  S3Server server;
  test::Proxy proxy(server.url());
  // Of the connections that are made before the first flip: those of the first tries.
  proxy.play([&proxy](int) -> test::ProxyScript {
    if (proxy.flips() > 0) return {};
    return {.to_server = {.flip_at = 4'000'000}};
  });
  auto config = s3_config(server);
  config.endpoint = proxy.url();
  auto content = content_of(kLarge);
  auto place = open_s3(config).value();
  auto incoming = place->begin("g").value();
  auto written = write(*incoming, "data", content);
  ASSERT_TRUE(written) << describe(written.error());
  EXPECT_GE(proxy.flips(), 1);
  EXPECT_EQ(incoming->far_digest("data").value(), stream::sha256(as_bytes(content)));
  auto source = incoming->open("data").value();
  EXPECT_TRUE(stream::read_all(*source, 1 << 28).value() == content);
}

TEST(Flipped, OnTheWayUpIsNeverProvenByAServerThatDoesNotCheck) {  // F-O08
  S3Server server({.kind = "rclone"});
  test::Proxy proxy(server.url());
  proxy.play([](int) -> test::ProxyScript { return {.to_server = {.flip_at = 4'000'000}}; });
  auto config = s3_config(server);
  config.endpoint = proxy.url();
  auto content = content_of(kLarge);
  auto place = open_s3(config).value();
  auto incoming = place->begin("g").value();
  ASSERT_TRUE(write(*incoming, "data", content));
  EXPECT_GT(proxy.flips(), 0);
  EXPECT_EQ(incoming->far_digest("data").value(), std::nullopt);
  auto source = incoming->open("data").value();
  EXPECT_FALSE(stream::read_all(*source, 1 << 28).value() == content);
}

TEST(Flipped, AtRestIsSeenByReadingOnly) {  // F-O08
  S3Server server;
  auto place = open_s3(s3_config(server)).value();
  auto content = content_of(kLarge);
  ASSERT_TRUE(put(*place, "g", content));
  std::fstream file(server.data() + "/sets/sets/g/data",
                    std::ios::in | std::ios::out | std::ios::binary);
  ASSERT_TRUE(file.seekp(10'000'000).put('!').flush());
  EXPECT_EQ(place->far_digest("g", "data").value(), std::nullopt);
  EXPECT_FALSE(get(*place, "g", "data").value() == content);
}

TEST(Conditional, AConflictIsTriedAgain) {  // F-O09
  std::atomic<int> conflicts = 0;
  Behind behind([&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (!request.is("PUT", "/g/marker") || conflicts++ > 0) return {};
    return FakeReply{.status = 409,
                     .body = "<Error><Code>ConditionalRequestConflict</Code></Error>"};
  });
  EXPECT_TRUE(put(*behind.open(), "g", "x"));
  EXPECT_EQ(conflicts, 2);
}

TEST(Conditional, AServerThatRefusesConditionsIsAskedFirst) {  // F-O09
  Behind behind([&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (!request.headers.contains("if-none-match")) return {};
    return FakeReply{.status = 501, .body = "<Error><Code>NotImplemented</Code></Error>"};
  });
  auto place = behind.open();
  ASSERT_TRUE(put(*place, "g", content_of(kLarge)));
  EXPECT_THAT(place->remarks(), testing::ElementsAre(HasSubstr("ignores conditions")));
  EXPECT_GE(behind.proxy.count("HEAD", "/g/marker"), 1U);
  EXPECT_EQ(put(*place, "g", "y").error().code, Code::exists);
}

class Locked : public testing::TestWithParam<std::string> {};

TEST_P(Locked, RemovalIsReportedAndNeverLoops) {  // F-O12
  S3Server server({.kind = GetParam(), .lock = true});
  auto place = open_s3(s3_config(server)).value();
  ASSERT_TRUE(put(*place, "g", "x"));
  EXPECT_TRUE(place->remove("g", {"marker", "data"}).value().empty());
  EXPECT_TRUE(place->list().value().empty());
  EXPECT_THAT(place->remarks(), testing::Contains(HasSubstr("keeps old versions")));
}

INSTANTIATE_TEST_SUITE_P(Servers, Locked, testing::Values("versitygw", "minio"),
                         [](const auto& test) { return test.param; });

TEST(Locked, WhatIsStillListedAfterItsRemovalIsDenied) {  // F-O12
  Behind behind([](const FakeRequest& request) -> std::optional<FakeReply> {
    if (!request.is("DELETE", "/g/")) return {};
    return FakeReply{.status = 204};
  });
  auto place = behind.open();
  ASSERT_TRUE(put(*place, "g", "x"));
  auto removed = place->remove("g", {"marker", "data"});
  EXPECT_EQ(removed.error().code, Code::denied);
  EXPECT_THAT(describe(removed.error()), HasSubstr("lock"));
  EXPECT_EQ(behind.proxy.count("DELETE", "/g/"), 2U);
}

struct Protected {
  std::string name;
  int status;
  std::string body;
};
void PrintTo(const Protected& c, std::ostream* out) { *out << c.name; }
class LockText : public testing::TestWithParam<Protected> {};

TEST_P(LockText, IsUnderstood) {  // F-O12
  Behind behind([](const FakeRequest& request) -> std::optional<FakeReply> {
    if (!request.is("DELETE", "/g/")) return {};
    return FakeReply{.status = GetParam().status, .body = GetParam().body};
  });
  auto place = behind.open();
  ASSERT_TRUE(put(*place, "g", "x"));
  auto removed = place->remove("g", {"marker", "data"});
  EXPECT_EQ(removed.error().code, Code::denied);
  EXPECT_THAT(removed.error().message, HasSubstr("a lock of the bucket protects it"));
  EXPECT_EQ(behind.proxy.count("DELETE", "/g/"), 1U);
  EXPECT_EQ(place->list().value().size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(
    Servers, LockText,
    testing::Values(Protected{"versitygw", 403,
                              "<Error><Code>AccessDenied</Code><Message>Access Denied because "
                              "object protected by object lock.</Message></Error>"},
                    Protected{"minio", 400,
                              "<Error><Code>InvalidRequest</Code><Message>Object is WORM "
                              "protected and cannot be overwritten</Message></Error>"}),
    [](const auto& test) { return test.param.name; });

TEST(Middlebox, AnAnswerThatIsCompressedOnTheWayDiffers) {  // F-O15
  auto zip = [](const FakeRequest& request, FakeReply& reply) {
    if (!request.is("GET", "/g/data")) return;
    reply.headers.emplace_back("Content-Encoding: gzip");
    reply.body = "\x1f\x8b" + reply.body;
  };
  Behind behind(hand_on, zip);
  auto place = behind.open();
  ASSERT_TRUE(put(*place, "g", "content"));
  EXPECT_NE(get(*place, "g", "data").value_or(""), "content");  // the digest decides
}

TEST(Full, IsNoSpaceAndLeavesNothing) {
  test::TempDir dir;
  auto mounted =
      test::run({.argv = {"mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", dir.path()}});
  ASSERT_TRUE(mounted.ok()) << mounted.text();
  {
    S3Server server({.data_directory = dir.path()});
    auto place = open_s3(s3_config(server)).value();
    EXPECT_EQ(put(*place, "g", content_of(2 * kLarge)).error().code, Code::no_space);
    expect_nothing_left(server);
    EXPECT_TRUE(put(*place, "g", "small"));
  }
  EXPECT_TRUE(test::run({.argv = {"umount", dir.path()}}).ok());
}

}  // namespace
}  // namespace snap::dest
