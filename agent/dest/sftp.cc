#include "dest/sftp.h"

#include <fcntl.h>
#include <libssh/sftp.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <deque>
#include <format>
#include <optional>
#include <utility>

#include "base/text.h"
#include "dest/ssh_session.h"
#include "dest/tree.h"

namespace snap::dest {
namespace {

using Sftp = Handle<sftp_session_struct, &sftp_free>;
using Attributes = Handle<sftp_attributes_struct, &sftp_attributes_free>;
using Limits = Handle<sftp_limits_struct, &sftp_limits_free>;
using StatVfs = Handle<sftp_statvfs_struct, &sftp_statvfs_free>;

// Bytes on their way, whatever a packet holds: enough for a round trip of 10 ms at 400 MB/s, and no
// copy of them is kept.
constexpr size_t kInFlightBytes = 4 << 20;
// Every server takes this much in one packet; more where it says so.
constexpr size_t kSmallBlock = 32768;

// The connection with its SFTP channel, shared by the tree and its open files.
struct Channel {
  std::unique_ptr<SshSession> session;
  Sftp sftp;
  size_t write_bytes = kSmallBlock, read_bytes = kSmallBlock;
  bool fsync = false, statvfs = false;

  ~Channel() {
    if (!sftp) return;
    auto watched = watch();  // closing sends a message
    sftp.reset();
  }
  [[nodiscard]] Watchdog::Watch watch(std::chrono::milliseconds extra = {}) {
    return session->watch(extra);
  }
};
using ChannelPtr = std::shared_ptr<Channel>;

std::optional<uint64_t> free_bytes(Channel& channel, const std::string& path) {
  if (!channel.statvfs) return std::nullopt;
  StatVfs info(sftp_statvfs(channel.sftp.get(), path.c_str()));
  if (!info) return std::nullopt;
  return info->f_bavail * info->f_frsize;
}

// The status that the last call left, as an Error. Servers say "failure" for almost everything:
// what it was is asked for by the callers.
Error error_of(Channel& channel, std::string_view doing) {
  if (!channel.session->usable()) return channel.session->broken(doing);
  int status = sftp_get_error(channel.sftp.get());
  switch (status) {
    case SSH_FX_NO_SUCH_FILE:
      return {Code::not_found, std::format("{}: no such file or directory", doing), ""};
    case SSH_FX_PERMISSION_DENIED:
      return {
          Code::denied, std::format("{}: permission denied", doing),
          "look at the owner and mode of the directory there, and whether the server is read-only"};
    case SSH_FX_FILE_ALREADY_EXISTS: return {Code::exists, std::format("{}: it exists", doing), ""};
    case SSH_FX_OK:  // it failed, and the server did not say so: the answer never came
    case SSH_FX_EOF:
    case SSH_FX_NO_CONNECTION:
    case SSH_FX_CONNECTION_LOST: return channel.session->broken(doing);
    case SSH_FX_OP_UNSUPPORTED:
      return {Code::invalid, std::format("{}: the server cannot do that", doing), ""};
    default:
      return {Code::internal, std::format("{}: the server says failure (status {})", doing, status),
              ""};
  }
}

// A refused write: full, over a quota or a limit, or something that the server does not tell.
Error write_error(Channel& channel, const std::string& doing, const std::string& path) {
  auto error = error_of(channel, doing);
  if (error.code != Code::internal) return error;
  auto free = free_bytes(channel, path.substr(0, path.rfind('/')));
  if (free && *free < (1 << 20))
    return {Code::no_space, std::format("{}: no space left", doing),
            "free space there, or let retention keep less"};
  error.message = std::format("{}: the server refused a write and does not say why", doing);
  error.hint = "it may be full, over a quota or over a limit on file sizes: look at its log";
  return error;
}

class OpenFile {
 public:
  OpenFile(ChannelPtr channel, sftp_file file) : channel_(std::move(channel)), file_(file) {}
  OpenFile(OpenFile&& other) noexcept
      : channel_(std::move(other.channel_)), file_(std::exchange(other.file_, nullptr)) {}
  OpenFile& operator=(OpenFile&&) = delete;
  ~OpenFile() {
    if (!file_) return;
    auto watched = channel_->watch();
    sftp_close(file_);  // its error is lost: nobody counts on it
  }

