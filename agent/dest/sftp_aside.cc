#include "dest/sftp_aside.h"

#include <chrono>
#include <string_view>
#include <utility>

namespace snap::dest {
namespace {

enum : uint8_t { kInit = 1, kVersion = 2, kOpen = 3, kClose = 4, kStatus = 101, kHandle = 102 };
constexpr uint8_t kExtended = 200;
enum : uint32_t { kRead = 1, kWrite = 2, kCreate = 8, kExclusive = 32 };
enum : uint32_t { kOk = 0, kFailure = 4 };
constexpr uint32_t kProtocol = 3;
constexpr size_t kMaxAnswerBytes = 64UL << 10;

uint32_t load_be32(std::string_view bytes) {
  uint32_t value = 0;
  for (unsigned char byte : bytes.substr(0, 4)) value = value << 8U | byte;
  return value;
}

bool has_status(std::string_view answer, uint32_t status) {
  return answer.size() >= 9 && answer[0] == kStatus && load_be32(answer.substr(5)) == status;
}

}  // namespace

// Numbers with the high byte first, strings with their length in front.
class SftpAside::Packet {
 public:
  explicit Packet(uint8_t type) { text_ += static_cast<char>(type); }
  Packet& number(uint32_t value) { return put(value); }
  Packet& wide(uint64_t value) { return put(value); }
  Packet& string(std::string_view text) {
    put(static_cast<uint32_t>(text.size()));
    text_ += text;
    return *this;
  }
  std::string framed() const { return Packet(0).string(text_).text_.substr(1); }

 private:
  template <class T>
  Packet& put(T value) {
    for (unsigned bits = 8 * sizeof value; bits > 0; bits -= 8)
      text_ += static_cast<char>(value >> (bits - 8));
    return *this;
  }
  std::string text_;
};

Result<std::unique_ptr<SftpAside>> SftpAside::open(SshSession& session) {
  auto watched = session.watch();
  SshChannel channel(ssh_channel_new(session.get()));
  bool opened = channel && ssh_channel_open_session(channel.get()) == SSH_OK &&
                ssh_channel_request_subsystem(channel.get(), "sftp") == SSH_OK;
  std::unique_ptr<SftpAside> aside(new SftpAside(session, std::move(channel)));
  if (!opened && !session.usable()) return aside->lost();
  if (!opened || !TRY(aside->greet())) return nullptr;
  return aside;
}

SftpAside::~SftpAside() {
  auto watched = session_.watch();  // closing sends a message
  channel_.reset();
}

Result<bool> SftpAside::greet() {
  TRY(send(Packet(kInit).number(kProtocol)));
  auto length = TRY(read(4));
  if (length.size() < 4 || load_be32(length) > kMaxAnswerBytes) return false;
  auto answer = TRY(read(load_be32(length)));
  copies_ = answer.contains("copy-data");
  flushes_ = answer.contains("fsync@openssh.com");
  return !answer.empty() && answer[0] == kVersion;
}

Result<bool> SftpAside::copy(const std::string& from, const std::string& to, uint64_t size_bytes) {
  if (!copies_) return false;
  auto watched = session_.watch(silence_for(2 * size_bytes));  // it reads and writes
  auto source = TRY(open_file(from, kRead));
  auto target = source.empty() ? source : TRY(open_file(to, kWrite | kCreate | kExclusive));
  bool copied = false;
  if (!target.empty()) {
    // Length 0: to the end of the file.
    Packet packet(kExtended);
    packet.number(++id_).string("copy-data").string(source).wide(0).wide(0).string(target).wide(0);
    copied = TRY(done(packet));
    copied = TRY(done(Packet(kClose).number(++id_).string(target))) && copied;
  }
  if (!source.empty()) TRY(done(Packet(kClose).number(++id_).string(source)));
  return copied;
}

Result<void> SftpAside::begin_flushing(const std::string& path) {
  if (!flushes_) return {};
  auto watched = session_.watch();
  flush_failed_ = false;
  flushed_ = TRY(open_file(path, kWrite));
  return {};
}

Result<void> SftpAside::flush() {
  if (flushed_.empty()) return {};
  auto watched = session_.watch();
  return send(Packet(kExtended).number(++id_).string("fsync@openssh.com").string(flushed_));
}

Result<bool> SftpAside::end_flushing(uint64_t size_bytes) {
  if (flushed_.empty()) return true;
  auto watched = session_.watch(silence_for(size_bytes));
  TRY(done(Packet(kClose).number(++id_).string(std::exchange(flushed_, {}))));
  return !flush_failed_;
}

void SftpAside::abandon_flushing() {
  if (flushed_.empty()) return;
  auto watched = session_.watch();
  (void)send(Packet(kClose).number(++id_).string(std::exchange(flushed_, {})));
}

// The handle; "" where the server refuses.
Result<std::string> SftpAside::open_file(const std::string& path, uint32_t flags) {
  constexpr uint32_t kWithMode = 4, kMode = 0600;
  auto id = ++id_;
  TRY(send(Packet(kOpen).number(id).string(path).number(flags).number(kWithMode).number(kMode)));
  auto answer = TRY(answer_to(id));
  if (answer.size() < 9 || answer[0] != kHandle) return "";
  auto handle = std::string_view(answer).substr(9);
  return handle.size() == load_be32(std::string_view(answer).substr(5)) ? std::string(handle) : "";
}

// Whether the server did what the newest request asked for.
Result<bool> SftpAside::done(const Packet& packet) {
  TRY(send(packet));
  return has_status(TRY(answer_to(id_)), kOk);
}

Result<void> SftpAside::send(const Packet& packet) {
  auto framed = packet.framed();
  auto size = static_cast<uint32_t>(framed.size());
  auto sent = ssh_channel_write(channel_.get(), framed.data(), size);
  if (sent != static_cast<int>(size) && !session_.usable()) return lost();
  return {};  // where the server closed the channel, no answer will come
}

// Without its length; "" when none came, or the server closed the channel. The answers to flushes
// come before it.
Result<std::string> SftpAside::answer_to(uint32_t id) {
  while (true) {
    auto length = TRY(read(4));
    if (length.size() < 4 || load_be32(length) > kMaxAnswerBytes) return "";
    auto answer = TRY(read(load_be32(length)));
    if (answer.size() < 5) return "";
    if (load_be32(std::string_view(answer).substr(1)) == id) return answer;
    if (has_status(answer, kFailure)) flush_failed_ = true;
  }
}

// Less, when no more came, or the server closed the channel.
Result<std::string> SftpAside::read(size_t size) {
  std::string text(size, '\0');
  size_t have = 0;
  while (have < size) {
    auto more = static_cast<uint32_t>(size - have);
    int n = ssh_channel_read(channel_.get(), text.data() + have, more, 0);
    if (!session_.usable()) return lost();
    if (n <= 0) break;
    have += static_cast<size_t>(n);
  }
  text.resize(have);
  return text;
}

std::unexpected<Error> SftpAside::lost() {
  return std::unexpected(session_.broken("use a second SFTP channel"));
}

}  // namespace snap::dest
