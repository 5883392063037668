#include "support/fake_grpc.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <random>
#include <stdexcept>

#include "stream/sha256.h"
#include "support/http2_frames.h"
#include "wire/grpc.h"
#include "wire/protobuf.h"

namespace snap::test {
namespace {

using Ending = SnapshotScript::Ending;

struct Closed {};  // the connection is over, wanted or not

std::string response_header(const FakeMember& member) {
  return wire::Writer()
      .number(1, member.cluster_id)
      .number(2, member.member_id)
      .number(3, member.revision)
      .number(4, member.term)
      .text();
}

}  // namespace

std::string snapshot_message(uint64_t remaining, const std::string& blob,
                             const std::string& version) {
  return wire::frame(wire::Writer().number(2, remaining).bytes(3, blob).bytes(4, version).text());
}

std::string snapshot_data(const std::string& database, size_t piece_bytes) {
  std::string out;
  for (size_t at = 0; at < database.size(); at += piece_bytes) {
    auto blob = database.substr(at, piece_bytes);
    out += snapshot_message(database.size() - at - blob.size(), blob, "3.6.0");
  }
  return out;
}

std::string snapshot_body(const std::string& database, size_t piece_bytes) {
  auto digest = stream::sha256(as_bytes(database));
  return snapshot_data(database, piece_bytes) +
         snapshot_message(0, std::string(as_text(digest)), "3.6.0");
}

std::string some_database(size_t size_bytes) {
  std::string out(size_bytes / 4096 * 4096, '\0');
  std::mt19937 random(7);
  for (auto& c : out) c = static_cast<char>(random());
  return out;
}

// One connection, on a thread of its own. Closed is thrown where nothing more can be said.
class FakeConnection {
 public:
  FakeConnection(FakeGrpc& server, int fd) : server_(server), fd_(fd) {}

  void run() {
    try {
      auto path = request();
      {
        std::lock_guard lock(server_.mutex_);
        ++server_.requests_[path.substr(path.rfind('/') + 1)];
      }
      if (path.ends_with("/Snapshot"))
        play(server_.script());
      else if (path.ends_with("/HashKV"))
        answer_hash_kv(server_.script().hash_kv);
      else
        answer(server_.unary_answer(path));
      for (;;) take_frame();  // until the client closes
    } catch (const Closed&) {
      return;
    }
  }

