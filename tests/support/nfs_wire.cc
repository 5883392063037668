#include "support/nfs_wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace snap::test {
namespace {

constexpr int kTickMs = 5;  // how soon the end is seen
constexpr uint32_t kNfs = 100003;
constexpr size_t kMaxMessageBytes = 8 << 20;

constexpr std::array<std::string_view, 22> kVersion3 = {
    "NULL",    "GETATTR",     "SETATTR", "LOOKUP", "ACCESS",   "READLINK", "READ",   "WRITE",
    "CREATE",  "MKDIR",       "SYMLINK", "MKNOD",  "REMOVE",   "RMDIR",    "RENAME", "LINK",
    "READDIR", "READDIRPLUS", "FSSTAT",  "FSINFO", "PATHCONF", "COMMIT"};

// Numbers and opaque bytes, as XDR has them; zero and empty past the end.
class Xdr {
 public:
  explicit Xdr(std::string_view bytes) : rest_(bytes) {}
  uint32_t number() {
    uint32_t value = 0;
    for (int i = 0; i < 4; ++i)
      value = value << 8 | (rest_.size() > static_cast<size_t>(i) ? uint8_t(rest_[size_t(i)]) : 0U);
    skip(4);
    return value;
  }
  void opaque() {
    auto size = number();
    skip((size_t{size} + 3) / 4 * 4);
  }
  void skip(size_t bytes) { rest_.remove_prefix(std::min(bytes, rest_.size())); }
  bool empty() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

// The first operation of a COMPOUND that does more than go to a place and look.
std::string name_of_compound(Xdr args) {
  args.opaque();  // tag
  args.number();  // minor version
  for (auto left = args.number(); left > 0 && !args.empty(); --left) {
    switch (args.number()) {
      case 22:  // PUTFH
      case 15:  // LOOKUP
        args.opaque();
        continue;
      case 10:  // GETFH
      case 24:  // PUTROOTFH
      case 31:  // RESTOREFH
      case 32:  // SAVEFH
        continue;
      case 3:  // ACCESS
        args.number();
        continue;
      case 9:  // GETATTR
        for (auto words = args.number(); words > 0 && !args.empty(); --words) args.number();
        continue;
      case 4: return "CLOSE";
      case 5: return "COMMIT";
      case 6: return "MKDIR";
      case 18: return "OPEN";
      case 25: return "READ";
      case 26: return "READDIR";
      case 28: return "REMOVE";
      case 29: return "RENAME";
      case 38: return "WRITE";
      default: return "OTHER";
    }
  }
  return "LOOK";
}

std::string name_of_call(std::string_view message) {
  Xdr call(message);
  call.skip(12);  // record mark, xid, "call"
  call.number();  // version of RPC
  auto program = call.number(), version = call.number(), procedure = call.number();
  for (int i = 0; i < 2; ++i) {  // credentials, verifier
    call.number();
    call.opaque();
  }
  if (program != kNfs) return "";
  if (version == 3) return procedure < kVersion3.size() ? std::string(kVersion3[procedure]) : "";
  return procedure == 1 ? name_of_compound(call) : "NULL";
}

uint32_t number_at(std::string_view message, size_t at) {
  return Xdr(message.substr(std::min(at, message.size()))).number();
}

// Length of the first whole message; 0: not all of it is there yet.
size_t whole_message(std::string_view bytes) {
  size_t end = 0;
  while (bytes.size() >= end + 4) {
    auto mark = number_at(bytes, end);
    end += 4 + (mark & 0x7fffffffU);
    if (end > kMaxMessageBytes) throw std::runtime_error("not an RPC message");
    if ((mark & 0x80000000U) != 0) return bytes.size() >= end ? end : 0;
  }
  return 0;
}

sockaddr_in loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool send_all(int fd, std::string_view bytes, const std::atomic<bool>& over) {
  while (!bytes.empty() && !over) {
    pollfd ready{fd, POLLOUT, 0};
    if (::poll(&ready, 1, kTickMs) <= 0) continue;
    auto n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN) return false;
    if (n > 0) bytes.remove_prefix(static_cast<size_t>(n));
  }
  return bytes.empty();
}

}  // namespace

struct NfsWire::Connection {
  Fd client, server;
  std::map<uint32_t, std::string> calls;  // names by xid; guarded by the wire's mutex
  std::atomic<bool> over = false;
  std::atomic<int> running = 2;
  std::thread up, down;
};

NfsWire::NfsWire(int server_port)
    : server_port_(server_port), judge_([](Message&) { return Fate::pass; }) {
  listener_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto address = loopback(0);
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_.get(), any, size) != 0 || ::listen(listener_.get(), 16) != 0 ||
      ::getsockname(listener_.get(), any, &size) != 0)
    throw std::runtime_error("no socket for the wire");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_loop(); });
}

NfsWire::~NfsWire() {
  ending_ = true;
  ::shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  for (auto& connection : all_) connection->over = true;
  for (auto& connection : all_) {
    if (connection->up.joinable()) connection->up.join();
    if (connection->down.joinable()) connection->down.join();
  }
}

void NfsWire::judge(Judge judge) {
  std::lock_guard lock(mutex_);
  judge_ = std::move(judge);
}

void NfsWire::accept_loop() {
  while (!ending_) {
    Fd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) continue;
    Fd server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    auto address = loopback(server_port_);
    // A server that refuses: the client sees an end.
    if (::connect(server.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      continue;
    int on = 1;
    for (auto fd : {client.get(), server.get()})
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto connection = std::make_unique<Connection>();
    auto& c = *connection;
    c.client = std::move(client);
    c.server = std::move(server);
    std::lock_guard lock(mutex_);
    all_.push_back(std::move(connection));
    c.up = std::thread([this, &c] { pump(c, false); });
    c.down = std::thread([this, &c] { pump(c, true); });
  }
}

NfsWire::Fate NfsWire::decide(Connection& connection, bool reply, std::string& bytes) {
  std::lock_guard lock(mutex_);
  auto& what = connection.calls[number_at(bytes, 4)];
  if (!reply) what = name_of_call(bytes);
  Message message{reply, what, ++counted_[{what, reply}], bytes};
  return judge_(message);
}

void NfsWire::pump(Connection& connection, bool replies) {
  int from = replies ? connection.server.get() : connection.client.get();
  int to = replies ? connection.client.get() : connection.server.get();
  std::string pending, held;
  std::array<char, 65536> buffer;
  while (!connection.over) {
    pollfd ready{from, POLLIN, 0};
    if (::poll(&ready, 1, kTickMs) <= 0) continue;
    auto n = ::recv(from, buffer.data(), buffer.size(), 0);
    if (n <= 0) break;
    pending.append(buffer.data(), static_cast<size_t>(n));
    while (auto size = connection.over ? 0 : whole_message(pending)) {
      auto message = pending.substr(0, size);
      pending.erase(0, size);
      auto fate = decide(connection, replies, message);
      if (fate == Fate::cut) connection.over = true;
      if (fate == Fate::hold) held += message;
      if (fate != Fate::pass) continue;
      if (!send_all(to, message + std::exchange(held, {}), connection.over)) connection.over = true;
    }
  }
  connection.over = true;
  if (--connection.running > 0) return;
  // The last of the two closes both, with a reset: something may be lost, so it is no orderly end.
  linger on = {.l_onoff = 1, .l_linger = 0};
  for (auto* fd : {&connection.client, &connection.server}) {
    ::setsockopt(fd->get(), SOL_SOCKET, SO_LINGER, &on, sizeof on);
    *fd = Fd();
  }
}

}  // namespace snap::test