  Channel& channel() { return *channel_; }
  sftp_file get() { return file_; }
  // `extra`: as Watchdog::Watch. A server without fsync may flush only now.
  Result<void> close(std::string_view doing, std::chrono::milliseconds extra) {
    auto watched = channel_->watch(extra);
    if (sftp_close(std::exchange(file_, nullptr)) == SSH_OK) return {};
    return std::unexpected(error_of(*channel_, doing));
  }

 private:
  ChannelPtr channel_;
  sftp_file file_;
};

class SftpSink : public stream::Sink {
 public:
  SftpSink(OpenFile file, std::string path, std::string doing)
      : file_(std::move(file)), path_(std::move(path)), doing_(std::move(doing)) {}
  ~SftpSink() override {
    for (auto& write : writes_) sftp_aio_free(write.aio);
  }

  Result<void> write(Bytes data) override {
    auto watched = file_.channel().watch();
    while (!data.empty()) {
      auto size = std::min(data.size(), file_.channel().write_bytes);
      while (in_flight_ + size > kInFlightBytes) TRY(settle());
      sftp_aio aio = nullptr;
      auto sent = sftp_aio_begin_write(file_.get(), data.data(), size, &aio);
      if (sent <= 0) return std::unexpected(write_error(file_.channel(), doing_, path_));
      writes_.push_back({aio, static_cast<size_t>(sent)});
      in_flight_ += static_cast<size_t>(sent);
      written_ += static_cast<size_t>(sent);
      data = data.subspan(static_cast<size_t>(sent));
    }
    return {};
  }

  Result<void> finish() override {
    auto extra = silence_for(written_);
    {
      auto watched = file_.channel().watch(extra);
      while (!writes_.empty()) TRY(settle());
      if (file_.channel().fsync && sftp_fsync(file_.get()) != SSH_OK)
        return std::unexpected(write_error(file_.channel(), doing_, path_));
    }
    return file_.close(doing_, extra);
  }

 private:
  struct Write {
    sftp_aio aio;
    size_t size;
  };

  // Takes the answer to the oldest write. The offset has moved on whatever the answer is, so an
  // error ends the file.
  Result<void> settle() {
    auto write = writes_.front();
    writes_.pop_front();
    in_flight_ -= write.size;
    auto done = sftp_aio_wait_write(&write.aio);
    if (done >= 0 && static_cast<size_t>(done) == write.size) return {};
    sftp_aio_free(write.aio);
    return std::unexpected(write_error(file_.channel(), doing_, path_));
  }

  OpenFile file_;
  std::string path_, doing_;
  std::deque<Write> writes_;
  size_t in_flight_ = 0;  // bytes of them
  uint64_t written_ = 0;
};

class SftpSource : public stream::Source {
 public:
  SftpSource(OpenFile file, uint64_t size_bytes, std::string doing)
      : file_(std::move(file)), size_bytes_(size_bytes), doing_(std::move(doing)) {}
  ~SftpSource() override {
    for (auto& read : reads_) sftp_aio_free(read.aio);
  }

  Result<size_t> read(MutableBytes into) override {
    if (at_ == have_) TRY(next_block());
    auto n = std::min(into.size(), have_ - at_);
    std::memcpy(into.data(), block_.data() + at_, n);
    at_ += n;
    return n;
  }

 private:
  struct Read {
    sftp_aio aio;
    uint64_t offset;
    size_t size;
  };

  Result<void> ask_ahead() {
    while (asked_ < size_bytes_) {
      auto size = std::min<uint64_t>(file_.channel().read_bytes, size_bytes_ - asked_);
      if (in_flight_ + size > kInFlightBytes) return {};
      sftp_aio aio = nullptr;
      auto asked = sftp_aio_begin_read(file_.get(), size, &aio);
      if (asked <= 0) return std::unexpected(error_of(file_.channel(), doing_));
      reads_.push_back({aio, asked_, static_cast<size_t>(asked)});
      asked_ += static_cast<uint64_t>(asked);
      in_flight_ += static_cast<size_t>(asked);
    }
    return {};
  }

