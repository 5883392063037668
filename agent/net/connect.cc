#include "net/connect.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <format>

#include "base/handle.h"
#include "base/text.h"
#include "net/resolve.h"

namespace snap::net {
namespace {

using Clock = std::chrono::steady_clock;
using Addresses = Handle<addrinfo, &::freeaddrinfo>;

// Waits until the socket is connected; 0, or why it is not.
int wait_connected(int fd, Clock::time_point end, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (Clock::now() >= end) return ETIMEDOUT;
    pollfd waiting{fd, POLLOUT, 0};
    if (::poll(&waiting, 1, 50) <= 0) continue;
    int reason = 0;
    socklen_t size = sizeof reason;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &reason, &size);
    return reason;
  }
  return ECANCELED;
}

// A connection to one numeric address, or errno.
std::expected<Fd, int> connect_one(const std::string& address, uint16_t port, Clock::time_point end,
                                   const std::stop_token& stop) {
  addrinfo hints{.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
  addrinfo* list = nullptr;
  auto service = std::to_string(port);
  if (::getaddrinfo(address.c_str(), service.c_str(), &hints, &list) != 0)
    return std::unexpected(EADDRNOTAVAIL);
  Addresses addresses(list);
  Fd fd(::socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return std::unexpected(errno);
  int one = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  int reason = ::connect(fd.get(), list->ai_addr, list->ai_addrlen) == 0 ? 0 : errno;
  if (reason == EINPROGRESS) reason = wait_connected(fd.get(), end, stop);
  if (reason != 0) return std::unexpected(reason);
  ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) & ~O_NONBLOCK);
  return fd;
}

}  // namespace

Result<Fd> connect_tcp(const std::string& host, uint16_t port, std::chrono::milliseconds limit,
                       const std::stop_token& stop) {
  auto end = Clock::now() + limit;
  auto addresses = TRY(resolve(host, limit, stop));
  int reason = ETIMEDOUT;
  for (size_t i = 0; i < addresses.size(); ++i) {
    // An address that stays silent must leave time for the others.
    auto left = end - Clock::now();
    auto share = Clock::now() + left / static_cast<int>(addresses.size() - i);
    auto connected = connect_one(addresses[i], port, share, stop);
    if (connected) return std::move(*connected);
    reason = connected.error();
    if (reason == ECANCELED) return fail(Code::cancelled, "interrupted");
  }
  auto where = std::format("{}:{}", escaped(host), port);
  if (reason == ETIMEDOUT)
    return fail(Code::timeout,
                std::format("connect to {}: no answer for {}", where,
                            human_duration(std::chrono::ceil<std::chrono::seconds>(limit))),
                "is the host up, is a firewall in between");
  if (reason == EMFILE || reason == ENFILE)
    return fail_errno(reason, std::format("connect to {}", where));
  return fail(Code::unavailable, std::format("connect to {}: {}", where, ::strerror(reason)),
              reason == ECONNREFUSED ? "is the server running, is the port right" : "");
}

}  // namespace snap::net
