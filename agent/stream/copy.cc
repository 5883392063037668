#include "stream/copy.h"

#include <array>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <format>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/exception.h"
#include "base/handle.h"

namespace snap::stream {
namespace {

constexpr size_t kBufferBytes = 512 << 10;
constexpr size_t kBuffers = 6;
constexpr size_t kAlignment = 4096;  // a sink may write past the page cache

enum Follower : size_t { kTap, kSink };

// The ring. The reader fills slot `filled_ % kBuffers`; the sink and, where there is one, the tap
// each follow behind it at their own pace, and a slot is free again when all have passed it.
class Ring {
 public:
  explicit Ring(bool tapped)
      : tapped_(tapped),
        memory_(static_cast<std::byte*>(std::aligned_alloc(kAlignment, kBufferBytes * kBuffers))) {
    if (!memory_) throw std::bad_alloc();
  }

  MutableBytes slot(uint64_t n) {
    return {memory_.get() + n % kBuffers * kBufferBytes, kBufferBytes};
  }

  // The next slot to fill, or nothing when a follower failed.
  std::optional<MutableBytes> claim() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopped_ || filled_ - slowest() < kBuffers; });
    if (stopped_) return std::nullopt;
    return slot(filled_);
  }

  void publish(size_t bytes) {
    std::lock_guard lock(mutex_);
    sizes_[filled_ % kBuffers] = bytes;
    ++filled_;
    changed_.notify_all();
  }

  void end() {
    std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

  void stop() {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }

  // What follower `who` has to do next; nothing at the end or after a stop.
  std::optional<Bytes> next(Follower who) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopped_ || ended_ || followers_[who] < filled_; });
    if (stopped_ || followers_[who] == filled_) return std::nullopt;
    return slot(followers_[who]).first(sizes_[followers_[who] % kBuffers]);
  }

  void done(Follower who) {
    std::lock_guard lock(mutex_);
    ++followers_[who];
    changed_.notify_all();
  }

 private:
  uint64_t slowest() const {
    return tapped_ ? std::min(followers_[kTap], followers_[kSink]) : followers_[kSink];
  }

  bool tapped_;
  Handle<std::byte, &std::free> memory_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<size_t, kBuffers> sizes_{};
  std::array<uint64_t, 2> followers_{};  // slots that the tap and the sink have passed
  uint64_t filled_ = 0;
  bool ended_ = false;
  bool stopped_ = false;
};

// Reads until the source ends; whole slots, so that a sink sees full buffers but for the last.
Result<uint64_t> fill(Source& source, Ring& ring, const CopyOptions& options) {
  uint64_t total = 0;
  while (auto slot = ring.claim()) {
    size_t have = 0;
    bool ended = false;
    while (have < slot->size() && !ended) {
      if (options.stop.stop_requested()) return fail(Code::cancelled, "interrupted");
      auto n = TRY(source.read(slot->subspan(have)));
      have += n;
      ended = n == 0;
      if (options.progress) options.progress(total + have);
    }
    if (have > 0) ring.publish(have);
    total += have;
    if (ended) return total;
  }
  return total;  // a follower failed or we were interrupted: copy() knows
}

// Hands every slot to `take`, until the end, a stop, or its first Error. Nothing may be thrown out
// of a thread.
template <class Take>
Result<void> follow(Ring& ring, Follower who, Take take) {
  Result<void> result;
  try {
    while (auto bytes = ring.next(who)) {
      result = take(*bytes);
      if (!result) break;
      ring.done(who);
    }
  } catch (const std::exception& error) {
    result = Result<void>(std::unexpected(error_of(error))).context("copy");
  }
  if (!result) ring.stop();
  return result;
}

}  // namespace

Result<uint64_t> copy(Source& source, Sink& sink, const CopyOptions& options) {
  Ring ring(options.tap != nullptr);
  Result<void> tapped, written;
  std::jthread tap, writer;
  // Whatever is thrown here, the followers must not wait for a reader that is gone. Runs before
  // they are joined.
  struct StopRing {
    Ring& ring;
    ~StopRing() { ring.stop(); }
  } stop_ring{ring};
  std::stop_callback interrupted(options.stop, [&] { ring.stop(); });
  if (options.tap)
    tap = std::jthread([&] {
      tapped = follow(ring, kTap, [&](Bytes bytes) -> Result<void> {
        options.tap(bytes);
        return {};
      });
    });
  writer = std::jthread(
      [&] { written = follow(ring, kSink, [&](Bytes bytes) { return sink.write(bytes); }); });
  auto total = fill(source, ring, options);
  total ? ring.end() : ring.stop();
  if (tap.joinable()) tap.join();
  writer.join();
  if (!written) return std::unexpected(written.error());
  if (!tapped) return std::unexpected(tapped.error());
  if (total && options.stop.stop_requested()) return fail(Code::cancelled, "interrupted");
  return total;
}

Result<uint64_t> read_through(Source& source, CopyOptions options) {
  class TapSink : public Sink {
   public:
    explicit TapSink(Tap tap) : tap_(std::move(tap)) {}
    Result<void> write(Bytes data) override {
      tap_(data);
      return {};
    }
    Result<void> finish() override { return {}; }

   private:
    Tap tap_;
  } sink(std::exchange(options.tap, nullptr));
  return copy(source, sink, options);
}

Result<Hashed> hash_all(Source& source, std::stop_token stop) {
  Sha256 hash;
  auto bytes = TRY(read_through(
      source,
      {.tap = [&](Bytes data) { hash.update(data); }, .progress = {}, .stop = std::move(stop)}));
  return Hashed{hash.digest(), bytes};
}

}  // namespace snap::stream
