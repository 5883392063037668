#include "dest/s3_line.h"

#include <algorithm>
#include <charconv>
#include <format>
#include <set>

#include "base/encode.h"
#include "base/file.h"
#include "base/text.h"
#include "net/backoff.h"

namespace snap::dest {
namespace {

constexpr size_t kMaxAnswerBytes = 8UL << 20;    // a page of 1,000 keys is below 6 MiB
constexpr size_t kMaxRefusalBytes = 64UL << 10;  // what a person could read
constexpr size_t kMaxKeyFileBytes = 16UL << 10;
constexpr size_t kMaxPages = 100'000;
constexpr std::chrono::milliseconds kFirstPause{250}, kLongestPause{8'000};
constexpr std::chrono::seconds kLongestAskedPause{30};
constexpr std::chrono::milliseconds kCleaningWait{5'000};

// The line feed that editors and `echo` leave is no part of a key.
Result<std::string> read_key(const std::string& path, std::string_view what) {
  auto text = read_small_file(path, kMaxKeyFileBytes);
  if (!text)
    return fail(Code::invalid, std::format("the {}: {}", what, text.error().message),
                "the file must hold the key and nothing else, readable by this user");
  std::string key(trim(*text));
  bool plain = std::ranges::all_of(key, [](char c) { return c > 0x20 && c < 0x7F; });
  if (key.empty()) return fail(Code::invalid, std::format("the {}: {} is empty", what, path));
  if (!plain)
    return fail(Code::invalid,
                std::format("the {}: {} holds more than one word of plain characters", what, path));
  return key;
}

Result<Credentials> read_credentials(const S3Config& config) {
  Credentials credentials;
  credentials.access_key = TRY(read_key(config.access_key_file, "access key"));
  credentials.secret_key = TRY(read_key(config.secret_key_file, "secret key"));
  if (!config.session_token_file.empty())
    credentials.session_token = TRY(read_key(config.session_token_file, "session token"));
  return credentials;
}

// "2026-11-21T01:30:00.123Z"
Seconds read_time(std::string_view text) {
  auto dot = text.find('.');
  auto plain = dot == text.npos ? std::string(text) : std::string(text.substr(0, dot)) + "Z";
  return from_rfc3339(plain).value_or(Seconds{});
}

Result<uint64_t> read_number(std::string_view text) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty())
    return fail(Code::corrupt, "the listing holds a size that is no number");
  return value;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16).ptr ==
            text.data() + i + 3) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string host_header(const net::Endpoint& endpoint) {
  auto host = endpoint.host.contains(':') ? "[" + endpoint.host + "]" : endpoint.host;
  auto usual = endpoint.tls ? 443 : 80;
  return endpoint.port == usual ? host : std::format("{}:{}", host, endpoint.port);
}

// One page of a listing added to what came before.
Result<void> add_page(const Element& page, const std::string& prefix, Listing& listing) {
  bool encoded = page.text_of("EncodingType") == "url";
  auto decode = [&](std::string_view text) {
    return encoded ? percent_decoded(text) : std::string(text);
  };
  auto ours = [&](const std::string& key) -> Result<void> {
    if (key.starts_with(prefix)) return {};
    return fail(Code::corrupt, std::format("the server lists {}, which was not asked for",
                                           escaped(key.substr(0, 100))));
  };
  for (const auto& element : page.children) {
    if (element.name == "Contents") {
      Listed listed{.key = decode(element.text_of("Key"))};
      TRY(ours(listed.key));
      listed.size_bytes = TRY(read_number(element.text_of("Size")));
      listed.changed = read_time(element.text_of("LastModified"));
      listing.objects.push_back(std::move(listed));
    } else if (element.name == "CommonPrefixes") {
      listing.prefixes.push_back(decode(element.text_of("Prefix")));
      TRY(ours(listing.prefixes.back()));
    }
  }
  return {};
}

// True when another page follows, false at the end.
Result<bool> goes_on(const Element& page) {
  auto truncated = page.text_of("IsTruncated");
  if (truncated != "true" && truncated != "false")
    return fail(Code::corrupt, "the listing does not say whether it is complete");
  return truncated == "true";
}

std::unexpected<Error> endless(std::string_view why) {
  return fail(Code::unavailable, std::format("the listing is incomplete: {}", why),
              "nothing is removed at a place that cannot be listed");
}

}  // namespace

