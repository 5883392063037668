// Answers that no S3 server gives on demand, by a fake: what they become (F-O rows).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <system_error>

#include "base/text.h"
#include "dest/s3.h"
#include "dest/s3_transfer.h"
#include "stream/memory.h"
#include "support/failing_thread.h"
#include "support/fake_http.h"
#include "support/names.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace snap::dest {
namespace {

using test::FakeHttp;
using test::FakeReply;
using test::FakeRequest;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kKey = "CANARYKEYID";
constexpr const char* kSecret = "canarysecret0123456789";

std::string page(const std::string& inside, bool truncated = false) {
  return "<ListBucketResult>" + inside + "<IsTruncated>" + (truncated ? "true" : "false") +
         "</IsTruncated></ListBucketResult>";
}

std::string error_body(const std::string& code, const std::string& more = {}) {
  return "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code>" + more + "</Error>";
}

class S3Fake : public testing::Test {
 protected:
  S3Fake() {
    test::write_file(dir_.path("key"), std::string(kKey) + "\n");
    test::write_file(dir_.path("secret"), std::string(kSecret) + "\n");
  }

  S3Config config(const std::string& endpoint) const {
    return {.endpoint = endpoint,
            .bucket = "sets",
            .prefix = "p/",
            .access_key_file = dir_.path("key"),
            .secret_key_file = dir_.path("secret"),
            .marker = "marker",
            .patience = {
                .connect = std::chrono::seconds(3), .stall = std::chrono::seconds(2), .stop = {}}};
  }

  // The error of opening a bucket whose server always answers this.
  Error refused(const FakeReply& reply) {
    FakeHttp server([&](const FakeRequest&) { return reply; });
    auto place = open_s3(config(server.url()));
    EXPECT_FALSE(place);
    requests_ = server.requests().size();
    return place ? Error{} : place.error();
  }

  test::TempDir dir_;
  size_t requests_ = 0;
};

TEST_F(S3Fake, SaysThatNobodyListens) {  // F-O01
  auto port = test::free_ports(1)[0];
  auto error = open_s3(config("http://127.0.0.1:" + std::to_string(port))).error();
  EXPECT_EQ(error.code, Code::unavailable);
  EXPECT_THAT(describe(error), AllOf(HasSubstr("connection refused"), Not(HasSubstr("etcd"))));
}

TEST_F(S3Fake, SaysThatTheNameIsUnknown) {  // F-O01
  test::know_only_hosts();
  auto error = open_s3(config("https://nowhere.invalid")).error();
  EXPECT_THAT(describe(error), HasSubstr("cannot resolve nowhere.invalid"));
}

TEST_F(S3Fake, NamesTheRegionThatTheServerNamed) {  // F-O01
  auto moved = refused({.status = 301,
                        .headers = {"x-amz-bucket-region: eu-west-3"},
                        .body = error_body("PermanentRedirect")});
  EXPECT_EQ(moved.code, Code::denied);
  EXPECT_THAT(describe(moved), HasSubstr("the bucket is in region eu-west-3, not us-east-1"));
  auto malformed =
      refused({.status = 400,
               .headers = {},
               .body = error_body("AuthorizationHeaderMalformed", "<Region>eu-north-1</Region>")});
  EXPECT_THAT(describe(malformed), HasSubstr("region eu-north-1"));
  EXPECT_EQ(requests_, 1U);
}

TEST_F(S3Fake, FollowsNoRedirectToAnotherHost) {  // F-O01
  FakeHttp other([](const FakeRequest&) { return FakeReply{.body = page("")}; });
  auto error = refused({.status = 307, .headers = {"Location: " + other.url() + "/sets?a=b"}});
  EXPECT_THAT(describe(error), AllOf(HasSubstr(other.url()), HasSubstr("not followed")));
  EXPECT_TRUE(other.requests().empty());
}

TEST_F(S3Fake, SaysByHowMuchTheClockDiffers) {  // F-O03
  auto theirs = now_utc() - std::chrono::minutes(20);
  for (const auto* code : {"RequestTimeTooSkewed", "AccessDenied"}) {
    auto error = refused({.status = 403,
                          .headers = {std::format("Date: {:%a, %d %b %Y %H:%M:%S} GMT", theirs)},
                          .body = error_body(code)});
    EXPECT_EQ(error.code, Code::denied);
    EXPECT_THAT(error.message,
                HasSubstr("the clock of this host differs from the server's by 20m"));
    EXPECT_THAT(error.message, HasSubstr("it is ahead"));
  }
}

TEST_F(S3Fake, TriesAgainWhenTheServerIsBusy) {  // F-O04
  std::atomic<int> calls = 0;
  FakeHttp server([&](const FakeRequest&) -> FakeReply {
    switch (calls++) {
      case 0: return {.status = 503, .headers = {"Retry-After: 1"}, .body = error_body("SlowDown")};
      case 1: return {.status = 429};
      case 2: return {.status = 500, .body = error_body("InternalError")};
      case 3: return {.cut = true};
      case 4: return {.body = page("").substr(0, 20)};
      default: return {.body = page("")};
    }
  });
  auto begun = std::chrono::steady_clock::now();
  EXPECT_TRUE(open_s3(config(server.url())));
  EXPECT_EQ(calls, 6);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::seconds(1));
}

