#include "faults/net_space.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <future>
#include <stdexcept>

namespace snap::faults {
namespace {

constexpr auto kSetUp =
    "ip link set lo up && ip link add hole type veth peer name end && ip link set end up && "
    "ip addr add 10.77.0.1/24 dev hole && ip link set hole arp off up && : >\"$0\" && "
    "exec sleep 1000";

constexpr auto kOwnResolver =
    "mount --make-rprivate / 2>/dev/null || :\n"
    "mount --bind \"$0\" /etc/resolv.conf\nexec \"$@\"";

// A socket lives in the network of the thread that made it; only a thread of its own may move.
Fd socket_in(const std::string& net) {
  return std::async(
             std::launch::async,
             [&net] {
               Fd space(::open(net.c_str(), O_RDONLY | O_CLOEXEC));
               if (!space || ::setns(space.get(), CLONE_NEWNET) != 0) return Fd();
               Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
               sockaddr_in address = {};
               address.sin_family = AF_INET;
               address.sin_port = htons(53);
               address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
               if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
                 return Fd();
               return fd;
             })
      .get();
}

}  // namespace

NetSpace::NetSpace() {
  auto ready = directory_.path("ready");
  auto log = directory_.path("log");
  holder_ =
      test::Process({.argv = {"unshare", "--net", "sh", "-c", kSetUp, ready}, .output_file = log});
  if (!test::wait_until([&] { return std::filesystem::exists(ready); }))
    throw std::runtime_error("no network namespace: needs root and the ip command");
  test::write_file(directory_.path("resolv.conf"),
                   "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n");
  socket_ = socket_in("/proc/" + std::to_string(holder_.pid()) + "/ns/net");
  if (!socket_) throw std::runtime_error("no resolver in the network namespace");
  resolver_ = std::thread([this] { answer_questions(); });
}

NetSpace::~NetSpace() {
  ending_ = true;
  resolver_.join();
}

std::vector<std::string> NetSpace::launcher() const {
  return {"nsenter", "--net=/proc/" + std::to_string(holder_.pid()) + "/ns/net"};
}

std::vector<std::string> NetSpace::launcher_with_names() const {
  auto command = launcher();
  // Below a chroot "/" is no mount point: who made that has made its mounts private already.
  command.insert(command.end(), {"unshare", "--mount", "--propagation", "unchanged", "sh", "-euc",
                                 kOwnResolver, directory_.path("resolv.conf")});
  return command;
}

void NetSpace::answer_questions() {
  std::array<char, 1500> message;
  while (!ending_) {
    pollfd ready{socket_.get(), POLLIN, 0};
    if (::poll(&ready, 1, 50) <= 0) continue;
    sockaddr_in from = {};
    socklen_t size = sizeof from;
    auto* generic = reinterpret_cast<sockaddr*>(&from);
    auto n = ::recvfrom(socket_.get(), message.data(), message.size(), 0, generic, &size);
    // Header of 12 bytes, then the name: a length and that many letters. RFC 1035, section 4.1.
    if (n < 16) continue;
    ++questions_;
    if (message[13] != 'n' || message[14] != 'x') continue;
    message[2] = static_cast<char>(0x81);  // an answer, recursion desired
    message[3] = static_cast<char>(0x83);  // recursion available, NXDOMAIN
    std::ignore = ::sendto(socket_.get(), message.data(), static_cast<size_t>(n), 0, generic, size);
  }
}

}  // namespace snap::faults