Result<std::shared_ptr<S3Account>> S3Account::open(const S3Config& config) {
  bool plain = config.endpoint.starts_with("http://");
  if (!plain && !config.endpoint.starts_with("https://"))
    return fail(Code::invalid,
                std::format("endpoint {}: no URL", escaped(redacted_url(config.endpoint))),
                "write it as https://HOST or https://HOST:PORT");
  auto endpoint = TRY(net::parse_endpoint(config.endpoint, plain ? 80 : 443, true));
  if (!config.path_style) endpoint.host = config.bucket + "." + endpoint.host;
  if (!config.ca_file.empty()) TRY(net::check({.ca = config.ca_file}));
  std::shared_ptr<S3Account> account(new S3Account(config, std::move(endpoint)));
  account->credentials_ = TRY(read_credentials(config));
  return account;
}

std::string S3Account::label() const {
  auto prefix = config_.prefix;
  if (prefix.ends_with('/')) prefix.pop_back();
  return escaped(std::format("s3://{}{}{}", config_.bucket, prefix.empty() ? "" : "/", prefix));
}

std::string S3Account::path_of(const std::string& key) const {
  return config_.path_style ? std::format("/{}{}{}", config_.bucket, key.empty() ? "" : "/", key)
                            : "/" + key;
}

std::string S3Account::name_of(const std::string& key) const {
  return escaped(std::format("s3://{}{}{}", config_.bucket, key.empty() ? "" : "/", key));
}

Credentials S3Account::credentials() const {
  std::lock_guard lock(mutex_);
  return credentials_;
}

bool S3Account::renewed(const Credentials& refused) {
  auto fresh = read_credentials(config_);
  std::lock_guard lock(mutex_);
  if (fresh) credentials_ = std::move(*fresh);
  return credentials_ != refused;
}

void S3Account::remark(const std::string& text) {
  std::lock_guard lock(mutex_);
  if (std::ranges::find(remarks_, text) == remarks_.end()) remarks_.push_back(text);
}

std::vector<std::string> S3Account::remarks() const {
  std::lock_guard lock(mutex_);
  return remarks_;
}

S3Line::S3Line(std::shared_ptr<S3Account> account, const Patience& patience, int tries)
    : account_(std::move(account)), patience_(patience), tries_(tries) {
  const auto& config = account_->config();
  client_ = std::make_unique<net::Http1Client>(net::Http1Settings{.tls = {.ca = config.ca_file},
                                                                  .proxy = config.proxy,
                                                                  .connect = patience_.connect,
                                                                  .stop = patience_.stop});
}

S3Line S3Line::for_cleaning(const std::shared_ptr<S3Account>& account) {
  auto patience = account->config().patience;
  patience.stop = {};
  patience.connect = std::min(patience.connect, kCleaningWait);
  patience.stall = std::min(patience.stall, kCleaningWait);
  return {account, patience, 2};
}

