#include "wire/grpc.h"

#include <algorithm>
#include <charconv>

namespace snap::wire {

std::string frame(std::string_view message) {
  std::array<std::byte, kFrameHeaderBytes> header = {};
  store_be(header.data() + 1, static_cast<uint32_t>(message.size()));
  std::string out(as_text(header));
  return out.append(message);
}

Result<std::optional<uint32_t>> FrameHeader::take(Bytes& in, uint32_t max_bytes) {
  auto n = std::min(in.size(), bytes_.size() - have_);
  std::ranges::copy(in.first(n), bytes_.begin() + static_cast<ptrdiff_t>(have_));
  in = in.subspan(n);
  have_ += n;
  if (have_ < bytes_.size()) return std::optional<uint32_t>();
  have_ = 0;
  if (bytes_[0] != std::byte{0})
    return fail(Code::corrupt, "a compressed or damaged message, which was not asked for");
  auto size_bytes = load_be<uint32_t>(bytes_.data() + 1);
  if (size_bytes > max_bytes)
    return fail(Code::corrupt, "a message of " + std::to_string(size_bytes) +
                                   " bytes, more than the " + std::to_string(max_bytes) +
                                   " that are accepted");
  return std::optional(size_bytes);
}

Result<void> UnaryMessage::feed(Bytes in) {
  while (!in.empty()) {
    if (!size_bytes_) {
      size_bytes_ = TRY(header_.take(in, max_bytes_));
      continue;
    }
    auto n = std::min<size_t>(in.size(), *size_bytes_ - message_.size());
    if (n == 0) return fail(Code::corrupt, "a second message where one was expected");
    message_.append(as_text(in.first(n)));
    in = in.subspan(n);
  }
  return {};
}

Result<std::string> UnaryMessage::finish() && {
  if (!size_bytes_ || message_.size() < *size_bytes_)
    return fail(Code::corrupt, "the answer ends before its message does");
  return std::move(message_);
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = 0;
    const char* end = text.data() + std::min(i + 3, text.size());
    auto hex = text[i] == '%' && end == text.data() + i + 3
                   ? std::from_chars(text.data() + i + 1, end, byte, 16)
                   : std::from_chars_result{nullptr, std::errc::invalid_argument};
    if (hex.ptr == end) {
      out.push_back(static_cast<char>(byte));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

}  // namespace snap::wire
