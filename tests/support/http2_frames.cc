#include "support/http2_frames.h"

#include <nghttp2/nghttp2.h>

#include <array>

#include "base/bytes.h"
#include "base/handle.h"

namespace snap::test {
namespace {

// RFC 7541, 5.1, with a prefix of 7 bits.
std::string hpack_string(const std::string& text) {
  std::string out;
  auto size = text.size();
  if (size < 127) {
    out.push_back(static_cast<char>(size));
  } else {
    out.push_back(127);
    for (size -= 127; size >= 128; size /= 128) out.push_back(static_cast<char>(size % 128 + 128));
    out.push_back(static_cast<char>(size));
  }
  return out + text;
}

}  // namespace

std::string big_endian(uint32_t value) {
  std::array<std::byte, 4> bytes;
  store_be(bytes.data(), value);
  return std::string(as_text(bytes));
}

std::string http2_frame(uint8_t type, uint8_t flags, uint32_t stream, const std::string& payload) {
  auto out = big_endian(static_cast<uint32_t>(payload.size())).substr(1);
  out.push_back(static_cast<char>(type));
  out.push_back(static_cast<char>(flags));
  return out + big_endian(stream) + payload;
}

std::string header_block(const std::vector<std::pair<std::string, std::string>>& headers) {
  std::string out;
  for (const auto& [name, value] : headers)
    out += std::string(1, '\0') + hpack_string(name) + hpack_string(value);
  return out;
}

std::string path_in(const std::string& block) {
  nghttp2_hd_inflater* made = nullptr;
  if (nghttp2_hd_inflate_new(&made) != 0) return {};
  Handle<nghttp2_hd_inflater, &nghttp2_hd_inflate_del> inflater(made);
  const auto* at = reinterpret_cast<const uint8_t*>(block.data());
  size_t left = block.size();
  for (;;) {
    nghttp2_nv field;
    int flags = 0;
    auto n = nghttp2_hd_inflate_hd2(inflater.get(), &field, &flags, at, left, 1);
    if (n < 0) return {};
    at += n;
    left -= static_cast<size_t>(n);
    if (flags & NGHTTP2_HD_INFLATE_EMIT) {
      std::string name(reinterpret_cast<char*>(field.name), field.namelen);
      if (name == ":path") return {reinterpret_cast<char*>(field.value), field.valuelen};
    } else if (flags & NGHTTP2_HD_INFLATE_FINAL || n == 0) {
      return {};
    }
  }
}

}  // namespace snap::test
