#include "jobs/push.h"

#include <algorithm>
#include <format>
#include <stop_token>
#include <thread>

#include "base/encode.h"
#include "base/text.h"
#include "net/backoff.h"
#include "net/http1.h"

namespace snap::jobs {
namespace {

constexpr size_t kMaxAnswerBytes = 64UL * 1024;
constexpr size_t kMaxReasonBytes = 300;

struct Server {
  net::Endpoint endpoint;
  std::string path;  // "" or "/prefix"
};

Result<Server> server_of(const std::string& url) {
  auto start = url.find("://");
  start = start == std::string::npos ? 0 : start + 3;
  auto slash = std::min(url.find('/', start), url.size());
  bool tls = url.starts_with("https:");
  return Server{TRY(net::parse_endpoint(url.substr(0, slash), tls ? 443 : 80, tls)),
                url.substr(slash)};
}

// One exchange, ended after `limit` at the latest: also where a server sends a byte now and then.
Result<net::Http1Reply> ask(net::Http1Request request, std::chrono::milliseconds limit) {
  std::stop_source ended;
  std::jthread watch([&ended, limit](const std::stop_token& done) {
    if (net::pause(limit, done)) ended.request_stop();
  });
  net::Http1Client client({.connect = limit / 2, .stop = ended.get_token()});
  request.stall = limit;
  auto reply = client.ask(request, kMaxAnswerBytes);
  if (!reply && reply.error().code == Code::cancelled)
    return fail(Code::timeout, std::format("no answer within {} s", limit.count() / 1000),
                "is the Pushgateway overloaded?");
  return reply;
}

Result<void> exchange(const std::string& url, const std::string& target, net::Http1Request request,
                      std::chrono::milliseconds limit) {
  auto server = TRY(server_of(url));
  request.endpoint = server.endpoint;
  request.target = server.path + target;
  auto reply = TRY(ask(std::move(request), limit));
  if (reply.head.status >= 200 && reply.head.status < 300) return {};
  auto reason = trim(std::string_view(reply.body).substr(0, kMaxReasonBytes));
  return fail(reply.head.status >= 500 ? Code::unavailable : Code::invalid,
              std::format("it answers {}{}{}", reply.head.status, reason.empty() ? "" : ": ",
                          escaped(reason)),
              "is a Pushgateway at this address?");
}

}  // namespace

std::string grouping_path(const std::vector<std::pair<std::string, std::string>>& labels) {
  std::string path = "/metrics/job/etcd-snapshot";
  for (const auto& [name, value] : labels) {
    // A slash cannot be escaped there, and an empty part would be lost.
    bool plain = !value.empty() && !value.contains('/');
    path += plain ? std::format("/{}/{}", name, percent_encoded(value))
                  : std::format("/{}@base64/{}", name,
                                value.empty() ? "=" : base64url(as_bytes(value)));
  }
  return path;
}

Result<void> push_metrics(const std::string& url, const Push& push,
                          std::chrono::milliseconds limit) {
  return exchange(url, grouping_path(push.labels),
                  {.method = push.replace_all ? "PUT" : "POST",
                   .headers = {"content-type: text/plain; version=0.0.4; charset=utf-8"},
                   .body = as_bytes(push.text)},
                  limit)
      .context(std::format("push metrics to {}", redacted_url(url)));
}

Result<void> ask_pushgateway(const std::string& url, std::chrono::milliseconds limit) {
  return exchange(url, "/-/ready", {.method = "GET"}, limit)
      .context(std::format("ask {}", redacted_url(url)));
}

}  // namespace snap::jobs