// A first try gets half of the time: one more, over a new connection, fits in the rest.
Result<Answer> S3Line::attempt(const Call& call, const Credentials& credentials, Refusal& refusal) {
  const auto& config = account_->config();
  Asked asked{call.operation, account_->name_of(call.key), now_utc()};
  Unsigned request{.method = call.method,
                   .path = account_->path_of(call.key),
                   .query = call.query,
                   .headers = call.headers,
                   .payload_hash = call.checksum && !call.body.empty()
                                       ? "UNSIGNED-PAYLOAD"
                                       : to_hex(stream::sha256(call.body))};
  auto add = [&](std::string name, std::string value) {
    request.headers.emplace_back(std::move(name), std::move(value));
  };
  add("host", host_header(account_->endpoint()));
  add("x-amz-date", amz_date(asked.at));
  add("x-amz-content-sha256", request.payload_hash);
  if (call.checksum) add("x-amz-checksum-sha256", base64(*call.checksum));
  if (!credentials.session_token.empty()) add("x-amz-security-token", credentials.session_token);
  net::Http1Request http{.method = call.method,
                         .endpoint = account_->endpoint(),
                         .target = encoded_target(request.path, request.query),
                         .body = call.body,
                         .stall = patience_.stall / 2 + call.more_time};
  for (const auto& [name, value] : request.headers)
    http.headers.push_back(std::string(name).append(": ").append(value));
  http.headers.push_back("authorization: " +
                         authorization(request, credentials, config.region, "s3", asked.at));

  auto lost = [&](const Error& error) {
    refusal = {.error = error, .again = error.retryable()};
    refusal.error.message = std::format("{} {}: {}", asked.operation, asked.what, error.message);
    return std::unexpected(refusal.error);
  };
  auto head = client_->begin(http);
  if (!head) return lost(head.error());
  Answer answer{.head = std::move(*head)};
  bool good = answer.head.status >= 200 && answer.head.status < 300;
  if (good && call.stream) return answer;
  std::array<std::byte, 16384> buffer;
  while (true) {
    auto n = client_->read(buffer);
    if (!n && good) return lost(n.error());
    if (!n || *n == 0) break;  // the status of a refusal counts without its text
    answer.body.append(as_text(Bytes(buffer).first(*n)));
    if (answer.body.size() > kMaxAnswerBytes)
      return lost({Code::corrupt, "the answer is too long", ""});
    if (!good && answer.body.size() > kMaxRefusalBytes) break;
  }
  if (std::ranges::contains(call.accept, answer.head.status)) return answer;
  if (good && call.root.empty()) return answer;
  if (good) {
    auto xml = parse_xml(answer.body);
    if (!xml) return lost({Code::unavailable, xml.error().message, ""});
    answer.xml = std::move(*xml);
    if (answer.xml.name.starts_with(call.root)) return answer;
    if (answer.xml.name != "Error")
      return lost({Code::unavailable, "the answer is not what was asked for", ""});
  }
  refusal = judge(asked, {.head = answer.head, .body = answer.body}, config, credentials);
  return std::unexpected(refusal.error);
}

Result<Answer> S3Line::call(const Call& call) {
  net::Backoff backoff(kFirstPause, kLongestPause);
  bool reread = false, waited = false;
  for (int attempts = 1;; ++attempts) {
    auto credentials = account_->credentials();
    Refusal refusal;
    auto answer = attempt(call, credentials, refusal);
    if (answer) {
      answer->attempts = attempts + (answer->head.repeated ? 1 : 0);
      return answer;
    }
    if (refusal.credentials && !reread) {
      reread = true;
      if (account_->renewed(credentials)) continue;
    }
    bool timeout = answer.error().code == Code::timeout;
    if (!refusal.again || attempts >= tries_ || (timeout && waited)) return answer;
    waited = waited || timeout;
    auto asked = std::min(refusal.pause, kLongestAskedPause);
    TRY(net::pause(std::max<std::chrono::milliseconds>(backoff.next(), asked), patience_.stop));
  }
}

Result<std::optional<ObjectHead>> S3Line::head(const std::string& key) {
  auto answer = TRY(call({.operation = "HeadObject",
                          .method = "HEAD",
                          .key = key,
                          .headers = {{"x-amz-checksum-mode", "ENABLED"}},
                          .accept = {404}}));
  if (answer.head.status == 404) return std::nullopt;
  ObjectHead head;
  head.size_bytes = TRY(read_number(answer.head.header("content-length"))
                            .context("HeadObject " + account_->name_of(key)));
  head.checksum = answer.head.header("x-amz-checksum-sha256");
  return head;
}

Result<std::string> S3Line::get(const std::string& key, uint64_t max_bytes) {
  auto answer = TRY(call({.operation = "GetObject", .method = "GET", .key = key}));
  if (answer.body.size() > max_bytes)
    return fail(Code::corrupt, account_->name_of(key) + ": larger than it can be");
  return std::move(answer.body);
}

Result<bool> S3Line::holds(const std::string& key, std::string_view content) {
  auto stored = TRY(get(key, kMaxAnswerBytes));
  return stored == content;
}

Result<void> S3Line::put(const std::string& key, std::string_view content, bool only_new) {
  Call request{.operation = "PutObject",
               .method = "PUT",
               .key = key,
               .body = as_bytes(content),
               .checksum = stream::sha256(as_bytes(content))};
  add_encryption(account_->config(), request.headers);
  auto exists = [&] {
    return fail(Code::exists, std::format("{} exists", account_->name_of(key)));
  };
  if (only_new && account_->conditional != Learned::yes && TRY(head(key))) return exists();
  if (!only_new || account_->conditional == Learned::no) {
    TRY(call(request));
    return {};
  }
  auto plain = request;
  request.headers.emplace_back("if-none-match", "*");
  request.accept = {412, 501};
  auto answer = TRY(call(request));
  if (answer.head.status == 501) {
    account_->conditional = Learned::no;
    TRY(call(plain));
    return {};
  }
  if (answer.head.status != 412) return {};
  // An earlier try of ours may have arrived although its answer did not.
  if (answer.attempts > 1 && TRY(holds(key, content))) return {};
  return exists();
}

