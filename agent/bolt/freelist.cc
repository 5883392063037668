#include "bolt/freelist.h"

#include <algorithm>

namespace snap::bolt {
namespace {

constexpr uint64_t kIdBytes = 8;
constexpr uint16_t kCountFollows = 0xFFFF;  // the real count is the first id

// How many ids there are, and where they start in the page.
struct Extent {
  uint64_t count, start;
};

Result<std::optional<Extent>> read_extent(Shared& shared, Window& window) {
  auto page = shared.meta.freelist;
  auto refuse = [&](std::string what) {
    shared.damage(page, "freelist: " + std::move(what));
    return std::nullopt;
  };
  auto bytes = TRY(window.fill(shared.offset(page), kPageHeaderBytes + kIdBytes));
  if (bytes.empty()) return refuse("the file ended while it was read");
  auto header = read_page_header(bytes.data());
  if (header.id != page || header.type != kFreelist)
    return refuse(std::format("page header names page {} of type {:#x}, expected page {} of {:#x}",
                              header.id, header.type, page, +kFreelist));
  if (header.span() > shared.meta.pages - page)
    return refuse(std::format("runs on over {} pages, past the last page in use", header.overflow));
  Extent extent{header.count, kPageHeaderBytes};
  if (header.count == kCountFollows)
    extent = {load_le<uint64_t>(bytes.data() + kPageHeaderBytes), kPageHeaderBytes + kIdBytes};
  auto room = (header.span() * shared.meta.page_bytes - extent.start) / kIdBytes;
  if (extent.count > room)
    return refuse(std::format("names {} pages, there is room for {}", extent.count, room));
  shared.used.mark(page, header.span());
  return extent;
}

void mark_free(Shared& shared, Bytes ids) {
  for (size_t at = 0; at < ids.size(); at += kIdBytes) {
    auto id = load_le<uint64_t>(ids.data() + at);
    if (id < 2 || id >= shared.meta.pages)
      shared.damage(shared.meta.freelist, std::format("freelist: names page {}, expected 2 to {}",
                                                      id, shared.meta.pages - 1));
    else if (shared.free->mark(id, 1))
      shared.damage(id, "page is on the freelist twice");
    else if (shared.used.test(id))
      shared.damage(id, "page of the freelist is on the freelist");
  }
}

}  // namespace

Result<void> read_freelist(Shared& shared, Window& window) {
  if (shared.meta.freelist == kNoFreelist) return {};
  auto extent = TRY(read_extent(shared, window));
  if (!extent) return {};
  shared.free = std::make_unique<PageMarks>(shared.meta.pages);
  auto offset = shared.offset(shared.meta.freelist) + extent->start;
  for (auto left = extent->count * kIdBytes; left > 0;) {
    auto size = std::min<uint64_t>(left, Window::kBytes);
    auto ids = TRY(window.fill(offset, size));
    if (ids.empty()) {
      shared.damage(shared.meta.freelist, "freelist: the file ended while it was read");
      shared.free.reset();
      return {};
    }
    mark_free(shared, ids);
    offset += size;
    left -= size;
  }
  return {};
}

}  // namespace snap::bolt