TEST_F(S3Fake, GivesUpWhenTheServerStaysBusy) {  // F-O04
  auto error = refused({.status = 503,
                        .headers = {"x-amz-request-id: 4711"},
                        .body = error_body("SlowDown", "<Message>Reduce your rate</Message>")});
  EXPECT_EQ(error.code, Code::unavailable);
  EXPECT_EQ(error.message,
            "ListObjectsV2 s3://sets: the server answers 503: Reduce your rate (SlowDown, request "
            "4711)");
  EXPECT_EQ(requests_, 6U);
}

TEST_F(S3Fake, EndsWhenTheServerIsSilent) {  // F-O05
  auto begun = std::chrono::steady_clock::now();
  auto error = refused({.silent = true});
  EXPECT_EQ(error.code, Code::timeout);
  EXPECT_EQ(requests_, 2U);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(8));
}

TEST_F(S3Fake, StopsWhenToldTo) {
  std::stop_source stop;
  FakeHttp server([&](const FakeRequest&) {
    stop.request_stop();
    return FakeReply{.silent = true};
  });
  auto patient = config(server.url());
  patient.patience.stall = std::chrono::seconds(60);
  patient.patience.stop = stop.get_token();
  EXPECT_EQ(open_s3(patient).error().code, Code::cancelled);
}

struct Refusal4xx {
  std::string name;
  int status;
  std::string code;
  Code expected;
  std::string text;
};
void PrintTo(const Refusal4xx& c, std::ostream* out) { *out << c.name; }
class Final : public S3Fake, public testing::WithParamInterface<Refusal4xx> {};

TEST_P(Final, IsTriedOnce) {
  auto error = refused({.status = GetParam().status, .body = error_body(GetParam().code)});
  EXPECT_EQ(error.code, GetParam().expected);
  EXPECT_THAT(describe(error), HasSubstr(GetParam().text));
  EXPECT_EQ(requests_, 1U);
}

INSTANTIATE_TEST_SUITE_P(
    Statuses, Final,
    testing::Values(
        Refusal4xx{"no_bucket", 404, "NoSuchBucket", Code::not_found, "no bucket sets"},
        Refusal4xx{"secret", 403, "SignatureDoesNotMatch", Code::denied, "secret key"},
        Refusal4xx{"key", 403, "InvalidAccessKeyId", Code::denied, "access key"},
        Refusal4xx{"key_versitygw", 404, "XAdminUserNotFound", Code::denied, "access key"},
        Refusal4xx{"token", 400, "ExpiredToken", Code::denied, "session token"},
        Refusal4xx{"list", 403, "AccessDenied", Code::denied, "s3:ListBucket"},
        Refusal4xx{"full", 507, "XMinioStorageFull", Code::no_space, "no space"},
        Refusal4xx{"quota", 403, "QuotaExceeded", Code::no_space, "no space"},
        Refusal4xx{"expectation", 417, "", Code::internal, "the server answers 417"},
        Refusal4xx{"not_offered", 501, "NotImplemented", Code::invalid, "does not offer"}),
    [](const auto& test) { return test.param.name; });