Result<void> S3Line::remove(const std::string& key) {
  auto answer =
      TRY(call({.operation = "DeleteObject", .method = "DELETE", .key = key, .accept = {404}}));
  if (answer.head.header("x-amz-delete-marker") == "true")
    account_->remark(
        "the bucket keeps old versions: what is removed takes space until its "
        "lifecycle rules end that");
  return {};
}

Result<Listing> S3Line::list(const std::string& prefix, const std::string& delimiter) {
  Listing listing;
  std::string token;
  std::set<std::string> tokens;
  while (tokens.size() < kMaxPages) {
    Query query = {{"list-type", "2"}, {"prefix", prefix}, {"encoding-type", "url"}};
    if (!delimiter.empty()) query.emplace_back("delimiter", delimiter);
    if (!token.empty()) query.emplace_back("continuation-token", token);
    auto answer = TRY(call({.operation = "ListObjectsV2",
                            .method = "GET",
                            .query = query,
                            .root = "ListBucketResult"}));
    TRY(add_page(answer.xml, prefix, listing).context(account_->label()));
    if (!TRY(goes_on(answer.xml).context(account_->label()))) return listing;
    token = answer.xml.text_of("NextContinuationToken");
    if (token.empty()) return endless("the server names no next page");
    if (!tokens.insert(token).second) return endless("the server repeats a page");
  }
  return endless("it has too many pages");
}

Result<std::vector<Upload>> S3Line::uploads(const std::string& prefix) {
  std::vector<Upload> found;
  std::set<std::string> markers;
  Query from;
  while (markers.size() < kMaxPages) {
    Query query = {{"uploads", ""}, {"prefix", prefix}, {"encoding-type", "url"}};
    query.insert(query.end(), from.begin(), from.end());
    auto answer = TRY(call({.operation = "ListMultipartUploads",
                            .method = "GET",
                            .query = query,
                            .accept = {404},
                            .root = "ListMultipartUploadsResult"}));
    // What gofakes3, and so rclone, says where there are none.
    if (answer.head.status == 404 && answer.body.contains("NoSuchUpload")) return found;
    if (answer.head.status == 404)
      return fail(Code::not_found, "ListMultipartUploads " + account_->label() + ": not found");
    bool encoded = answer.xml.text_of("EncodingType") == "url";
    auto decode = [&](std::string_view text) {
      return encoded ? percent_decoded(text) : std::string(text);
    };
    for (const auto& element : answer.xml.children) {
      auto key = decode(element.text_of("Key"));
      if (element.name == "Upload" && key.starts_with(prefix))
        found.push_back({key, std::string(element.text_of("UploadId"))});
    }
    if (answer.xml.text_of("IsTruncated") != "true") return found;
    from = {{"key-marker", decode(answer.xml.text_of("NextKeyMarker"))},
            {"upload-id-marker", std::string(answer.xml.text_of("NextUploadIdMarker"))}};
    if (!markers.insert(from[0].second + "\n" + from[1].second).second)
      return endless("the server repeats a page");
  }
  return endless("it has too many pages");
}

Result<void> S3Line::abort(const Upload& upload) {
  TRY(call({.operation = "AbortMultipartUpload",
            .method = "DELETE",
            .key = upload.key,
            .query = {{"uploadId", upload.id}},
            .accept = {404}}));
  return {};
}

void add_encryption(const S3Config& config,
                    std::vector<std::pair<std::string, std::string>>& headers) {
  if (config.encryption == S3Encryption::none) return;
  bool kms = config.encryption == S3Encryption::sse_kms;
  headers.emplace_back("x-amz-server-side-encryption", kms ? "aws:kms" : "AES256");
  if (kms && !config.kms_key_id.empty())
    headers.emplace_back("x-amz-server-side-encryption-aws-kms-key-id", config.kms_key_id);
}

}  // namespace snap::dest
