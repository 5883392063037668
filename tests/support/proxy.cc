#include "support/proxy.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "base/handle.h"

namespace snap::test {
namespace {

using Clock = std::chrono::steady_clock;
using Addresses = Handle<addrinfo, &freeaddrinfo>;

constexpr size_t kBlockBytes = 16384;
constexpr size_t kRecordBytes = 1 << 20;
constexpr auto kTick = std::chrono::milliseconds(5);  // how soon flags are seen
constexpr uint64_t kSlicesPerSecond = 20;             // of a throttled line

Addresses resolve(const std::string& host, int port) {
  addrinfo hints = {};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0)
    throw std::runtime_error("no address: " + host);
  return Addresses(found);
}

void without_delay(int fd) {
  int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

struct Proxy::Line {
  int from = -1, to = -1;
  LineScript script;
  std::atomic<uint64_t>* total = nullptr;
  uint64_t done = 0;  // bytes
  bool to_client = false;
};

struct Proxy::Connection {
  Fd client, server;
  Line up, down;
  std::string record;  // guarded by mutex_ of the proxy
  int number = 0;
  std::atomic<bool> over = false;     // both lines end at once
  std::atomic<bool> discard = false;  // what still comes goes nowhere
  std::thread up_thread, down_thread;
  std::atomic<int> running = 2;
  std::atomic<bool> reset = false;
};

Proxy::Proxy(const std::string& target, const std::string& listen) : listen_(listen) {
  auto rest = target;
  if (auto at = rest.find("://"); at != rest.npos) {
    scheme_ = rest.substr(0, at + 3);
    rest = rest.substr(at + 3);
  }
  auto colon = rest.rfind(':');
  host_ = rest.substr(0, colon);
  if (host_.starts_with('[')) host_ = host_.substr(1, host_.size() - 2);
  target_port_ = std::stoi(rest.substr(colon + 1));

  auto address = resolve(listen_, 0);
  listener_ = Fd(::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage bound = {};
  socklen_t size = sizeof bound;
  if (::bind(listener_.get(), address->ai_addr, address->ai_addrlen) != 0 ||
      ::listen(listener_.get(), 128) != 0 ||
      ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0)
    throw std::runtime_error("no socket for the proxy on " + listen_);
  port_ = ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(bound).sin6_port
                                            : reinterpret_cast<sockaddr_in&>(bound).sin_port);
  play(ProxyScript());
  acceptor_ = std::thread([this] { accept_loop(); });
}

Proxy::~Proxy() {
  ending_ = true;
  ::shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  for (auto& connection : open_) {
    if (connection->up_thread.joinable()) connection->up_thread.join();
    if (connection->down_thread.joinable()) connection->down_thread.join();
  }
}

std::string Proxy::url() const {
  auto host = listen_.contains(':') ? "[" + listen_ + "]" : listen_;
  return scheme_ + host + ":" + std::to_string(port_);
}

void Proxy::play(ProxyScript script) {
  play([script](int) { return script; });
}

void Proxy::play(std::function<ProxyScript(int)> script) {
  std::lock_guard lock(mutex_);
  script_ = std::move(script);
}

void Proxy::release() { ++released_; }

void Proxy::cut_all() {
  std::lock_guard lock(mutex_);
  for (auto& connection : open_) {
    connection->reset = true;
    connection->over = true;
  }
}

std::string Proxy::recorded(int connection) const {
  std::lock_guard lock(mutex_);
  for (const auto& one : open_)
    if (one->number == connection) return one->record;
  return "";
}

void Proxy::accept_loop() {
  while (!ending_) {
    int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) begin(fd, accepted_++);
  }
}

int Proxy::connect() const {
  auto address = resolve(host_, target_port_);
  int fd = ::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && ::connect(fd, address->ai_addr, address->ai_addrlen) == 0) return fd;
  if (fd >= 0) ::close(fd);
  return -1;
}

void Proxy::begin(int client, int number) {
  auto connection = std::make_unique<Connection>();
  auto& c = *connection;
  c.number = number;
  c.client = Fd(client);
  c.server = Fd(connect());
  if (!c.server) return;  // closes the client's: the target refused
  without_delay(c.client.get());
  without_delay(c.server.get());
  std::lock_guard lock(mutex_);
  auto script = script_(number);
  c.up = {c.client.get(), c.server.get(), script.to_server, &bytes_to_server_, 0, false};
  c.down = {c.server.get(), c.client.get(), script.to_client, &bytes_to_client_, 0, true};
  open_.push_back(std::move(connection));
  c.up_thread = std::thread([this, &c] { pump(c, c.up); });
  c.down_thread = std::thread([this, &c] { pump(c, c.down); });
}