 private:
  void send_raw(std::string bytes) {
    if (holding_) {
      held_ += bytes;
      return;
    }
    auto cut = cut_after_ && sent_ + bytes.size() >= *cut_after_;
    if (cut) bytes.resize(*cut_after_ - sent_);
    for (size_t at = 0; at < bytes.size();) {
      auto n = ::send(fd_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
      if (n <= 0) throw Closed();
      at += static_cast<size_t>(n);
    }
    sent_ += bytes.size();
    if (cut) close_now(cut_by_reset_);
  }

  [[noreturn]] void close_now(bool reset) {
    linger on = {.l_onoff = reset ? 1 : 0, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &on, sizeof on);
    if (reset) throw Closed();
    // Closing with bytes unread would turn the end into a reset: read until the client closes.
    ::shutdown(fd_, SHUT_WR);
    for (std::array<char, 4096> rest; ::recv(fd_, rest.data(), rest.size(), 0) > 0;) {
    }
    throw Closed();
  }

  std::string read_exactly(size_t size) {
    std::string out(size, '\0');
    for (size_t at = 0; at < size;) {
      auto n = ::recv(fd_, out.data() + at, size - at, 0);
      if (n <= 0) throw Closed();
      at += static_cast<size_t>(n);
    }
    return out;
  }

  uint32_t number(const std::string& bytes, size_t at) {
    return load_be<uint32_t>(as_bytes(bytes).data() + at);
  }

  // Takes one frame; what matters of it ends up in the members.
  void take_frame() {
    auto header = read_exactly(kHttp2HeaderBytes);
    auto type = static_cast<uint8_t>(header[3]), flags = static_cast<uint8_t>(header[4]);
    auto stream = number(header, 5);
    auto payload = read_exactly(number(header, 0) >> 8);
    if (type == kHeaders) {
      size_t skip = (flags & kPadded ? 1 : 0) + (flags & kPriority ? 5 : 0);
      path_ = path_in(payload.substr(skip));
      stream_ = stream;
    }
    if (type == kSettings && !(flags & kAck)) {
      for (size_t at = 0; at + 6 <= payload.size(); at += 6)
        if (payload[at] == 0 && payload[at + 1] == 4)
          stream_window_ += number(payload, at + 2) - 65535L;
      send_raw(http2_frame(kSettings, kAck, 0, ""));
    }
    if (type == kWindowUpdate) (stream == 0 ? window_ : stream_window_) += number(payload, 0);
    if (type == kRstStream) throw Closed();
    if ((type == kHeaders || type == kData) && flags & kEndStream) complete_ = true;
  }

  std::string request() {
    read_exactly(24);  // the client's preface
    send_raw(http2_frame(kSettings, 0, 0, ""));
    while (!complete_) take_frame();
    // Only now it is known whether this is the connection that the script may cut.
    if (path_.ends_with("/Snapshot")) {
      auto script = server_.script();
      cut_after_ = script.cut_after;
      cut_by_reset_ = script.ending == Ending::reset;
    }
    holding_ = false;
    send_raw(std::exchange(held_, {}));
    return path_;
  }

  void headers(const std::vector<std::pair<std::string, std::string>>& list, uint8_t flags = 0) {
    send_raw(http2_frame(kHeaders, kEndHeaders | flags, stream_, header_block(list)));
  }

  void trailers(int status, const std::string& message) {
    std::vector<std::pair<std::string, std::string>> list = {
        {"grpc-status", std::to_string(status)}};
    if (!message.empty()) list.emplace_back("grpc-message", message);
    headers(list, kEndStream);
  }

  // Within the client's windows.
  void data(std::string_view bytes) {
    while (!bytes.empty()) {
      while (std::min(window_, stream_window_) <= 0) take_frame();
      auto n = std::min({static_cast<long>(bytes.size()), window_, stream_window_, 16384L});
      send_raw(
          http2_frame(kData, 0, stream_, std::string(bytes.substr(0, static_cast<size_t>(n)))));
      window_ -= n;
      stream_window_ -= n;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }

  void answer(const std::string& message) {
    headers({{":status", "200"}, {"content-type", "application/grpc"}});
    data(wire::frame(message));
    trailers(0, "");
  }

  void answer_hash_kv(const HashKvScript& script) {
    if (script.hangs) return;
    bool refuses = script.refusals == 0 || server_.requests("HashKV") <= script.refusals;
    if (script.grpc_status != 0 && refuses) {
      headers({{":status", "200"}, {"content-type", "application/grpc"}});
      return trailers(script.grpc_status, script.grpc_message);
    }
    wire::Writer out;
    out.message(1, response_header(server_.member_))
        .number(2, script.hash)
        .number(3, static_cast<uint64_t>(script.compact_revision))
        .number(4, static_cast<uint64_t>(script.hash_revision));
    answer(out.text());
  }

  void play(const SnapshotScript& script) {
    headers(
        {{":status", std::to_string(script.http_status)}, {"content-type", "application/grpc"}});
    auto body =
        std::string_view(script.body).substr(0, script.stop_after.value_or(script.body.npos));
    for (size_t at = 0; at < body.size(); at += script.chunk_bytes) {
      data(body.substr(at, script.chunk_bytes));
      if (script.pause.count() > 0) std::this_thread::sleep_for(script.pause);
    }
    std::string block;
    while (!script.repeat.empty() && block.size() < 8000) block += script.repeat;
    while (!block.empty()) data(block);
    end(script);
  }

  void end(const SnapshotScript& script) {
    switch (script.ending) {
      case Ending::trailers: return trailers(script.grpc_status, script.grpc_message);
      case Ending::end_stream: return send_raw(http2_frame(kData, kEndStream, stream_, ""));
      case Ending::rst_stream:
        return send_raw(http2_frame(kRstStream, 0, stream_, big_endian(script.error_code)));
      case Ending::goaway:
        send_raw(http2_frame(kGoaway, 0, 0, big_endian(0) + big_endian(script.error_code)));
        return close_now(false);
      case Ending::fin: return close_now(false);
      case Ending::reset: return close_now(true);
      case Ending::garbage: return send_raw(std::string(5000, '\xee'));
      case Ending::hang: return;
    }
  }

  FakeGrpc& server_;
  int fd_;
  bool holding_ = true;  // until the path is known
  std::string held_;
  size_t sent_ = 0;
  std::optional<size_t> cut_after_;
  bool cut_by_reset_ = false;
  std::string path_;
  uint32_t stream_ = 0;
  bool complete_ = false;
  long window_ = 65535, stream_window_ = 65535;
};

FakeGrpc::FakeGrpc(SnapshotScript script, FakeMember member)
    : member_(member), script_(std::move(script)) {
  listener_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_.get(), generic, size) != 0 || ::listen(listener_.get(), 16) != 0 ||
      ::getsockname(listener_.get(), generic, &size) != 0)
    throw std::runtime_error("no socket for the fake server");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_loop(); });
}

FakeGrpc::~FakeGrpc() {
  ending_ = true;
  ::shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  {
    std::lock_guard lock(mutex_);
    for (int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  for (auto& thread : connections_) thread.join();
}

void FakeGrpc::accept_loop() {
  while (!ending_) {
    int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    {
      std::lock_guard lock(mutex_);
      open_.push_back(fd);
    }
    connections_.emplace_back([this, fd] {
      FakeConnection(*this, fd).run();
      std::lock_guard lock(mutex_);
      open_.remove(fd);
      ::close(fd);
    });
  }
}

void FakeGrpc::play(SnapshotScript script) {
  std::lock_guard lock(mutex_);
  script_ = std::move(script);
}

SnapshotScript FakeGrpc::script() const {
  std::lock_guard lock(mutex_);
  return script_;
}

int FakeGrpc::requests(const std::string& method) const {
  std::lock_guard lock(mutex_);
  auto found = requests_.find(method);
  return found == requests_.end() ? 0 : found->second;
}

std::string FakeGrpc::unary_answer(const std::string& path) const {
  wire::Writer out;
  out.message(1, response_header(member_));
  if (path.ends_with("/Status"))
    out.bytes(2, "3.6.16")
        .number(3, member_.db_size)
        .number(4, member_.leader)
        .number(5, member_.raft_index)
        .number(6, member_.term)
        .number(7, member_.raft_index)
        .number(9, member_.db_size)
        .number(10, member_.is_learner ? 1 : 0)
        .bytes(11, "3.6.0");
  if (path.ends_with("/MemberList"))
    out.message(2, wire::Writer()
                       .number(1, member_.member_id)
                       .bytes(2, "fake")
                       .bytes(4, endpoint())
                       .number(5, member_.is_learner ? 1 : 0)
                       .text());
  if (path.ends_with("/Alarm") && member_.alarm != 0)
    out.message(2, wire::Writer().number(1, member_.member_id).number(2, member_.alarm).text());
  return out.text();
}

}  // namespace snap::test
