#include "etcd/session.h"

#include <algorithm>

#include "base/file.h"
#include "base/text.h"
#include "etcd/messages.h"
#include "wire/grpc.h"

namespace snap::etcd {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint32_t kMaxMessageBytes = 4U << 20;
constexpr uint64_t kMaxPasswordBytes = 4096;
constexpr uint16_t kClientPort = 2379;

// Collects the answer of one unary call.
class Answer : public net::Receiver {
 public:
  void header(std::string_view name, std::string_view value) override {
    status_.header(name, value);
  }
  Result<void> data(Bytes bytes) override { return message_.feed(bytes); }
  void ended(Result<int> http_status) override {
    http_status_ = std::move(http_status);
    done_ = true;
  }

  bool done() const { return done_; }
  const GrpcStatus& status() const { return status_; }
  Result<std::string> take() {
    // A refusal may overtake the rest of the connection.
    if (status_.known() && !status_.ok()) return std::unexpected(status_.result().error());
    auto http_status = TRY(std::move(http_status_));
    if (http_status != 200) return std::unexpected(http_status_error(http_status));
    TRY(status_.result());
    return std::move(message_).finish();
  }

 private:
  wire::UnaryMessage message_{kMaxMessageBytes};
  GrpcStatus status_;
  Result<int> http_status_ = 0;
  bool done_ = false;
};

std::unexpected<Error> no_answer(const Call& call) {
  return fail(Code::timeout, "no answer within " + std::to_string(call.limit.count() / 1000) + " s",
              "the member is stopped, overloaded or blocked, for example by a defragmentation");
}

// A limit of the connection that ends at the same moment knows more: it is heard first.
constexpr std::chrono::milliseconds kConnectionFirst{250};

// One round: every call once, with `token`.
std::vector<Result<std::string>> round(const Session& session, const std::vector<Call>& calls,
                                       const std::string& token,
                                       std::vector<AuthProblem>& problems) {
  std::vector<Answer> answers(calls.size());
  std::vector<Result<std::string>> results(calls.size());
  std::vector<bool> open(calls.size(), false);
  auto begin = Clock::now();
  net::Loop loop;
  for (size_t i = 0; i < calls.size(); ++i) {
    auto request = session.request(calls[i].endpoint, calls[i].method, calls[i].message, token);
    auto started =
        request ? loop.start(*request, answers[i]) : Result<void>(std::unexpected(request.error()));
    open[i] = started.has_value();
    if (!started) results[i] = std::unexpected(started.error());
  }
  const auto& stop = session.config().stop;
  while (std::ranges::contains(open, true)) {
    loop.step(std::chrono::milliseconds(50));
    auto now = Clock::now();
    for (size_t i = 0; i < calls.size(); ++i) {
      if (!open[i]) continue;
      auto late = now - begin >= calls[i].limit + kConnectionFirst;
      open[i] = !answers[i].done() && !late && !stop.stop_requested();
      if (open[i]) continue;
      if (answers[i].done())
        results[i] = answers[i].take();
      else if (stop.stop_requested())
        results[i] = fail(Code::cancelled, "told to stop");
      else
        results[i] = no_answer(calls[i]);
      problems[i] = answers[i].status().auth_problem();
    }
  }
  return results;
}

}  // namespace

Result<net::Endpoint> parse(const std::string& endpoint, const ClientConfig& config) {
  return net::parse_endpoint(endpoint, kClientPort, !config.tls.empty());
}

Result<void> require_safe_password(const net::Endpoint& endpoint, const ClientConfig& config) {
  if (config.username.empty() || endpoint.tls || endpoint.is_local()) return {};
  return fail(Code::invalid, "endpoint " + endpoint.url() + ": the password would be sent in clear",
              "use https:// in front of the endpoint, or leave the user name out");
}

Result<net::Request> Session::request(const std::string& endpoint, const char* method,
                                      std::string_view message, const std::string& token) const {
  net::Request request;
  request.endpoint = TRY(parse(endpoint, config_));
  // A token is worth as much as the password for as long as it lives.
  TRY(require_safe_password(request.endpoint, config_));
  request.path = method;
  request.headers = {"content-type: application/grpc", "te: trailers"};
  if (!token.empty()) request.headers.push_back("token: " + token);
  request.body = wire::frame(message);
  request.tls = config_.tls;
  request.connect_timeout = config_.connect_timeout;
  return request;
}

std::string Session::token() {
  std::lock_guard lock(mutex_);
  return token_;
}

bool Session::refused() {
  std::lock_guard lock(mutex_);
  return refused_.has_value();
}

Result<std::string> Session::authenticate(const std::string& endpoint) {
  std::string password;
  if (!config_.password_file.empty()) {
    password = TRY(read_small_file(config_.password_file, kMaxPasswordBytes));
    while (password.ends_with('\n') || password.ends_with('\r')) password.pop_back();
  }
  std::vector<AuthProblem> problems(1);
  auto message = encode_authenticate_request(config_.username, password);
  auto answer = std::move(
      round(*this, {{endpoint, kAuthenticateMethod, std::move(message), config_.connect_timeout}},
            "", problems)[0]);
  auto bytes = TRY(std::move(answer).context("authenticate user " + escaped(config_.username)));
  return decode_token(bytes);
}

Result<bool> Session::renew(const std::string& used, const std::string& endpoint,
                            AuthProblem problem) {
  std::lock_guard lock(mutex_);
  if (problem == AuthProblem::none || config_.username.empty()) return false;
  if (token_ != used) return true;  // another call was faster
  // With a token, a missing permission is the answer to the question.
  if (problem == AuthProblem::no_permission && !used.empty()) return false;
  if (refused_) return std::unexpected(*refused_);
  auto token = authenticate(endpoint);
  if (!token) {
    // Another member may still answer what this one could not (a learner, a lost leader).
    if (token.error().message.contains("authentication failed")) refused_ = token.error();
    return std::unexpected(token.error());
  }
  token_ = *token;
  return true;
}

std::vector<Result<std::string>> Session::call(const std::vector<Call>& calls) {
  auto used = token();
  std::vector<AuthProblem> problems(calls.size());
  auto results = round(*this, calls, used, problems);
  std::vector<size_t> again;
  std::vector<Call> second;
  for (size_t i = 0; i < calls.size(); ++i) {
    auto renewed = renew(used, calls[i].endpoint, problems[i]);
    if (!renewed) results[i] = std::unexpected(renewed.error());
    if (!renewed || !*renewed) continue;
    again.push_back(i);
    second.push_back(calls[i]);
  }
  if (!second.empty()) {
    std::vector<AuthProblem> ignored(second.size());
    auto more = round(*this, second, token(), ignored);
    for (size_t k = 0; k < again.size(); ++k) results[again[k]] = std::move(more[k]);
  }
  for (size_t i = 0; i < calls.size(); ++i)
    if (!results[i]) results[i] = std::move(results[i]).context(redacted_url(calls[i].endpoint));
  return results;
}

Result<std::string> Session::call(const Call& call) {
  return std::move(this->call(std::vector{call})[0]);
}

}  // namespace snap::etcd
