#include "dest/s3_error.h"

#include <algorithm>
#include <charconv>
#include <format>
#include <optional>

#include "base/text.h"
#include "dest/s3_xml.h"
#include "net/http_date.h"

namespace snap::dest {
namespace {

constexpr size_t kMaxTextBytes = 200;

// Servers refuse requests that are 15 minutes off.
constexpr std::chrono::minutes kSkew{14};

struct Said {
  std::string code, message, region, request_id;
};

// Letters, digits and a few signs: a code, a region, an id.
std::string word(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, 64)) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '-' || c == '_' || c == '.' || c == ':' || c == '/' || c == '=' || c == '+';
    if (plain) out += c;
  }
  return out;
}

bool holds(std::string_view text, std::string_view part) {
  auto same = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
  return !std::ranges::search(text, part, same).empty();
}

bool tells_secrets(std::string_view text, const Credentials& credentials) {
  for (const auto* secret :
       {&credentials.access_key, &credentials.secret_key, &credentials.session_token})
    if (!secret->empty() && text.contains(*secret)) return true;
  return false;
}

// Some servers send parts of the request back.
bool tells_requests(std::string_view text) {
  for (std::string_view part :
       {"AWS4-HMAC", "Credential=", "authorization", "x-amz-", "Signature="})
    if (holds(text, part)) return true;
  return false;
}

Said read_answer(const net::Http1Reply& reply, const Credentials& credentials) {
  Said said{.code = {},
            .message = {},
            .region = word(reply.head.header("x-amz-bucket-region")),
            .request_id = word(reply.head.header("x-amz-request-id"))};
  auto body = parse_xml(reply.body);
  if (!body || body->name != "Error") return said;
  said.code = word(body->text_of("Code"));
  said.message = escaped(body->text_of("Message").substr(0, kMaxTextBytes));
  if (said.region.empty()) said.region = word(body->text_of("Region"));
  if (said.request_id.empty()) said.request_id = word(body->text_of("RequestId"));
  for (auto* text : {&said.code, &said.message, &said.region, &said.request_id})
    if (tells_secrets(*text, credentials)) text->clear();
  if (tells_requests(said.message)) said.message.clear();
  return said;
}

// By how much our clock is ahead of the server's.
std::optional<std::chrono::seconds> clock_difference(const Asked& asked,
                                                     const net::Http1Reply& reply) {
  auto theirs = net::from_http_date(reply.head.header("date"));
  if (!theirs) return {};
  return asked.at - *theirs;
}

std::string right_for(const std::string& operation) {
  if (operation == "ListObjectsV2") return "s3:ListBucket";
  if (operation == "HeadObject") return "s3:GetObject";
  if (operation == "ListMultipartUploads") return "s3:ListBucketMultipartUploads";
  if (operation == "AbortMultipartUpload" || operation == "DeleteObject" ||
      operation == "GetObject")
    return "s3:" + operation;
  return "s3:PutObject";
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> of) {
  return std::ranges::find(of, text) != of.end();
}

Error clock_error(std::optional<std::chrono::seconds> ahead) {
  if (!ahead)
    return {Code::denied, "the server finds this host's clock wrong",
            "set this host's clock and the server's by NTP"};
  return {Code::denied,
          std::format("the clock of this host differs from the server's by {} ({})",
                      human_duration(std::chrono::abs(*ahead)),
                      ahead->count() > 0 ? "it is ahead" : "it is behind"),
          "set both clocks by NTP"};
}

// The keys, or what they may do.
std::optional<Error> refused_credentials(const Said& said, const Asked& asked, int status) {
  if (said.code == "SignatureDoesNotMatch")
    return Error{Code::denied, "the server does not accept the secret key",
                 "compare the files of the access key and the secret key with the server's"};
  if (is_one_of(said.code, {"InvalidAccessKeyId", "XAdminUserNotFound", "InvalidClientTokenId"}))
    return Error{Code::denied, "the server does not know the access key",
                 "compare the file of the access key with the server's"};
  if (is_one_of(said.code, {"ExpiredToken", "InvalidToken", "TokenRefreshRequired"}))
    return Error{Code::denied, "the server does not accept the session token",
                 "has it expired? Write a new one to its file"};
  bool lock = holds(said.message, "lock") || holds(said.message, "WORM") ||
              holds(said.message, "retention") || said.code == "ObjectLocked";
  if (lock && (status == 400 || status == 403))
    return Error{Code::denied, "a lock of the bucket protects it",
                 "it can be removed when its retention has ended"};
  if (status == 403 || status == 401)
    return Error{Code::denied, "access denied",
                 "does the policy of these keys allow " + right_for(asked.operation) + "?"};
  return {};
}

