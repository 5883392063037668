#include "support/listener.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <stdexcept>
#include <tuple>

namespace snap::test {
namespace {

Fd make() { return Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

}  // namespace

Listener::Listener(bool full) : fd_(make()) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd_.get(), any, size) != 0 || ::listen(fd_.get(), full ? 0 : 100) != 0 ||
      ::getsockname(fd_.get(), any, &size) != 0)
    throw std::runtime_error("no listener");
  port_ = ntohs(address.sin_port);
  for (auto& fd : filling_) {
    if (!full) break;
    fd = make();
    std::ignore = ::connect(fd.get(), any, size);
  }
}

}  // namespace snap::test