  // The answer to the oldest read, into the block: how much came.
  Result<size_t> take() {
    auto read = reads_.front();
    reads_.pop_front();
    in_flight_ -= read.size;
    block_.resize(read.size);
    auto done = sftp_aio_wait_read(&read.aio, block_.data(), block_.size());
    if (done >= 0) return static_cast<size_t>(done);
    sftp_aio_free(read.aio);
    return std::unexpected(error_of(file_.channel(), doing_));
  }

  Result<void> next_block() {
    auto watched = file_.channel().watch();
    TRY(ask_ahead());
    have_ = at_ = 0;
    if (reads_.empty()) return {};
    auto asked = reads_.front();
    have_ = TRY(take());
    if (have_ == 0)
      return fail(Code::corrupt,
                  std::format("{}: it ends before its {} bytes", doing_, size_bytes_));
    if (have_ < asked.size) TRY(begin_after(asked.offset + have_));
    return {};
  }

  // The server gave less than it was asked for, and those under way begin after the gap: they are
  // waited for and asked again, in pieces that it gives. libssh would wait for ever for an answer
  // that came before the one that it was told to wait for.
  Result<void> begin_after(uint64_t offset) {
    auto& most = file_.channel().read_bytes;
    most = std::clamp<size_t>(have_, 1024, most);
    auto block = std::exchange(block_, {});
    while (!reads_.empty()) TRY(take());
    block_ = std::move(block);
    asked_ = offset;
    sftp_seek64(file_.get(), offset);
    return {};
  }