std::optional<Error> wrong_region(const Said& said, const net::Http1Reply& reply,
                                  const S3Config& config) {
  bool redirect = reply.head.status >= 300 && reply.head.status < 400;
  bool malformed = is_one_of(
      said.code, {"AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect",
                  "IllegalLocationConstraintException", "AuthorizationQueryParametersError"});
  if (!redirect && !malformed) return {};
  if (!said.region.empty() && said.region != config.region)
    return Error{Code::denied,
                 std::format("the bucket is in region {}, not {}", said.region, config.region),
                 "set region: " + said.region};
  if (!redirect) return {};
  auto target = redacted_url(reply.head.header("location"));
  return Error{Code::denied,
               std::format("the server sends us elsewhere ({}), which is not followed",
                           target.empty() ? "it does not say where" : escaped(target)),
               "set the endpoint and the region of the bucket"};
}

std::optional<Error> full(const Said& said, int status) {
  if (status != 507 && !holds(said.code, "StorageFull") && !holds(said.code, "QuotaExceeded") &&
      said.code != "InsufficientStorage")
    return {};
  return Error{Code::no_space, "no space left on the server",
               "give the bucket more space, or keep fewer sets"};
}

std::optional<Error> refused_storage(const Said& said, int status, const S3Config& config) {
  if (said.code == "NoSuchBucket")
    return Error{Code::not_found, "there is no bucket " + escaped(config.bucket),
                 "create it, or correct its name"};
  if (is_one_of(said.code, {"BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch",
                            "InvalidDigest"}))
    return Error{Code::corrupt, "the bytes arrived changed", "something on the way changes them"};
  if (status == 404) return Error{Code::not_found, "it is not there", ""};
  if (status == 412) return Error{Code::exists, "it exists", ""};
  if (status == 501) return Error{Code::invalid, "the server does not offer this", ""};
  return {};
}

bool may_succeed_later(const Said& said, int status) {
  if (is_one_of(said.code, {"InternalError", "SlowDown", "ServiceUnavailable", "RequestTimeout",
                            "OperationAborted", "ConditionalRequestConflict", "BadDigest",
                            "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch",
                            "IncompleteBody", "Busy"}))
    return true;
  return status == 409 || status == 429 || status == 408 ||
         (status >= 500 && status != 501 && status != 507);
}

std::chrono::seconds asked_pause(std::string_view text) {
  unsigned seconds = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return std::chrono::seconds(seconds);
}

Error explain(const Said& said, const Asked& asked, const net::Http1Reply& reply,
              const S3Config& config) {
  auto status = reply.head.status;
  auto ahead = clock_difference(asked, reply);
  bool far_off = ahead && std::chrono::abs(*ahead) > kSkew;
  if (said.code == "RequestTimeTooSkewed" || (far_off && status == 403)) return clock_error(ahead);
  if (auto error = wrong_region(said, reply, config)) return *error;
  if (auto error = full(said, status)) return *error;
  if (auto error = refused_credentials(said, asked, status)) return *error;
  if (auto error = refused_storage(said, status, config)) return *error;
  if (reply.body.contains("HTTP request to an HTTPS server"))
    return {Code::unavailable, "the server wants TLS", "write https:// in front of the endpoint"};
  auto text = std::format("the server answers {}", status);
  if (!said.message.empty()) text += ": " + said.message;
  return {may_succeed_later(said, status) ? Code::unavailable : Code::internal, text, ""};
}

}  // namespace

Refusal judge(const Asked& asked, const net::Http1Reply& reply, const S3Config& config,
              const Credentials& credentials) {
  auto said = read_answer(reply, credentials);
  Refusal refusal{.code = said.code, .error = explain(said, asked, reply, config)};
  refusal.again = may_succeed_later(said, reply.head.status) &&
                  refusal.error.code != Code::denied && refusal.error.code != Code::no_space;
  refusal.credentials =
      reply.head.status == 403 ||
      is_one_of(said.code, {"XAdminUserNotFound", "ExpiredToken", "InvalidToken"});
  refusal.pause = asked_pause(reply.head.header("retry-after"));
  std::string source = said.code;
  if (!said.request_id.empty())
    source += (source.empty() ? "request " : ", request ") + said.request_id;
  refusal.error.message =
      std::format("{} {}: {}", asked.operation, asked.what, refusal.error.message);
  if (!source.empty()) refusal.error.message += " (" + source + ")";
  return refusal;
}

}  // namespace snap::dest
