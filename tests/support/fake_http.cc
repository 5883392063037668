#include "support/fake_http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <format>
#include <stdexcept>

#include "base/names.h"
#include "base/text.h"
#include "base/time.h"
#include "support/process.h"

namespace snap::test {
namespace {

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    auto n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

// Reads messages of one connection: a head, then as much body as it announces.
class Reader {
 public:
  explicit Reader(int fd) : fd_(fd) {}

  std::optional<std::string> head() {
    while (true) {
      auto end = buffer_.find("\r\n\r\n");
      if (end != buffer_.npos) {
        auto head = buffer_.substr(0, end + 2);
        buffer_.erase(0, end + 4);
        return head;
      }
      if (!more()) return {};
    }
  }

  std::optional<std::string> body(size_t bytes) {
    while (buffer_.size() < bytes)
      if (!more()) return {};
    auto body = buffer_.substr(0, bytes);
    buffer_.erase(0, bytes);
    return body;
  }

  std::string rest() {
    while (more()) {
    }
    return std::move(buffer_);
  }

 private:
  bool more() {
    std::array<char, 65536> bytes;
    auto n = ::recv(fd_, bytes.data(), bytes.size(), 0);
    if (n > 0) buffer_.append(bytes.data(), static_cast<size_t>(n));
    return n > 0;
  }

  int fd_;
  std::string buffer_;
};

// The lines behind the first.
std::map<std::string, std::string> read_headers(const std::string& head) {
  std::map<std::string, std::string> headers;
  for (const auto& line : split(head, '\n')) {
    auto colon = line.find(':');
    if (colon != line.npos)
      headers[lower_case(line.substr(0, colon))] = trim(line.substr(colon + 1));
  }
  return headers;
}

size_t length_of(const std::map<std::string, std::string>& headers) {
  auto found = headers.find("content-length");
  return found == headers.end() ? 0 : std::stoul(found->second);
}

sockaddr_in loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

}  // namespace

FakeHttp::FakeHttp(Script script, int upstream, Rewrite rewrite)
    : script_(std::move(script)),
      rewrite_(std::move(rewrite)),
      upstream_(upstream),
      port_(free_ports(1)[0]),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  int on = 1;
  ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  auto address = loopback(port_);
  if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_.get(), 64) != 0)
    throw std::runtime_error("the fake HTTP server cannot listen");
  acceptor_ = std::thread([this] {
    while (true) {
      int client = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) return;
      std::lock_guard lock(mutex_);
      clients_.emplace_back(client);
      threads_.emplace_back([this, client] { serve(client); });
      if (ending_) ::shutdown(client, SHUT_RDWR);
    }
  });
}

FakeHttp::~FakeHttp() {
  ending_ = true;
  ::shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  {
    std::lock_guard lock(mutex_);
    for (const auto& client : clients_) ::shutdown(client.get(), SHUT_RDWR);
  }
  for (auto& thread : threads_) thread.join();
}

std::vector<FakeRequest> FakeHttp::requests() const {
  std::lock_guard lock(mutex_);
  return seen_;
}

size_t FakeHttp::count(const std::string& method, const std::string& part_of_target) const {
  std::lock_guard lock(mutex_);
  return static_cast<size_t>(
      std::ranges::count_if(seen_, [&](const auto& r) { return r.is(method, part_of_target); }));
}

FakeReply FakeHttp::ask_upstream(const FakeRequest& request) const {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto address = loopback(upstream_);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return {.cut = true};
  auto text = std::format("{} {} HTTP/1.1\r\n", request.method, request.target);
  for (const auto& [name, value] : request.headers)
    if (name != "connection") text += name + ": " + value + "\r\n";
  if (!send_all(fd.get(), text + "connection: close\r\n\r\n") || !send_all(fd.get(), request.body))
    return {.cut = true};
  Reader reader(fd.get());
  auto head = reader.head();
  if (!head) return {.cut = true};
  FakeReply reply{.status = std::stoi(head->substr(9, 3))};
  auto headers = read_headers(*head);
  for (const auto& [name, value] : headers) {
    if (name != "connection" && name != "transfer-encoding" &&
        (name != "content-length" || request.method == "HEAD"))
      reply.headers.push_back(name + ": " + value);
  }
  if (request.method == "HEAD") return reply;
  if (headers.contains("content-length")) {
    reply.body = reader.body(length_of(headers)).value_or("");
    return reply;
  }
  auto chunked = reader.rest();  // chunks, each with its size in a line before it
  for (size_t at = 0; at < chunked.size();) {
    auto size = std::stoul(chunked.substr(at), nullptr, 16);
    at = chunked.find("\r\n", at) + 2;
    reply.body += chunked.substr(at, size);
    at += size + 2;
    if (size == 0) break;
  }
  return reply;
}

void FakeHttp::serve(int client) {
  Reader reader(client);
  while (auto head = reader.head()) {
    FakeRequest request;
    auto words = split(*head, ' ');
    request.method = words[0];
    request.target = words.at(1);
    request.headers = read_headers(*head);
    auto body = reader.body(length_of(request.headers));
    if (!body) break;
    {
      std::lock_guard lock(mutex_);
      seen_.push_back(request);
    }
    request.body = std::move(*body);
    auto scripted = script_ ? script_(request) : std::nullopt;
    auto reply = scripted ? *scripted : ask_upstream(request);
    if (!scripted && rewrite_) rewrite_(request, reply);
    if (reply.cut) break;
    if (reply.silent) continue;
    auto text = std::format("HTTP/1.1 {} Said\r\n", reply.status);
    for (const auto& header : reply.headers) text += header + "\r\n";
    bool has_date = std::ranges::any_of(
        reply.headers, [](const auto& h) { return lower_case(h).starts_with("date:"); });
    if (!has_date) text += std::format("Date: {:%a, %d %b %Y %H:%M:%S} GMT\r\n", now_utc());
    if (request.method != "HEAD") text += std::format("Content-Length: {}\r\n", reply.body.size());
    text += "\r\n";
    if (request.method != "HEAD")
      text += reply.body.substr(0, reply.body_bytes.value_or(reply.body.size()));
    if (!send_all(client, text) || reply.body_bytes) break;
  }
  ::shutdown(client, SHUT_RDWR);
}

}  // namespace snap::test
