#include "kube/client.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <format>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/text.h"
#include "base/time.h"
#include "kube/token.h"
#include "net/backoff.h"
#include "net/http1.h"
#include "net/http_date.h"

namespace snap::kube {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

constexpr std::chrono::seconds kFresh{60};         // of a connection and what it read of the CA
constexpr std::chrono::seconds kLongestPause{60};  // that a server may ask for
constexpr size_t kMaxToldBytes = 300;              // of the server's own message

std::string doing(const Call& call) {
  auto where = call.name_space.empty() ? "" : " in namespace " + call.name_space;
  return std::format("{} {}{}", call.verb, call.resource, where);
}

// What the API says in a Status object: kubernetes/apimachinery:pkg/apis/meta/v1/types.go.
struct Said {
  std::string reason, message;
};

Said said_by(const std::string& body) {
  auto status = json::parse(body, nullptr, false);
  auto text = [&](const char* key) {
    auto found = status.is_object() ? status.find(key) : status.end();
    return found != status.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  auto message = status.is_object() ? text("message") : std::string(trim(body));
  return {text("kind") == "Status" ? text("reason") : "",
          escaped(message.substr(0, kMaxToldBytes))};
}

Code code_of(int status, const std::string& reason) {
  if (status == 401 || status == 403) return Code::denied;
  if (status == 404 || status == 410) return Code::not_found;
  if (status == 409) return reason == "AlreadyExists" ? Code::exists : Code::busy;
  if (status == 504) return Code::timeout;
  if (status == 429 || status >= 500) return Code::unavailable;
  return Code::invalid;
}

std::string hint_of(int status, const Call& call, const Access& access) {
  if (status == 401)
    return std::format("the credentials of {} are not accepted: has the token expired?",
                       access.origin);
  if (status == 403)
    return std::format("grant it with a {} that allows {} on {}",
                       call.name_space.empty() ? "ClusterRole" : "Role", call.verb, call.resource);
  if (status >= 500) return "is the API server healthy? kubectl get --raw /readyz says so";
  return {};
}

Refusal refusal_of(int status, const std::string& body, const Call& call, const Access& access) {
  auto said = said_by(body);
  auto why = said.message.empty() ? std::format("status {}", status)
                                  : std::format("status {}: {}", status, said.message);
  return {{code_of(status, said.reason), std::format("{}: {}", doing(call), why),
           hint_of(status, call, access)},
          status,
          said.reason};
}

// Seconds of a Retry-After header; dates are not used by API servers.
std::optional<std::chrono::milliseconds> retry_after(const net::Http1Head& head) {
  auto text = head.header("retry-after");
  unsigned seconds = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return std::min<std::chrono::milliseconds>(std::chrono::seconds(seconds), kLongestPause);
}

}  // namespace

// What one try came to.
struct Try {
  std::expected<json, Refusal> answer;
  std::optional<std::chrono::milliseconds> wait;  // the server asks for it

  bool may_repeat() const { return !answer && answer.error().error.retryable(); }
};

struct Client::State {
  Token token;
  Access access;
  ClientSettings settings;
  std::unique_ptr<net::Http1Client> http = nullptr;
  Clock::time_point made{};  // http
  bool heard = false;
  std::optional<std::chrono::seconds> clock_difference;

  net::Http1Client& connection() {
    auto now = Clock::now();
    if (!http || now - made >= kFresh) {
      http =
          std::make_unique<net::Http1Client>(net::Http1Settings{.tls = access.tls,
                                                                .proxy = {},
                                                                .connect = settings.limits.connect,
                                                                .stop = settings.stop});
      made = now;
    }
    return *http;
  }

  net::Http1Request request_for(const Call& call, const std::string& bearer,
                                std::chrono::milliseconds limit) {
    net::Http1Request request{
        .method = call.body.empty() ? "GET" : "POST",
        .endpoint = access.server,
        .target = access.base_path + call.target,
        .headers = {"Accept: application/json", "User-Agent: " + settings.user_agent},
        .body = as_bytes(call.body),
        .stall = limit};
    if (!call.body.empty()) request.headers.emplace_back("Content-Type: application/json");
    if (!bearer.empty()) request.headers.push_back("Authorization: Bearer " + bearer);
    return request;
  }

