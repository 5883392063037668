#include "dest/nfs_stream.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <format>
#include <utility>
#include <vector>

namespace snap::dest {
namespace {

constexpr size_t kBlockBytes = 1 << 20;
// One megabyte each in flight: fewer cost speed as soon as the network takes time, more only
// memory.
constexpr size_t kBlocks = 8;

size_t block_bytes(uint64_t server_limit) {
  return server_limit == 0 ? kBlockBytes : std::min<uint64_t>(kBlockBytes, server_limit);
}

// An open file. Closing it may report the write that failed.
class NfsFile {
 public:
  static Result<NfsFile> open(std::shared_ptr<NfsMount> mount, const std::string& path, int flags,
                              const std::string& doing) {
    nfsfh* handle = nullptr;
    TRY(mount->call(
        doing,
        [&](nfs_context* context, nfs_cb ended, void* data) {
          return nfs_open2_async(context, path.c_str(), flags, 0600, ended, data);
        },
        [&](void* data) { handle = static_cast<nfsfh*>(data); }));
    return NfsFile(std::move(mount), handle);
  }
  NfsFile(NfsFile&& other) noexcept
      : mount_(std::move(other.mount_)), handle_(std::exchange(other.handle_, nullptr)) {}
  NfsFile& operator=(NfsFile&&) = delete;
  ~NfsFile() {
    if (handle_ && mount_->context())
      (void)close("close");  // its error is lost: nobody counts on it
  }

  NfsMount& mount() { return *mount_; }
  nfsfh* handle() { return handle_; }

  // The server flushes `bytes`, and says nothing until that is done.
  Result<void> sync(const std::string& doing, uint64_t bytes) {
    TRY(mount_->call(
        doing,
        [&](nfs_context* context, nfs_cb ended, void* data) {
          return nfs_fsync_async(context, handle_, ended, data);
        },
        {}, silence_for(bytes)));
    return {};
  }

  Result<void> close(const std::string& doing, uint64_t bytes = 0) {
    auto* handle = std::exchange(handle_, nullptr);
    TRY(mount_->call(
        doing,
        [&](nfs_context* context, nfs_cb ended, void* data) {
          return nfs_close_async(context, handle, ended, data);
        },
        {}, silence_for(bytes)));
    return {};
  }

 private:
  NfsFile(std::shared_ptr<NfsMount> mount, nfsfh* handle)
      : mount_(std::move(mount)), handle_(handle) {}
  std::shared_ptr<NfsMount> mount_;
  nfsfh* handle_;
};

// A block on its way. libnfs reads the memory again when the server took only a part of it.
struct Block {
  NfsCall call;
  std::vector<std::byte> memory;
  uint64_t offset = 0;
  size_t size = 0;
  size_t sent = 0;  // of these: taken by the server, or handed to the reader
  bool busy = false;
};

// Why a write over NFSv3 failed is not told: asks the server.
Error why_refused(NfsMount& mount, const NfsCall& call, const std::string& doing,
                  const std::string& probe) {
  auto error = mount.error_of(call, doing);
  if (error.code != Code::internal) return error;
  nfs_statvfs_64 space{};
  auto asked = mount.call(
      doing,
      [](nfs_context* context, nfs_cb ended, void* data) {
        return nfs_statvfs64_async(context, "/", ended, data);
      },
      [&](void* data) { std::memcpy(&space, data, sizeof space); });
  if (!asked) return asked.error();
  if (space.f_bavail * space.f_frsize < kBlockBytes)
    return {Code::no_space, std::format("{}: no space left at {}", doing, mount.label()),
            "free space there, or let retention keep less"};
  auto made = mount.call(doing, [&](nfs_context* context, nfs_cb ended, void* data) {
    return nfs_mkdir2_async(context, probe.c_str(), 0700, ended, data);
  });
  if (!made && made.error().code != Code::exists) return made.error();
  (void)mount.call(doing, [&](nfs_context* context, nfs_cb ended, void* data) {
    return nfs_rmdir_async(context, probe.c_str(), ended, data);
  });
  return {Code::unavailable,
          std::format("{}: the server refused a write and does not say why", doing)};
}

class NfsSink : public stream::Sink {
 public:
  NfsSink(NfsFile file, std::string doing, std::string probe)
      : file_(std::move(file)),
        doing_(std::move(doing)),
        probe_(std::move(probe)),
        most_(block_bytes(nfs_get_writemax(file_.mount().context()))) {}
  // Every call has ended before the blocks go: after a refused write the others are still under
  // way.
  ~NfsSink() override {
    (void)file_.mount().wait(doing_, file_.mount().stall_limit(), [&] {
      return std::ranges::all_of(blocks_, [](const Block& b) { return !b.busy || b.call.done; });
    });
  }

  Result<void> write(Bytes data) override {
    while (!data.empty()) {
      auto* block = TRY(free_block());
      block->size = std::min(data.size(), most_);
      block->memory.resize(most_);
      std::memcpy(block->memory.data(), data.data(), block->size);
      block->offset = offset_;
      block->sent = 0;
      TRY(send(*block));
      offset_ += block->size;
      data = data.subspan(block->size);
    }
    return {};
  }

  Result<void> finish() override {
    TRY(wait_until_idle());
    TRY(file_.sync(doing_, offset_));
    return file_.close(doing_, offset_);
  }

 private:
  // Sends what the server has not taken of a block yet.
  Result<void> send(Block& block) {
    block.call = {};
    block.busy = true;
    auto begun = file_.mount().begin(
        block.call, doing_, [&](nfs_context* context, nfs_cb ended, void* data) {
          return nfs_pwrite_async(context, file_.handle(), block.offset + block.sent,
                                  block.size - block.sent, block.memory.data() + block.sent, ended,
                                  data);
        });
    if (!begun) block.busy = false;
    TRY(begun);
    return file_.mount().serve(doing_);
  }

