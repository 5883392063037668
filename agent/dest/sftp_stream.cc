#include "dest/sftp_stream.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <format>
#include <utility>
#include <vector>

namespace snap::dest {
namespace {

// Bytes on their way, whatever a packet holds: enough for a round trip of 10 ms at 400 MB/s, and no
// copy of them is kept.
constexpr size_t kInFlightBytes = 4 << 20;
// The server flushes so much while the next is on its way, and less than twice as much at the end.
constexpr uint64_t kFlushBytes = 64 << 20;

class OpenFile {
 public:
  // Nothing was opened where it is false: the channel has the error.
  OpenFile(std::shared_ptr<SftpChannel> channel, const std::string& path, int flags)
      : channel_(std::move(channel)) {
    auto watched = channel_->watch();
    file_ = sftp_open(channel_->sftp.get(), path.c_str(), flags, 0600);
  }
  OpenFile(OpenFile&& other) noexcept
      : channel_(std::move(other.channel_)), file_(std::exchange(other.file_, nullptr)) {}
  OpenFile& operator=(OpenFile&&) = delete;
  ~OpenFile() {
    if (!file_) return;
    auto watched = channel_->watch();
    sftp_close(file_);  // its error is lost: nobody counts on it
  }

  explicit operator bool() const { return file_ != nullptr; }
  SftpChannel& channel() { return *channel_; }
  sftp_file get() { return file_; }
  // `extra`: as Watchdog::Watch. A server without fsync may flush only now.
  Result<void> close(std::string_view doing, std::chrono::milliseconds extra) {
    auto watched = channel_->watch(extra);
    if (sftp_close(std::exchange(file_, nullptr)) == SSH_OK) return {};
    return std::unexpected(channel_->error_of(doing));
  }

 private:
  std::shared_ptr<SftpChannel> channel_;
  sftp_file file_ = nullptr;
};

class SftpSink : public Patch {
 public:
  // `size_bytes`: what the file has already.
  SftpSink(OpenFile file, std::string path, uint64_t size_bytes, std::string doing)
      : file_(std::move(file)),
        path_(std::move(path)),
        size_bytes_(size_bytes),
        doing_(std::move(doing)) {}
  ~SftpSink() override {
    for (auto& write : writes_) sftp_aio_free(write.aio);
    if (aside_) aside_->abandon_flushing();  // open, it would keep the space of a removed file
  }

  Result<void> write(Bytes data) override {
    auto watched = file_.channel().watch();
    while (!data.empty()) {
      auto size = std::min(data.size(), file_.channel().write_bytes);
      while (in_flight_ + size > kInFlightBytes) TRY(settle());
      sftp_aio aio = nullptr;
      auto sent = sftp_aio_begin_write(file_.get(), data.data(), size, &aio);
      if (sent <= 0) return std::unexpected(file_.channel().write_error(doing_, path_));
      writes_.push_back({aio, static_cast<size_t>(sent)});
      in_flight_ += static_cast<size_t>(sent);
      written_ += static_cast<size_t>(sent);
      data = data.subspan(static_cast<size_t>(sent));
    }
    return flush_early();
  }

  Result<void> skip(uint64_t bytes) override {
    skipped_ += bytes;
    sftp_seek64(file_.get(), skipped_ + written_);
    return {};
  }

  Result<void> finish() override {
    auto extra = silence_for(written_ + skipped_);
    {
      auto watched = file_.channel().watch(extra);
      while (!writes_.empty()) TRY(settle());
      TRY(cut());
      if (file_.channel().fsync && sftp_fsync(file_.get()) != SSH_OK)
        return std::unexpected(file_.channel().write_error(doing_, path_));
    }
    if (aside_ && !TRY(aside_->end_flushing(written_)))
      return fail(Code::internal, doing_ + ": the server could not bring it to its disk",
                  "look at the disk there, and at the host's log");
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
    return std::unexpected(file_.channel().write_error(doing_, path_));
  }

  // A copy that was longer.
  Result<void> cut() {
    sftp_attributes_struct wanted{};
    wanted.flags = SSH_FILEXFER_ATTR_SIZE;
    wanted.size = skipped_ + written_;
    if (size_bytes_ <= wanted.size) return {};
    if (sftp_setstat(file_.channel().sftp.get(), path_.c_str(), &wanted) == SSH_OK) return {};
    return std::unexpected(file_.channel().write_error(doing_, path_));
  }

  Result<void> flush_early() {
    auto& channel = file_.channel();
    if (!channel.fsync || written_ - flushed_ < kFlushBytes) return {};
    if (flushed_ == 0) {
      aside_ = TRY(channel.aside());
      if (aside_) TRY(aside_->begin_flushing(path_));
    }
    flushed_ = written_;
    return aside_ ? aside_->flush() : Result<void>();
  }

  OpenFile file_;
  std::string path_;
  uint64_t size_bytes_;
  std::string doing_;
  std::deque<Write> writes_;
  size_t in_flight_ = 0;  // bytes of them
  uint64_t written_ = 0, skipped_ = 0, flushed_ = 0;
  SftpAside* aside_ = nullptr;  // the channel's, where it flushes this file
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
      if (asked <= 0) return std::unexpected(file_.channel().error_of(doing_));
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
    return std::unexpected(file_.channel().error_of(doing_));
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

}  // namespace

Result<std::unique_ptr<stream::Sink>> sftp_sink(std::shared_ptr<SftpChannel> channel,
                                                const std::string& path, const std::string& doing) {
  OpenFile file(std::move(channel), path, O_WRONLY | O_CREAT | O_EXCL);
  if (!file) return std::unexpected(file.channel().write_error(doing, path));
  return std::make_unique<SftpSink>(std::move(file), path, 0, doing);
}

Result<std::unique_ptr<Patch>> sftp_patch(std::shared_ptr<SftpChannel> channel,
                                          const std::string& path, uint64_t size_bytes,
                                          const std::string& doing) {
  OpenFile file(std::move(channel), path, O_WRONLY);
  if (!file) return std::unexpected(file.channel().write_error(doing, path));
  return std::make_unique<SftpSink>(std::move(file), path, size_bytes, doing);
}

Result<std::unique_ptr<stream::Source>> sftp_source(std::shared_ptr<SftpChannel> channel,
                                                    const std::string& path, uint64_t size_bytes,
                                                    const std::string& doing) {
  OpenFile file(std::move(channel), path, O_RDONLY);
  if (!file) return std::unexpected(file.channel().error_of(doing));
  return std::make_unique<SftpSource>(std::move(file), size_bytes, doing);
}

Result<void> sftp_sync(std::shared_ptr<SftpChannel> channel, const std::string& path,
                       uint64_t size_bytes, const std::string& doing) {
  auto extra = silence_for(size_bytes);
  OpenFile file(std::move(channel), path, O_WRONLY);
  if (!file) return std::unexpected(file.channel().error_of(doing));
  auto watched = file.channel().watch(extra);
  if (file.channel().fsync && sftp_fsync(file.get()) != SSH_OK)
    return std::unexpected(file.channel().write_error(doing, path));
  return file.close(doing, extra);
}

}  // namespace snap::dest