  Result<std::string> read_body(size_t max_bytes, Clock::time_point end);
  Try once(const Call& call, const std::string& bearer, Clock::time_point end);
  Try renewed(const Call& call, Clock::time_point end);
};

Result<std::string> Client::State::read_body(size_t max_bytes, Clock::time_point end) {
  std::string body;
  std::array<std::byte, 16384> buffer;
  while (auto n = TRY(http->read(buffer))) {
    if (body.size() + n > max_bytes)
      return fail(Code::corrupt,
                  std::format("the answer is longer than {}", human_size(max_bytes)));
    body.append(as_text(Bytes(buffer).first(n)));
    if (Clock::now() > end) return fail(Code::timeout, "the answer did not end in time");
  }
  return body;
}

Try Client::State::once(const Call& call, const std::string& bearer, Clock::time_point end) {
  auto lost = [&](Error error) {
    error.message = std::format("{}: {}: {}", doing(call), access.server.url(), error.message);
    return Try{std::unexpected(Refusal{std::move(error), 0, {}}), {}};
  };
  auto now = Clock::now();
  auto limit = std::min<std::chrono::milliseconds>(
      settings.limits.request, std::chrono::ceil<std::chrono::milliseconds>(end - now));
  auto head = connection().begin(request_for(call, bearer, limit));
  if (!head) return lost(std::move(head).error());
  auto body = read_body(call.max_bytes, now + limit);
  if (!body) {
    http.reset();  // what is left of the answer is of no use
    return lost(std::move(body).error());
  }
  if (auto theirs = net::from_http_date(head->header("date")); theirs && !clock_difference)
    clock_difference = now_utc() - *theirs;
  if (head->status < 200 || head->status > 299)
    return {std::unexpected(refusal_of(head->status, *body, call, access)), retry_after(*head)};
  auto answer = json::parse(*body, nullptr, false);
  if (!answer.is_object())
    return lost({Code::corrupt, "the answer is not JSON", "does another server answer there?"});
  return {std::move(answer), {}};
}

// Once more after a refusal that newer files may cure: the token's, or the CA's.
Try Client::State::renewed(const Call& call, Clock::time_point end) {
  auto bearer = token.at(Clock::now());
  if (!bearer) {
    auto error = std::move(bearer).error();
    error.message = std::format("{}: {}", doing(call), error.message);
    return Try{std::unexpected(Refusal{std::move(error), 0, {}}), {}};
  }
  auto first = once(call, *bearer, end);
  if (first.answer || first.answer.error().error.code != Code::denied) return first;
  auto status = first.answer.error().status;
  bool token_changed = status == 401 && token.renew(Clock::now());
  bool tls_refused = status == 0;
  if (!token_changed && !tls_refused) return first;
  if (Clock::now() >= end) return first;  // a try without time would only hide the refusal
  http.reset();
  return once(call, token.at(Clock::now()).value_or(*bearer), end);
}

Client::Client(Access access, ClientSettings settings)
    : state_(new State{.token = Token(access.token_file, access.token),
                       .access = std::move(access),
                       .settings = std::move(settings)}) {}

Client::~Client() = default;
Client::Client(Client&&) noexcept = default;

const Access& Client::access() const { return state_->access; }
bool Client::heard() const { return state_->heard; }
std::optional<std::chrono::seconds> Client::clock_difference() const {
  return state_->clock_difference;
}

std::expected<json, Refusal> Client::ask(const Call& call) {
  auto& state = *state_;
  const auto& limits = state.settings.limits;
  auto end = Clock::now() + limits.total;
  state.heard = false;
  net::Backoff backoff(std::chrono::milliseconds(500), std::chrono::seconds(5));
  for (int attempt = 1;; ++attempt) {
    auto tried = state.renewed(call, end);
    state.heard = tried.answer || !tried.answer.error().reason.empty();
    if (!tried.may_repeat() || attempt >= limits.attempts) return std::move(tried.answer);
    auto wait = tried.wait.value_or(backoff.next());
    if (Clock::now() + wait >= end) return std::move(tried.answer);
    if (!net::pause(wait, state.settings.stop)) {
      return std::unexpected(Refusal{{Code::cancelled, doing(call) + ": told to stop", ""}, 0, {}});
    }
  }
}

}  // namespace snap::kube