  OpenFile file_;
  uint64_t size_bytes_;
  std::string doing_;
  uint64_t asked_ = 0;
  std::deque<Read> reads_;
  size_t in_flight_ = 0;  // bytes of them
  std::vector<std::byte> block_;
  size_t have_ = 0, at_ = 0;
};

Node node_of(const sftp_attributes_struct& attributes, std::string name) {
  auto kind = NodeKind::other;
  if (attributes.type == SSH_FILEXFER_TYPE_REGULAR) kind = NodeKind::file;
  if (attributes.type == SSH_FILEXFER_TYPE_DIRECTORY) kind = NodeKind::directory;
  return {std::move(name), kind, attributes.size, Seconds(std::chrono::seconds(attributes.mtime))};
}

// For a shell of the server: in single quotes.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

std::optional<stream::Digest> parse_digest(std::string_view hex) {
  stream::Digest digest{};
  for (size_t i = 0; i < digest.size(); ++i) {
    auto value = [](char c) {
      return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    };
    int high = value(hex[2 * i]), low = value(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    digest[i] = static_cast<std::byte>(high * 16 + low);
  }
  return digest;
}

class SftpTree : public Tree {
 public:
  SftpTree(ChannelPtr channel, std::string root)
      : channel_(std::move(channel)), root_(std::move(root)) {}

  std::string label() const override { return channel_->session->label(); }

  Result<std::unique_ptr<stream::Sink>> create(const std::string& path) override {
    auto doing = doing_to("write", path);
    auto watched = channel_->watch();
    auto* file = sftp_open(sftp(), at(path).c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (!file) return std::unexpected(taken_or(path, write_error(*channel_, doing, at(path))));
    return std::make_unique<SftpSink>(OpenFile(channel_, file), at(path), doing);
  }

  Result<std::unique_ptr<stream::Source>> open(const std::string& path) override {
    auto doing = doing_to("read", path);
    auto node = TRY(look(path));
    if (node.kind != NodeKind::file)
      return fail(Code::corrupt, std::format("{}: it is not a regular file", doing));
    auto watched = channel_->watch();
    auto* file = sftp_open(sftp(), at(path).c_str(), O_RDONLY, 0);
    if (!file) return std::unexpected(error_of(*channel_, doing));
    return std::make_unique<SftpSource>(OpenFile(channel_, file), node.size_bytes, doing);
  }

  Result<void> sync(const std::string& path) override {
    auto doing = doing_to("sync", path);
    auto extra = silence_for(TRY(look(path)).size_bytes);
    auto watched = channel_->watch(extra);
    auto* opened = sftp_open(sftp(), at(path).c_str(), O_WRONLY, 0);
    if (!opened) return std::unexpected(error_of(*channel_, doing));
    OpenFile file(channel_, opened);
    if (channel_->fsync && sftp_fsync(file.get()) != SSH_OK)
      return std::unexpected(write_error(*channel_, doing, at(path)));
    return file.close(doing, extra);
  }

  // Only a fixed command, its answer taken literally: 64 digits, a blank, a star, the name.
  Result<std::optional<stream::Digest>> far_digest(const std::string& path) override {
    if (!executes_) return std::nullopt;
    auto size = TRY(look(path)).size_bytes;
    // No byte comes while the server reads.
    auto output =
        channel_->session->execute("sha256sum -b -- " + quoted(at(path)), silence_for(size));
    if (!output && output.error().code != Code::not_found) return std::unexpected(output.error());
    auto tail = " *" + at(path) + "\n";
    auto digest = output && output->size() == 64 + tail.size() && output->ends_with(tail)
                      ? parse_digest(*output)
                      : std::nullopt;
    if (!digest) executes_ = false;
    return digest;
  }

  Result<Node> look(const std::string& path) override {
    auto watched = channel_->watch();
    Attributes attributes(sftp_lstat(sftp(), at(path).c_str()));
    if (!attributes) return std::unexpected(error_of(*channel_, doing_to("look at", path)));
    return node_of(*attributes, path.substr(path.rfind('/') + 1));
  }

  Result<std::vector<Node>> list(const std::string& path) override {
    auto watched = channel_->watch();
    auto doing = doing_to("list", path);
    Handle<sftp_dir_struct, &sftp_closedir> directory(sftp_opendir(sftp(), at(path).c_str()));
    if (!directory) return std::unexpected(error_of(*channel_, doing));
    std::vector<Node> nodes;
    while (Attributes attributes{sftp_readdir(sftp(), directory.get())}) {
      std::string name = attributes->name;
      if (name != "." && name != "..") nodes.push_back(node_of(*attributes, std::move(name)));
    }
    // The end of the directory and a broken connection look alike but for this.
    if (!sftp_dir_eof(directory.get())) return std::unexpected(error_of(*channel_, doing));
    return nodes;
  }

  Result<void> make_directory(const std::string& path) override {
    auto watched = channel_->watch();
    if (sftp_mkdir(sftp(), at(path).c_str(), 0700) == SSH_OK) return {};
    return std::unexpected(
        taken_or(path, write_error(*channel_, doing_to("create", path), at(path))));
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    auto watched = channel_->watch();
    if (sftp_rename(sftp(), at(from).c_str(), at(to).c_str()) == SSH_OK) return {};
    return std::unexpected(taken_or(to, error_of(*channel_, doing_to("publish", to))));
  }

  Result<void> remove_file(const std::string& path) override {
    auto watched = channel_->watch();
    return gone(path, sftp_unlink(sftp(), at(path).c_str()));
  }

  Result<void> remove_directory(const std::string& path) override {
    auto watched = channel_->watch();
    return gone(path, sftp_rmdir(sftp(), at(path).c_str()));
  }

  Result<Space> space() override {
    if (!channel_->statvfs) return Space{};
    auto watched = channel_->watch();
    StatVfs info(sftp_statvfs(sftp(), root_.c_str()));
    if (!info) return std::unexpected(error_of(*channel_, "ask for the free space of " + label()));
    Space space{.total_bytes = info->f_blocks * info->f_frsize,
                .free_bytes = info->f_bavail * info->f_frsize,
                .free_files = {}};
    if (info->f_files != 0) space.free_files = info->f_favail;
    return space;
  }

  std::vector<std::string> remarks() const override {
    std::vector<std::string> remarks;
    if (!channel_->session->remark().empty()) remarks.push_back(channel_->session->remark());
    if (!channel_->fsync)
      remarks.emplace_back(
          "the server offers no fsync: a set may be lost there if its power fails right after the "
          "run");
    return remarks;
  }

 private:
  sftp_session sftp() { return channel_->sftp.get(); }
  std::string at(const std::string& path) const {
    return path.empty() ? root_ : root_ + "/" + path;
  }
  std::string doing_to(std::string_view verb, const std::string& path) const {
    return std::format("{} {}{}{}", verb, label(), path.empty() ? "" : "/", escaped(path));
  }

  // "failure" because the name is taken, or the error itself.
  Error taken_or(const std::string& path, Error error) {
    if (error.code != Code::internal && error.code != Code::exists) return error;
    Attributes there(sftp_lstat(sftp(), at(path).c_str()));
    if (there) return {Code::exists, std::format("{}/{} exists", label(), escaped(path)), ""};
    return error;
  }

  Result<void> gone(const std::string& path, int removed) {
    if (removed == SSH_OK) return {};
    auto error = error_of(*channel_, doing_to("remove", path));
    if (error.code == Code::not_found) return {};
    return std::unexpected(std::move(error));
  }

  ChannelPtr channel_;
  std::string root_;
  bool executes_ = true;  // until the server showed that it does not
};

Result<void> start_sftp(Channel& channel) {
  auto watched = channel.watch();
  auto& session = *channel.session;
  auto no_server = [&](std::string_view why) -> std::unexpected<Error> {
    if (!session.usable() && session.broken("").code != Code::unavailable)
      return std::unexpected(session.broken("start SFTP"));
    return fail(Code::invalid, std::format("{} is not an SFTP server: {}", session.label(), why),
                "it must offer the sftp subsystem and print nothing at login");
  };
  channel.sftp.reset(sftp_new(session.get()));
  if (!channel.sftp) return no_server(escaped(ssh_get_error(session.get())));
  if (sftp_init(channel.sftp.get()) != SSH_OK)
    return no_server(escaped(ssh_get_error(session.get())));
  auto* sftp = channel.sftp.get();
  channel.fsync = sftp_extension_supported(sftp, "fsync@openssh.com", "1") == 1;
  channel.statvfs = sftp_extension_supported(sftp, "statvfs@openssh.com", "2") == 1;
  if (sftp_extension_supported(sftp, "limits@openssh.com", "1") == 1) {
    Limits limits(sftp_limits(sftp));
    // A power of two: what we are given, 512 KiB as a rule, is cut into pieces of one size, and no
    // piece ends within a page of the server's.
    auto sane = [](uint64_t bytes) {
      return std::bit_floor(std::clamp<uint64_t>(bytes, 1024, 255 << 10));
    };
    if (limits && limits->max_write_length > 0)
      channel.write_bytes = sane(limits->max_write_length);
    if (limits && limits->max_read_length > 0) channel.read_bytes = sane(limits->max_read_length);
  }
  return {};
}

// Makes the directory, where that is wished, when only it, not its parent, is missing.
Result<void> make_root(Channel& channel, const std::string& directory, bool create) {
  auto watched = channel.watch();
  auto doing = std::format("open {}", channel.session->label());
  Attributes there(sftp_stat(channel.sftp.get(), directory.c_str()));
  if (there && there->type == SSH_FILEXFER_TYPE_DIRECTORY) return {};
  if (there) return fail(Code::invalid, std::format("{}: it is not a directory", doing));
  auto error = error_of(channel, doing);
  if (error.code == Code::not_found && !create) error.hint = kWouldBeMade;
  if (error.code != Code::not_found || !create) return std::unexpected(std::move(error));
  if (sftp_mkdir(channel.sftp.get(), directory.c_str(), 0700) == SSH_OK) return {};
  error = error_of(channel, doing);
  if (error.code == Code::not_found)
    return fail(Code::not_found, std::format("{}: the parent directory is missing", doing),
                "create it there");
  return std::unexpected(std::move(error));
}

}  // namespace

Result<std::unique_ptr<Destination>> open_sftp(const SftpConfig& config) {
  auto channel = std::make_shared<Channel>();
  channel->session = TRY(SshSession::open(config));
  TRY(start_sftp(*channel));
  TRY(make_root(*channel, config.directory, config.create));
  return directory_place(std::make_unique<SftpTree>(std::move(channel), config.directory));
}

}  // namespace snap::dest
