#include "bolt/page.h"

#include <bit>
#include <format>

namespace snap::bolt {
namespace {

constexpr uint32_t kMagic = 0xED0CDAED;
constexpr uint32_t kVersion = 2;

}  // namespace

PageHeader read_page_header(const std::byte* page) {
  return {.id = load_le<uint64_t>(page),
          .type = load_le<uint16_t>(page + 8),
          .count = load_le<uint16_t>(page + 10),
          .overflow = load_le<uint32_t>(page + 12)};
}

BranchElement read_branch_element(const std::byte* element) {
  return {.position = load_le<uint32_t>(element),
          .key_bytes = load_le<uint32_t>(element + 4),
          .child = load_le<uint64_t>(element + 8)};
}

LeafElement read_leaf_element(const std::byte* element) {
  return {.flags = load_le<uint32_t>(element),
          .position = load_le<uint32_t>(element + 4),
          .key_bytes = load_le<uint32_t>(element + 8),
          .value_bytes = load_le<uint32_t>(element + 12)};
}

uint64_t fnv1a64(Bytes data) {
  uint64_t hash = 0xcbf29ce484222325;
  for (auto byte : data) hash = (hash ^ std::to_integer<uint64_t>(byte)) * 0x100000001b3;
  return hash;
}

std::expected<Meta, std::string> read_meta(Bytes body) {
  if (body.size() < kMetaBytes) return std::unexpected("the file ends before it");
  const auto* at = body.data();
  auto magic = load_le<uint32_t>(at);
  if (magic == std::byteswap(kMagic))
    return std::unexpected("it was written on a big-endian machine, which is not supported");
  if (magic != kMagic)
    return std::unexpected(std::format("magic is {:08x}, expected {:08x}", magic, kMagic));
  if (auto version = load_le<uint32_t>(at + 4); version != kVersion)
    return std::unexpected(std::format("format version is {}, expected {}", version, kVersion));
  auto checksum = load_le<uint64_t>(at + 56);
  if (auto computed = fnv1a64(body.first(56)); checksum != computed)
    return std::unexpected(
        std::format("checksum is {:016x}, its content gives {:016x}", checksum, computed));
  Meta meta{.page_bytes = load_le<uint32_t>(at + 8),
            .root = load_le<uint64_t>(at + 16),
            .freelist = load_le<uint64_t>(at + 32),
            .pages = load_le<uint64_t>(at + 40),
            .txid = load_le<uint64_t>(at + 48)};
  if (!std::has_single_bit(meta.page_bytes) || meta.page_bytes < kMinPageBytes ||
      meta.page_bytes > kMaxPageBytes)
    return std::unexpected(std::format("page size is {}, expected a power of two from {} to {}",
                                       meta.page_bytes, kMinPageBytes, kMaxPageBytes));
  return meta;
}

}  // namespace snap::bolt
