// One bit a page, set from several threads. Private to the room.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>
#include <optional>

namespace snap::bolt {

class PageMarks {
 public:
  explicit PageMarks(uint64_t pages)
      : words_(pages / 64 + 1), bits_(std::make_unique<std::atomic<uint64_t>[]>(words_)) {}

  bool test(uint64_t page) const {
    return (bits_[page / 64].load(std::memory_order_relaxed) >> (page % 64)) & 1;
  }
  // The first of these pages that had its mark already; those behind it are left alone.
  std::optional<uint64_t> mark(uint64_t page, uint64_t count) {
    for (; count > 0; ++page, --count) {
      auto bit = uint64_t{1} << (page % 64);
      if (bits_[page / 64].fetch_or(bit, std::memory_order_relaxed) & bit) return page;
    }
    return std::nullopt;
  }
  uint64_t count() const {
    uint64_t count = 0;
    for (uint64_t i = 0; i < words_; ++i)
      count += static_cast<uint64_t>(std::popcount(bits_[i].load(std::memory_order_relaxed)));
    return count;
  }

 private:
  uint64_t words_;
  std::unique_ptr<std::atomic<uint64_t>[]> bits_;
};

}  // namespace snap::bolt
