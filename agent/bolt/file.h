// Reading a bbolt file: its meta pages, its pages by number, a window of several at once.
//
// Always with pread: a file that is cut while it is read gives short reads, not SIGBUS.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "bolt/damage.h"
#include "bolt/page.h"

namespace snap::bolt {

struct File {
  int fd = -1;              // not owned
  std::string name;         // for errors
  uint64_t size_bytes = 0;  // as it was when looking began; nothing past it is read

  // Whether all of `into` could be read: false when the file ends before. Errors: I/O only.
  Result<bool> read(MutableBytes into, uint64_t offset) const;
};

// The valid meta page with the higher transaction id. A meta page that is not valid is damage even
// when the other one can be used. Nothing when neither can, or when what it says does not fit the
// file.
Result<std::optional<Meta>> choose_meta(const File& file, Damages& damages);

// A few neighbouring pages in memory. Used by one thread.
class Window {
 public:
  static constexpr size_t kBytes = 1 << 20;

  Window(const File& file, uint32_t page_bytes);

  uint64_t capacity_pages() const { return kBytes / page_bytes_; }
  bool holds(uint64_t page, uint64_t pages) const {
    return page >= first_ && page + pages <= first_ + pages_;
  }
  // Valid until the next load, fill or drop.
  Bytes at(uint64_t page, uint64_t pages) const {
    return {buffer_.get() + (page - first_) * page_bytes_, pages * page_bytes_};
  }
  // Reads at most capacity_pages() from `page` on. False: the file ends before.
  Result<bool> load(uint64_t page, uint64_t pages);
  // Reads any bytes, at most kBytes; the window holds no page afterwards. Empty: the file ends
  // before.
  Result<Bytes> fill(uint64_t offset, size_t size_bytes);

 private:
  const File& file_;
  uint32_t page_bytes_;
  std::unique_ptr<std::byte[]> buffer_;
  uint64_t first_ = 0;
  uint64_t pages_ = 0;
};

}  // namespace snap::bolt
