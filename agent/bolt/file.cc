#include "bolt/file.h"

#include <array>
#include <format>

#include "base/file.h"

namespace snap::bolt {
namespace {

struct MetaPage {
  PageHeader header;  // used by nobody, but part of the format
  Meta meta;
};
using MetaResult = std::expected<MetaPage, std::string>;

Result<MetaResult> read_meta_at(const File& file, uint64_t offset) {
  std::array<std::byte, kPageHeaderBytes + kMetaBytes> page;
  auto body = Bytes(page).subspan(kPageHeaderBytes);
  if (!TRY(file.read(page, offset))) body = {};
  auto meta = read_meta(body);
  if (!meta) return MetaResult(std::unexpected(std::move(meta).error()));
  return MetaResult(MetaPage{read_page_header(page.data()), *meta});
}

// Without page 0 nothing says how large a page is, so its spare is looked for at every size.
Result<std::optional<MetaPage>> find_spare(const File& file) {
  for (uint64_t size = kMinPageBytes; size <= kMaxPageBytes; size *= 2) {
    auto page = TRY(read_meta_at(file, size));
    if (page && page->meta.page_bytes == size) return *page;
  }
  return std::nullopt;
}

// What a meta page with a good checksum can still claim wrongly.
std::optional<std::string> implausible(const Meta& meta, uint64_t size_bytes) {
  if (meta.pages > size_bytes / meta.page_bytes)
    return std::format("{} pages of {} bytes are in use, but the file is {} bytes: it was cut",
                       meta.pages, meta.page_bytes, size_bytes);
  if (meta.root < 2 || meta.root >= meta.pages)
    return std::format("root is page {}, expected one from 2 to {}", meta.root, meta.pages - 1);
  if (meta.freelist != kNoFreelist && (meta.freelist < 2 || meta.freelist >= meta.pages))
    return std::format("freelist is page {}, expected none or one from 2 to {}", meta.freelist,
                       meta.pages - 1);
  return std::nullopt;
}

void check_meta_header(const MetaPage& page, uint64_t id, Damages& damages) {
  if (page.header.id != id || page.header.type != kMeta)
    damages.add({id, id * page.meta.page_bytes,
                 std::format("page header names page {} of type {:#x}, expected page {} of type "
                             "{:#x} (meta)",
                             page.header.id, page.header.type, id, +kMeta)});
}

}  // namespace

Result<bool> File::read(MutableBytes into, uint64_t offset) const {
  if (offset > size_bytes || into.size() > size_bytes - offset) return false;
  return TRY(pread_full(fd, into, offset, name)) == into.size();
}

Result<std::optional<Meta>> choose_meta(const File& file, Damages& damages) {
  auto first = TRY(read_meta_at(file, 0));
  std::optional<MetaPage> spare;
  std::string spare_why;
  if (first) {
    auto second = TRY(read_meta_at(file, first->meta.page_bytes));
    if (second)
      spare = *second;
    else
      spare_why = second.error();
  } else {
    spare = TRY(find_spare(file));
  }
  if (!first && !spare) {
    damages.add({0, 0,
                 "no valid meta page, so this is no bbolt file or its start is damaged: "
                 "in page 0, " +
                     first.error()});
    return std::nullopt;
  }
  if (!first)
    damages.add({0, 0, "meta page is damaged: " + first.error() + "; its spare, page 1, is sound"});
  if (!spare)
    damages.add({1, first->meta.page_bytes,
                 "meta page is damaged: " + spare_why + "; its spare, page 0, is sound"});
  bool second = !first || (spare && spare->meta.txid > first->meta.txid);
  auto meta = second ? spare->meta : first->meta;
  if (auto why = implausible(meta, file.size_bytes)) {
    damages.add({second ? 1 : 0, second ? meta.page_bytes : 0, *why});
    return std::nullopt;
  }
  if (first) check_meta_header(*first, 0, damages);
  if (spare) check_meta_header(*spare, 1, damages);
  return meta;
}

Window::Window(const File& file, uint32_t page_bytes)
    : file_(file),
      page_bytes_(page_bytes),
      buffer_(std::make_unique_for_overwrite<std::byte[]>(kBytes)) {}

Result<bool> Window::load(uint64_t page, uint64_t pages) {
  first_ = page;
  pages_ = 0;
  if (!TRY(file_.read({buffer_.get(), pages * page_bytes_}, page * page_bytes_))) return false;
  pages_ = pages;
  return true;
}

Result<Bytes> Window::fill(uint64_t offset, size_t size_bytes) {
  pages_ = 0;
  MutableBytes into(buffer_.get(), size_bytes);
  if (!TRY(file_.read(into, offset))) return Bytes();
  return Bytes(into);
}

}  // namespace snap::bolt