  // Takes the answer of a block. Servers may take less than they were given.
  Result<void> settle(Block& block) {
    block.busy = false;
    if (block.call.status < 0)
      return std::unexpected(why_refused(file_.mount(), block.call, doing_, probe_));
    block.sent += static_cast<size_t>(block.call.status);
    if (block.sent >= block.size) return {};
    if (block.call.status == 0)
      return fail(Code::unavailable, doing_ + ": the server takes no more bytes");
    return send(block);
  }

  Result<Block*> free_block() {
    while (true) {
      for (auto& block : blocks_) {
        if (block.busy && block.call.done) TRY(settle(block));
        if (!block.busy) return &block;
      }
      TRY(wait_for_one());
    }
  }

  Result<void> wait_until_idle() {
    while (true) {
      for (auto& block : blocks_) {
        if (block.busy && block.call.done) TRY(settle(block));
      }
      if (std::ranges::none_of(blocks_, &Block::busy)) return {};
      TRY(wait_for_one());
    }
  }

  Result<void> wait_for_one() {
    return file_.mount().wait(doing_, file_.mount().stall_limit(), [&] {
      return std::ranges::any_of(blocks_, [](const Block& b) { return b.busy && b.call.done; });
    });
  }

  NfsFile file_;
  std::string doing_, probe_;
  size_t most_;
  uint64_t offset_ = 0;
  std::array<Block, kBlocks> blocks_;
};

// Reads ahead, in the order of the file.
class NfsSource : public stream::Source {
 public:
  NfsSource(NfsFile file, uint64_t size_bytes, std::string doing)
      : file_(std::move(file)),
        doing_(std::move(doing)),
        size_bytes_(size_bytes),
        most_(block_bytes(nfs_get_readmax(file_.mount().context()))) {}
  ~NfsSource() override {
    if (std::ranges::any_of(blocks_, &Block::busy))
      (void)file_.mount().wait(doing_, file_.mount().stall_limit(), [&] {
        return std::ranges::all_of(blocks_, [](const Block& b) { return !b.busy || b.call.done; });
      });
  }

  Result<size_t> read(MutableBytes into) override {
    TRY(ask_ahead());
    auto& block = blocks_[next_ % kBlocks];
    if (!block.busy) return 0;
    TRY(file_.mount().wait(doing_, file_.mount().stall_limit(), [&] { return block.call.done; }));
    if (block.call.status < 0) return std::unexpected(file_.mount().error_of(block.call, doing_));
    auto have = static_cast<size_t>(block.call.status);
    if (have == 0)
      return fail(Code::corrupt,
                  std::format("{}: it ends before its {} bytes", doing_, size_bytes_));
    auto n = std::min(into.size(), have - block.sent);
    std::memcpy(into.data(), block.memory.data() + block.sent, n);
    block.sent += n;
    if (block.sent < have) return n;
    if (have < block.size) {  // the server gave less than it was asked for: the rest comes next
      TRY(ask(block, block.offset + have, block.size - have));
      return n;
    }
    block.busy = false;
    ++next_;
    return n;
  }

 private:
  Result<void> ask(Block& block, uint64_t offset, size_t size) {
    block.call = {};
    block.offset = offset;
    block.size = size;
    block.sent = 0;
    block.memory.resize(most_);
    block.call.take = [&block](void* data) {
      std::memcpy(block.memory.data(), data,
                  std::min(static_cast<size_t>(block.call.status), block.memory.size()));
    };
    block.busy = true;
    auto begun = file_.mount().begin(
        block.call, doing_, [&](nfs_context* context, nfs_cb ended, void* data) {
          return nfs_pread_async(context, file_.handle(), offset, size, ended, data);
        });
    if (!begun) block.busy = false;
    TRY(begun);
    return file_.mount().serve(doing_);
  }

  Result<void> ask_ahead() {
    while (asked_ < size_bytes_) {
      auto& block = blocks_[begun_ % kBlocks];
      if (block.busy) return {};
      auto size = std::min<uint64_t>(most_, size_bytes_ - asked_);
      TRY(ask(block, asked_, size));
      asked_ += size;
      ++begun_;
    }
    return {};
  }

  NfsFile file_;
  std::string doing_;
  uint64_t size_bytes_;
  size_t most_;
  uint64_t asked_ = 0;
  uint64_t begun_ = 0, next_ = 0;  // blocks asked for, blocks read
  std::array<Block, kBlocks> blocks_;
};

}  // namespace

Result<std::unique_ptr<stream::Sink>> nfs_sink(std::shared_ptr<NfsMount> mount,
                                               const std::string& path, const std::string& doing,
                                               const std::string& probe) {
  auto file = TRY(NfsFile::open(std::move(mount), path, O_CREAT | O_EXCL | O_WRONLY, doing));
  return std::make_unique<NfsSink>(std::move(file), doing, probe);
}

Result<std::unique_ptr<stream::Source>> nfs_source(std::shared_ptr<NfsMount> mount,
                                                   const std::string& path, uint64_t size_bytes,
                                                   const std::string& doing) {
  auto file = TRY(NfsFile::open(std::move(mount), path, O_RDONLY, doing));
  return std::make_unique<NfsSource>(std::move(file), size_bytes, doing);
}

Result<void> nfs_sync(std::shared_ptr<NfsMount> mount, const std::string& path, uint64_t size_bytes,
                      const std::string& doing) {
  auto file = TRY(NfsFile::open(std::move(mount), path, O_WRONLY, doing));
  TRY(file.sync(doing, size_bytes));
  return file.close(doing, size_bytes);
}

}  // namespace snap::dest
