#include "node/gunzip.h"

#include <zlib.h>

#include <format>

#include "base/text.h"

namespace snap::node {
namespace {

constexpr size_t kPackedBytes = 64 << 10;
constexpr int kGzipOnly = 16 + MAX_WBITS;  // zlib.h, inflateInit2

}  // namespace

struct Gunzip::State {
  z_stream z{};
  bool ready = false;
  ~State() {
    if (ready) inflateEnd(&z);
  }
};

Gunzip::Gunzip(stream::Source& source, const ArchiveLimits& limits)
    : source_(source), limits_(limits), state_(std::make_unique<State>()), packed_(kPackedBytes) {
  state_->ready = inflateInit2(&state_->z, kGzipOnly) == Z_OK;
  if (!state_->ready) damage_ = "zlib cannot be started";
}

Gunzip::~Gunzip() = default;

Result<void> Gunzip::refill() {
  auto& z = state_->z;
  if (z.avail_in > 0 || source_ended_) return {};
  auto size = TRY(source_.read(packed_));
  source_ended_ = size == 0;
  packed_bytes_ += size;
  z.next_in = reinterpret_cast<Bytef*>(packed_.data());
  z.avail_in = static_cast<uInt>(size);
  return {};
}

Result<size_t> Gunzip::read(MutableBytes into) {
  auto& z = state_->z;
  z.next_out = reinterpret_cast<Bytef*>(into.data());
  z.avail_out = static_cast<uInt>(into.size());
  while (damage_.empty() && !ended_ && z.avail_out == into.size()) {
    TRY(refill());
    if (z.avail_in == 0) {
      damage_ = packed_bytes_ == 0
                    ? "it is empty"
                    : std::format("it ends in the middle, after {} bytes", packed_bytes_);
      break;
    }
    int result = inflate(&z, Z_NO_FLUSH);
    if (result == Z_STREAM_END) {
      ended_ = true;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      damage_ = std::format("the gzip stream is damaged near byte {}: {}",
                            packed_bytes_ - z.avail_in, escaped(z.msg ? z.msg : "no gzip data"));
    }
  }
  auto size = into.size() - z.avail_out;
  unpacked_ += size;
  if (ended_) TRY(end());
  check_limits();
  return size;
}

// Nothing may follow the end: tools would pass over it, and so would a look at the content.
Result<void> Gunzip::end() {
  TRY(refill());
  if (state_->z.avail_in > 0 && damage_.empty()) {
    damage_ = std::format("bytes follow the end of the gzip stream at byte {}",
                          packed_bytes_ - state_->z.avail_in);
  }
  return {};
}

void Gunzip::check_limits() {
  if (!damage_.empty()) return;
  if (unpacked_ > limits_.total_bytes) {
    damage_ = std::format("it unpacks to more than {}", human_size(limits_.total_bytes));
  } else if (unpacked_ > limits_.ratio_from_bytes && unpacked_ / limits_.ratio > packed_bytes_) {
    damage_ = std::format("it unpacks to more than {} times its size", limits_.ratio);
  }
}

}  // namespace snap::node