TEST_F(S3Fake, ListsPagesOfOneInAnyOrder) {  // F-O10
  FakeHttp server([&](const FakeRequest& request) -> FakeReply {
    auto prefix = [](const std::string& name) {
      return "<Contents><Key>p/" + name + "/x</Key><Size>1</Size></Contents>";
    };
    auto next = [](const std::string& token) {
      return "<NextContinuationToken>" + token + "</NextContinuationToken>";
    };
    if (request.target.contains("continuation-token=one%2B%2F%3D"))
      return {.body = page(prefix("a") + next("two"), true)};
    if (request.target.contains("continuation-token=two")) return {.body = page("")};
    return {.body = page(prefix("z") + next("one+/="), true)};
  });
  auto place = open_s3(config(server.url())).value();
  auto entries = place->list().value();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].name, "a");
  EXPECT_EQ(entries[1].name, "z");
}

// What a second page may be; after each the list is an Error, never a part.
struct Page {
  std::string name;
  FakeReply reply;
};
void PrintTo(const Page& c, std::ostream* out) { *out << c.name; }
class SecondPage : public S3Fake, public testing::WithParamInterface<Page> {};

TEST_P(SecondPage, MakesTheListIncomplete) {  // F-O10, F-O11
  bool opened = false;
  FakeHttp server([&](const FakeRequest& request) -> FakeReply {
    if (!opened) return {.body = page("")};
    if (request.target.contains("continuation-token")) return GetParam().reply;
    return {.body = page("<Contents><Key>p/a/x</Key><Size>1</Size></Contents>"
                         "<NextContinuationToken>t</NextContinuationToken>",
                         true)};
  });
  auto place = open_s3(config(server.url())).value();
  opened = true;
  auto list = place->list();
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().message.find(kKey), std::string::npos);
}

std::string in_contents(const std::string& key) {
  return page("<Contents><Key>" + key + "</Key><Size>1</Size></Contents>");
}

INSTANTIATE_TEST_SUITE_P(
    Broken, SecondPage,
    testing::Values(Page{"denied", {.status = 403, .body = error_body("AccessDenied")}},
                    Page{"same_token",
                         {.body = page("<NextContinuationToken>t</NextContinuationToken>", true)}},
                    Page{"no_token", {.body = page("", true)}},
                    Page{"no_end", {.body = "<ListBucketResult></ListBucketResult>"}},
                    Page{"outside", {.body = in_contents("q/other")}},
                    Page{"upward", {.body = in_contents("../p/x")}},
                    Page{"control_byte", {.body = in_contents("p/a\x02")}},
                    Page{"entities",
                         {.body = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\">]>" +
                                  in_contents("p/&a;")}},
                    Page{"no_size", {.body = page("<Contents><Key>p/a</Key></Contents>")}},
                    Page{"too_long", {.body = std::string(20UL << 20U, ' ')}}),
    [](const auto& test) { return test.param.name; });

TEST_F(S3Fake, ShowsHostileNamesAsDataAndOpensNone) {  // F-O11
  FakeHttp server([&](const FakeRequest& request) -> FakeReply {
    if (request.method == "HEAD") return {.status = 404};
    if (request.target.contains("prefix=p%2Fg")) return {.body = in_contents("p/g/../../x")};
    return {.body = page("")};
  });
  auto place = open_s3(config(server.url())).value();
  auto files = place->files("g").value();
  ASSERT_EQ(files.size(), 1U);
  EXPECT_FALSE(files[0].regular);
  EXPECT_EQ(place->open("g", files[0].name).error().code, Code::invalid);
}

