// The proxy does to a connection what it was told, at the byte it was told.
#include "support/proxy.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "support/process.h"

namespace snap::test {
namespace {

using namespace std::chrono_literals;

constexpr size_t kSize = 100'000;

// Sends kSize bytes 'a' to everyone who connects, then reads to the end.
class Giver {
 public:
  Giver() {
    listener_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_.get(), generic, size) != 0 || ::listen(listener_.get(), 8) != 0 ||
        ::getsockname(listener_.get(), generic, &size) != 0)
      throw std::runtime_error("no socket");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      for (;;) {
        Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!fd) return;
        std::string data(kSize, 'a');
        for (size_t at = 0; at < data.size();) {
          auto n = ::send(fd.get(), data.data() + at, data.size() - at, MSG_NOSIGNAL);
          if (n <= 0) break;
          at += static_cast<size_t>(n);
        }
        ::shutdown(fd.get(), SHUT_WR);
        std::array<char, 1000> rest;
        for (ssize_t n; (n = ::recv(fd.get(), rest.data(), rest.size(), 0)) > 0;)
          received_ += static_cast<size_t>(n);
      }
    });
  }
  ~Giver() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  size_t received() const { return received_; }

 private:
  Fd listener_;
  int port_ = 0;
  std::atomic<size_t> received_ = 0;
  std::thread thread_;
};

struct Received {
  std::string bytes;
  bool reset = false;
};

Fd connect_to(const Proxy& proxy) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(proxy.port()));
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return fd;
}

Received take(const Fd& fd) {
  Received received;
  std::array<char, 5000> buffer;
  for (;;) {
    auto n = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
    received.reset = n < 0 && errno == ECONNRESET;
    if (n <= 0) return received;
    received.bytes.append(buffer.data(), static_cast<size_t>(n));
  }
}

Received take(const Proxy& proxy) { return take(connect_to(proxy)); }

TEST(Proxy, PassesEverythingOn) {
  Giver giver;
  Proxy proxy(giver.address());
  EXPECT_EQ(take(proxy).bytes, std::string(kSize, 'a'));
  EXPECT_EQ(proxy.bytes_to_client(), kSize);
  EXPECT_EQ(proxy.recorded(0).size(), kSize);
  EXPECT_EQ(proxy.connections(), 1);
}

TEST(Proxy, CutsAtTheByte) {
  Giver giver;
  Proxy proxy(giver.address());
  for (uint64_t at : {0UL, 1UL, 16384UL, 54321UL}) {
    proxy.play({.to_client = {.fin_at = at}});
    auto ended = take(proxy);
    EXPECT_EQ(ended.bytes.size(), at);
    EXPECT_FALSE(ended.reset);
    proxy.play({.to_client = {.reset_at = at}});
    auto reset = take(proxy);
    EXPECT_LE(reset.bytes.size(), at);  // a reset may overtake what was on its way
    EXPECT_TRUE(reset.reset);
  }
  EXPECT_EQ(proxy.cuts(), 8);
}

TEST(Proxy, FlipsOneBit) {
  Giver giver;
  Proxy proxy(giver.address());
  proxy.play({.to_client = {.flip_at = 70'000}});
  std::string expected(kSize, 'a');
  expected[70'000] ^= 1;
  EXPECT_EQ(take(proxy).bytes, expected);
  EXPECT_EQ(proxy.flips(), 1);
}

TEST(Proxy, StallsUntilItIsReleased) {
  Giver giver;
  Proxy proxy(giver.address());
  proxy.play({.to_client = {.stall_at = 33'000}});
  auto fd = connect_to(proxy);
  ASSERT_TRUE(wait_until([&] { return proxy.stalled() == 1; }));
  EXPECT_EQ(proxy.bytes_to_client(), 33'000U);
  proxy.release();
  EXPECT_EQ(take(fd).bytes.size(), kSize);
  EXPECT_EQ(proxy.stalled(), 0);
}

TEST(Proxy, FreezesAndCutsWhatIsOpen) {
  Giver giver;
  Proxy proxy(giver.address());
  proxy.freeze();
  {
    auto fd = connect_to(proxy);
    ASSERT_TRUE(wait_until([&] { return proxy.connections() == 1; }));
    pollfd ready{fd.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&ready, 1, 50), 0) << "something came";
    proxy.thaw();
    EXPECT_EQ(take(fd).bytes.size(), kSize);
  }
  proxy.play({.to_client = {.stall_at = 10}});
  auto other = connect_to(proxy);
  ASSERT_TRUE(wait_until([&] { return proxy.stalled() == 1; }));
  proxy.cut_all();
  EXPECT_TRUE(take(other).reset);
}

TEST(Proxy, DropsOneDirection) {
  Giver giver;
  Proxy proxy(giver.address());
  proxy.play({.to_server = {.drop = true}});
  {
    auto fd = connect_to(proxy);
    ASSERT_EQ(::send(fd.get(), "hello", 5, MSG_NOSIGNAL), 5);
    ASSERT_TRUE(wait_until([&] { return proxy.bytes_to_server() == 5; }));
    EXPECT_EQ(take(fd).bytes.size(), kSize);
  }
  EXPECT_EQ(giver.received(), 0U);
}

TEST(Proxy, ThrottlesAndDelays) {
  Giver giver;
  Proxy proxy(giver.address());
  proxy.play([](int number) {
    return number == 0 ? ProxyScript{.to_client = {.bytes_per_second = 200'000}}
                       : ProxyScript{.to_client = {.delay = 300ms}};
  });
  for (auto least : {400ms, 300ms}) {
    auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(take(proxy).bytes.size(), kSize);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, least);
  }
}

TEST(Proxy, PassesARefusalOn) {
  Proxy proxy("127.0.0.1:" + std::to_string(free_ports(1)[0]));
  EXPECT_EQ(take(proxy).bytes, "");
  Proxy http("http://127.0.0.1:80");
  EXPECT_EQ(http.url(), "http://127.0.0.1:" + std::to_string(http.port()));
}

}  // namespace
}  // namespace snap::test
