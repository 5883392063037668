#include "jobs/changes.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "base/handle.h"

namespace snap::jobs {
namespace {

constexpr size_t kPageBytes = 4096;  // etcd's, and a multiple of it on hosts with larger ones
constexpr size_t kBlockBytes = 1 << 20;

// Full blocks but for the last. Aligned, as reading past the page cache wants it.
class Blocks {
 public:
  explicit Blocks(stream::Source& source)
      : source_(source),
        memory_(static_cast<std::byte*>(std::aligned_alloc(kPageBytes, kBlockBytes))) {
    if (!memory_) throw std::bad_alloc();
  }

  Result<Bytes> next() {
    size_t have = 0;
    while (have < kBlockBytes && !ended_) {
      auto n = TRY(source_.read({memory_.get() + have, kBlockBytes - have}));
      ended_ = n == 0;
      have += n;
    }
    return Bytes(memory_.get(), have);
  }

 private:
  stream::Source& source_;
  Handle<std::byte, &std::free> memory_;
  bool ended_ = false;
};

bool same_page(Bytes before, Bytes now, size_t at) {
  auto size = std::min(kPageBytes, now.size() - at);
  return at + size <= before.size() && std::memcmp(&before[at], &now[at], size) == 0;
}

}  // namespace

Result<Changes> write_changes(stream::Source& before, stream::Source& now, dest::Patch& into,
                              const std::function<void(uint64_t bytes)>& progress,
                              const std::stop_token& stop) {
  Blocks old_blocks(before), new_blocks(now);
  Changes changes;
  while (true) {
    if (stop.stop_requested()) return fail(Code::cancelled, "interrupted");
    auto block = TRY(new_blocks.next());
    if (block.empty()) return changes;
    auto old_block = TRY(old_blocks.next());
    // Runs of pages that are all the same, or all different.
    for (size_t at = 0; at < block.size();) {
      bool same = same_page(old_block, block, at);
      size_t end = at;
      while (end < block.size() && same_page(old_block, block, end) == same) end += kPageBytes;
      end = std::min(end, block.size());
      TRY(same ? into.skip(end - at) : into.write(block.subspan(at, end - at)));
      if (!same) changes.changed_bytes += end - at;
      at = end;
    }
    changes.bytes += block.size();
    if (progress) progress(changes.bytes);
  }
}

}  // namespace snap::jobs