// Waits while `wait` holds; false when the connection is over.
bool Proxy::hold(Connection& connection, const std::function<bool()>& wait) {
  while (!ending_ && !connection.over && wait()) std::this_thread::sleep_for(kTick);
  return !ending_ && !connection.over;
}

void Proxy::pump(Connection& connection, Line& line) {
  std::array<char, kBlockBytes> buffer;
  auto rate = line.script.bytes_per_second;
  auto slice =
      rate == 0 ? buffer.size() : std::clamp<size_t>(rate / kSlicesPerSecond, 1, buffer.size());
  for (bool open = true; open && hold(connection, [this] { return frozen_.load(); });) {
    pollfd ready{line.from, POLLIN, 0};
    if (::poll(&ready, 1, static_cast<int>(kTick.count())) <= 0) continue;
    auto n = ::recv(line.from, buffer.data(), slice, 0);
    if (n <= 0) {
      // One end closed in order or with a reset: the other learns it in the same way.
      if (n < 0) connection.reset = connection.over = true;
      if (n == 0) ::shutdown(line.to, SHUT_WR);
      break;
    }
    if (line.done == 0 && line.script.delay.count() > 0) {
      auto until = Clock::now() + line.script.delay;
      hold(connection, [until] { return Clock::now() < until; });
    }
    open = deliver(connection, line, {buffer.data(), static_cast<size_t>(n)});
    if (rate > 0) {
      auto until =
          Clock::now() + std::chrono::microseconds(static_cast<uint64_t>(n) * 1'000'000 / rate);
      hold(connection, [until] { return Clock::now() < until; });
    }
  }
  if (--connection.running > 0) return;
  // The last of the two closes both: with SO_LINGER 0 that is a reset.
  linger on = {.l_onoff = connection.reset ? 1 : 0, .l_linger = 0};
  for (auto* fd : {&connection.client, &connection.server}) {
    ::setsockopt(fd->get(), SOL_SOCKET, SO_LINGER, &on, sizeof on);
    *fd = Fd();
  }
}

// What was read, with the faults that fall into it. False: the line ends.
bool Proxy::deliver(Connection& connection, Line& line, std::string bytes) {
  if (connection.discard) return true;
  auto& script = line.script;
  auto begin = line.done, end = begin + bytes.size();
  if (script.flip_at && *script.flip_at >= begin && *script.flip_at < end) {
    bytes[*script.flip_at - begin] ^= 1;
    ++flips_;
  }
  std::string_view rest = bytes;
  if (script.stall_at && *script.stall_at <= end) {
    auto first = rest.substr(0, *script.stall_at - std::min(*script.stall_at, begin));
    rest.remove_prefix(first.size());
    script.stall_at.reset();
    if (!send_all(connection, line, first)) return false;
    auto before = released_.load();
    ++stalled_;
    bool goes_on = hold(connection, [&] { return released_ == before; });
    --stalled_;
    if (!goes_on) return false;
  }
  for (auto [at, reset] : {std::pair(script.fin_at, false), std::pair(script.reset_at, true)}) {
    if (!at || *at > end) continue;
    auto left = rest.substr(0, *at - std::min(*at, line.done));
    if (send_all(connection, line, left)) cut(connection, line, reset);
    return !reset && !connection.over;
  }
  return send_all(connection, line, rest);
}

void Proxy::cut(Connection& connection, Line& line, bool reset) {
  ++cuts_;
  if (reset) {
    connection.reset = true;
    connection.over = true;
    return;
  }
  // Both see an end. What they still send is read: to close with bytes unread would be a reset.
  connection.discard = true;
  ::shutdown(line.to, SHUT_WR);
  ::shutdown(line.from, SHUT_WR);
}

bool Proxy::send_all(Connection& connection, Line& line, std::string_view bytes) {
  if (line.to_client) {
    std::lock_guard lock(mutex_);
    connection.record +=
        bytes.substr(0, kRecordBytes - std::min(kRecordBytes, connection.record.size()));
  }
  for (std::string_view rest = line.script.drop ? "" : bytes; !rest.empty();) {
    if (!hold(connection, [this] { return frozen_.load(); })) return false;
    pollfd ready{line.to, POLLOUT, 0};
    if (::poll(&ready, 1, static_cast<int>(kTick.count())) <= 0) continue;
    auto n = ::send(line.to, rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN) return false;
    if (n > 0) rest.remove_prefix(static_cast<size_t>(n));
  }
  line.done += bytes.size();
  *line.total += bytes.size();
  return true;
}

}  // namespace snap::test
