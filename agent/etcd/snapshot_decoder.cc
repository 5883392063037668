#include "etcd/snapshot_decoder.h"

#include <algorithm>

#include "base/text.h"

namespace snap::etcd {
namespace {

// etcd sends 32 KiB; this leaves room for others and bounds what a broken length can ask for.
constexpr uint32_t kMaxMessageBytes = 64U << 20;
constexpr uint64_t kMaxDatabaseBytes = 1ULL << 50;
constexpr size_t kMaxVersionBytes = 64;

std::unexpected<Error> inconsistent(const std::string& what) {
  return fail(Code::corrupt, "inconsistent stream: " + what);
}

}  // namespace

Result<void> SnapshotDecoder::feed(Bytes in, Out& out) {
  while (!in.empty()) {
    if (state_ == State::frame) {
      auto size_bytes = header_.take(in, kMaxMessageBytes);
      if (!size_bytes) return inconsistent(size_bytes.error().message);
      if (*size_bytes) TRY(begin_message(**size_bytes));
    } else {
      TRY(feed_message(in, out));
    }
  }
  return {};
}

Result<void> SnapshotDecoder::begin_message(uint32_t size_bytes) {
  if (trailer_seen_) return inconsistent("a message after the SHA-256 trailer");
  message_left_ = size_bytes;
  remaining_ = 0;
  blob_.reset();
  state_ = State::tag;
  varint_ = {};
  return size_bytes == 0 ? end_message() : Result<void>();
}

Result<void> SnapshotDecoder::feed_message(Bytes& in, Out& out) {
  if (state_ == State::blob || state_ == State::version || state_ == State::skip)
    feed_bytes(in, out);
  else
    TRY(feed_varint(in));
  if (message_left_ > 0) return {};
  if (state_ != State::tag) return inconsistent("a message ends inside a field");
  return end_message();
}

Result<void> SnapshotDecoder::feed_varint(Bytes& in) {
  auto state = varint_.add(in.front());
  in = in.subspan(1);
  --message_left_;
  if (state == wire::Varint::State::more) {
    // A tag that is cut by the end of its message must not pass for the start of another.
    if (message_left_ == 0) return inconsistent("a message ends inside a number");
    return {};
  }
  if (state == wire::Varint::State::too_long) return inconsistent("a number is too long");
  auto value = varint_.value();
  varint_ = {};
  if (state_ == State::tag) return begin_field(value);
  if (state_ == State::length) return begin_bytes(value);
  if (field_ == kRemaining) remaining_ = value;
  state_ = State::tag;
  return {};
}

Result<void> SnapshotDecoder::begin_field(uint64_t varint) {
  wire::Tag tag(varint);
  if (!tag.valid()) return inconsistent("a field of an unknown kind");
  field_ = tag.number;
  switch (static_cast<wire::WireType>(tag.type)) {
    case wire::WireType::varint: state_ = State::number; return {};
    case wire::WireType::bytes: state_ = State::length; return {};
    case wire::WireType::fixed64: field_ = 0; return begin_bytes(8);
    case wire::WireType::fixed32: field_ = 0; return begin_bytes(4);
  }
  return {};
}

Result<void> SnapshotDecoder::begin_bytes(uint64_t size_bytes) {
  if (size_bytes > message_left_) return inconsistent("a field runs past its message's end");
  field_left_ = size_bytes;
  state_ = State::skip;
  if (field_ == kBlob) TRY(begin_blob(size_bytes));
  if (field_ == kVersion) {
    version_.clear();
    state_ = State::version;
  }
  if (size_bytes == 0) state_ = State::tag;
  return {};
}

Result<void> SnapshotDecoder::begin_blob(uint64_t size_bytes) {
  state_ = State::blob;
  if (blob_) return inconsistent("two blobs in one message");
  blob_ = size_bytes;
  if (!total_ && remaining_ > 0 && remaining_ < kMaxDatabaseBytes) total_ = remaining_ + size_bytes;
  if (!total_ || size_bytes == 0) return {};
  if (left() > 0) {
    if (size_bytes <= left()) return {};
    return inconsistent("a blob of " + std::to_string(size_bytes) + " bytes where " +
                        std::to_string(left()) + " remain");
  }
  if (size_bytes != kTrailerBytes)
    return inconsistent("a trailer of " + std::to_string(size_bytes) + " bytes instead of 32");
  trailer_seen_ = true;
  return {};
}

void SnapshotDecoder::feed_bytes(Bytes& in, Out& out) {
  auto part = in.first(std::min<uint64_t>(in.size(), field_left_));
  in = in.subspan(part.size());
  field_left_ -= part.size();
  message_left_ -= part.size();
  if (state_ == State::blob) {
    delivered_ += part.size();
    out.take(part);
  }
  if (state_ == State::version && version_.size() + part.size() <= kMaxVersionBytes)
    version_ += as_text(part);
  if (field_left_ > 0) return;
  if (state_ == State::version) version_ = escaped(version_);
  state_ = State::tag;
}

Result<void> SnapshotDecoder::end_message() {
  state_ = State::frame;
  auto blob = blob_.value_or(0);
  if (!total_) {
    if (remaining_ >= kMaxDatabaseBytes) return inconsistent("an impossible size");
    if (remaining_ + blob == 0) return inconsistent("an empty database");
    total_ = remaining_ + blob;
  }
  auto expected = left();
  if (remaining_ == expected) return {};
  return inconsistent(std::to_string(remaining_) + " bytes are said to remain where " +
                      std::to_string(expected) + " do");
}

Result<void> SnapshotDecoder::finish() const {
  if (state_ != State::frame || header_.begun()) return inconsistent("it ended inside a message");
  if (!total_ || left() > 0)
    return inconsistent("it ended with " + std::to_string(total_ ? left() : 0) +
                        " bytes still to come");
  if (!trailer_seen_) return fail(Code::corrupt, "stream ended without the SHA-256 trailer");
  return {};
}

}  // namespace snap::etcd