TEST_F(S3Fake, ReadsKeysWithWhatEditorsLeave) {  // F-O13
  test::write_file(dir_.path("key"), std::string(kKey) + "\r\n\n");
  std::string seen;
  FakeHttp server([&](const FakeRequest& request) {
    seen = request.headers.at("authorization");
    return FakeReply{.body = page("")};
  });
  ASSERT_TRUE(open_s3(config(server.url())));
  EXPECT_THAT(seen, HasSubstr(std::string("Credential=") + kKey + "/2"));
}

TEST_F(S3Fake, RefusesKeyFilesThatAreNone) {  // F-O13
  FakeHttp server([](const FakeRequest&) { return FakeReply{.body = page("")}; });
  for (const auto* content : {"", "\n", "two words", "p\xC3\xA4ss"}) {
    test::write_file(dir_.path("secret"), content);
    auto error = open_s3(config(server.url())).error();
    EXPECT_EQ(error.code, Code::invalid);
    EXPECT_THAT(describe(error), AllOf(HasSubstr("secret key"), HasSubstr(dir_.path("secret"))));
  }
  auto missing = config(server.url());
  missing.session_token_file = dir_.path("none");
  EXPECT_EQ(open_s3(missing).error().code, Code::invalid);
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(S3Fake, ReadsTheKeysAgainWhenTheyWereRotated) {  // F-O13
  std::atomic<bool> rotated = false;
  FakeHttp server([&](const FakeRequest& request) -> FakeReply {
    if (!rotated) return {.body = page("")};
    if (request.headers.at("authorization").contains("NEWKEY")) return {.body = page("")};
    return {.status = 403, .body = error_body("InvalidAccessKeyId")};
  });
  auto place = open_s3(config(server.url())).value();
  rotated = true;
  EXPECT_EQ(place->list().error().code, Code::denied);  // one try: the files are the same
  auto before = server.requests().size();
  test::write_file(dir_.path("key"), "NEWKEY");
  EXPECT_TRUE(place->list());
  EXPECT_EQ(server.requests().size(), before + 2);  // refused, then the listing
}

TEST_F(S3Fake, SendsTheSessionTokenSigned) {
  test::write_file(dir_.path("token"), "canarytoken\n");
  std::string token, authorization;
  FakeHttp server([&](const FakeRequest& request) {
    token = request.headers.at("x-amz-security-token");
    authorization = request.headers.at("authorization");
    return FakeReply{.body = page("")};
  });
  auto with_token = config(server.url());
  with_token.session_token_file = dir_.path("token");
  ASSERT_TRUE(open_s3(with_token));
  EXPECT_EQ(token, "canarytoken");
  EXPECT_THAT(authorization, HasSubstr("x-amz-security-token"));
}

TEST_F(S3Fake, RepeatsNoSecretThatTheServerEchoes) {  // F-O14
  auto echo = std::string("<Message>") + kKey + " sent Authorization: AWS4-HMAC-SHA256 " + kSecret +
              "</Message><AWSAccessKeyId>" + kKey + "</AWSAccessKeyId><StringToSign>AWS4-HMAC\n" +
              kSecret + "</StringToSign><CanonicalRequest>GET\n/\n" + kSecret +
              "</CanonicalRequest><RequestId>" + kKey + "</RequestId><Region>" + kSecret +
              "</Region>";
  for (const auto* code : {"AccessDenied", "InvalidArgument", "SignatureDoesNotMatch", kKey}) {
    for (int status : {400, 403, 301}) {
      auto error = refused({.status = status,
                            .headers = {std::string("x-amz-request-id: ") + kKey},
                            .body = error_body(code, echo)});
      EXPECT_THAT(describe(error),
                  AllOf(Not(HasSubstr(kKey)), Not(HasSubstr(kSecret)), Not(HasSubstr("AWS4"))));
    }
  }
}

TEST_F(S3Fake, TakesNoProxyFromTheEnvironment) {  // F-O15
  FakeHttp proxy([](const FakeRequest&) { return FakeReply{.status = 502}; });
  FakeHttp server([](const FakeRequest&) { return FakeReply{.body = page("")}; });
  for (const auto* name : {"http_proxy", "ALL_PROXY"}) ::setenv(name, proxy.url().c_str(), 1);
  EXPECT_TRUE(open_s3(config(server.url())));
  auto typed_out = config("http://s3.example.com");
  typed_out.proxy = server.url();
  EXPECT_TRUE(open_s3(typed_out));
  for (const auto* name : {"http_proxy", "ALL_PROXY"}) ::unsetenv(name);
  EXPECT_TRUE(proxy.requests().empty());
  EXPECT_EQ(server.count("GET", "http://s3.example.com/sets"), 1U);
}

TEST_F(S3Fake, NeverAsksToContinueNorForCompression) {  // F-O15
  std::set<std::string> names;
  FakeHttp server([&](const FakeRequest& request) {
    for (const auto& [name, value] : request.headers) names.insert(name);
    return FakeReply{.body = page("")};
  });
  ASSERT_TRUE(open_s3(config(server.url())).value()->put_note("pins", "a", "text"));
  for (const auto* name : {"expect", "accept-encoding", "transfer-encoding"})
    EXPECT_FALSE(names.contains(name)) << name;
}

TEST(PartBytes, HoldMoreThanEtcdEverWillInTenThousandParts) {  // F-O15
  uint64_t total = 0;
  for (int number = 1; number <= 10'000; ++number) {
    EXPECT_GE(part_bytes(number), 5UL << 20U);
    EXPECT_GE(part_bytes(number + 1), part_bytes(number));
    total += part_bytes(number);
  }
  EXPECT_GT(total, 400UL << 30U);
  EXPECT_EQ(part_bytes(1), part_bytes(1'024));  // some servers want parts of one size
}

// Those threads that did start must not wait for parts for ever.
TEST_F(S3Fake, EndsAnUploadForWhichNotAllThreadsStart) {
  FakeHttp server([](const FakeRequest& request) -> FakeReply {
    if (request.is("POST", "uploads"))
      return {.body =
                  "<InitiateMultipartUploadResult><UploadId>u1</UploadId>"
                  "</InitiateMultipartUploadResult>"};
    return {.status = 204};
  });
  auto account = S3Account::open(config(server.url())).value();
  std::string first_part(part_bytes(1), 'x');
  for (int threads : {0, 1, 3}) {
    auto sink = upload(account, "p/g/data", [] { return Result<void>(); }, [](const Sent&) {});
    ASSERT_TRUE(sink->write(as_bytes(first_part)));
    test::FailingThread failing(threads);
    EXPECT_THROW((void)sink->write(as_bytes("more")), std::system_error) << threads;
  }
  EXPECT_EQ(server.count("DELETE", "uploadId=u1"), 3U);
}

TEST_F(S3Fake, AsksForEncryption) {
  std::map<std::string, std::string> headers;
  FakeHttp server([&](const FakeRequest& request) {
    if (request.method == "PUT") headers = request.headers;
    return FakeReply{.body = page("")};
  });
  auto encrypted = config(server.url());
  encrypted.encryption = S3Encryption::sse_s3;
  ASSERT_TRUE(open_s3(encrypted).value()->put_note("pins", "a", "text"));
  EXPECT_EQ(headers["x-amz-server-side-encryption"], "AES256");
  encrypted.encryption = S3Encryption::sse_kms;
  encrypted.kms_key_id = "arn:key";
  ASSERT_TRUE(open_s3(encrypted).value()->put_note("pins", "a", "text"));
  EXPECT_EQ(headers["x-amz-server-side-encryption"], "aws:kms");
  EXPECT_EQ(headers["x-amz-server-side-encryption-aws-kms-key-id"], "arn:key");
}

TEST_F(S3Fake, RefusesEndpointsThatAreNoUrl) {
  for (const auto* endpoint : {"s3.example.com", "ftp://s3.example.com", "https://", "https://a/b",
                               "https://user:canary@s3.example.com"}) {
    auto place = open_s3(config(endpoint));
    ASSERT_FALSE(place) << endpoint;
    EXPECT_EQ(place.error().code, Code::invalid) << endpoint;
    EXPECT_THAT(describe(place.error()), Not(HasSubstr("canary")));
  }
}

}  // namespace
}  // namespace snap::dest
