#include "bolt/tree.h"

#include <algorithm>

namespace snap::bolt {
namespace {

// Pages between two leaves that are read along because a read of its own would cost more.
constexpr uint64_t kGapPages = 4;

constexpr std::string_view kEnded = "the file ended while it was read";

}  // namespace

TreeWalker::TreeWalker(Shared& shared, std::function<void()> tick)
    : shared_(shared), tick_(std::move(tick)), window_(shared.file, shared.meta.page_bytes) {}

Result<void> TreeWalker::walk(uint64_t page, const KeyRange& range, unsigned level, Items items,
                              Visitor& visitor, Bytes from) {
  return node(page, range, level, nullptr, Task{items, visitor, from});
}

Result<TreeWalker::Branch> TreeWalker::open_branch(uint64_t page, const KeyRange& range,
                                                   unsigned level) {
  Branch branch;
  if (!TRY(hold(page, 1, level, nullptr))) return branch;
  auto header = read_page_header(window_.at(page, 1).data());
  if (header.type == kLeaf) {
    branch.kind = Kind::leaf;
    return branch;
  }
  if (!claim_node(shared_, page, header)) return branch;
  if (!TRY(take_branch(page, header, range, level, branch.node))) return branch;
  branch.kind = Kind::branch;
  branch.count = header.count;
  return branch;
}

bool TreeWalker::check_child(uint64_t page, size_t element, uint64_t child) {
  if (child >= 2 && child < shared_.meta.pages) return true;
  shared_.damage(page, std::format("element {} points to page {}, expected one from 2 to {}",
                                   element, child, shared_.meta.pages - 1));
  return false;
}

Result<void> TreeWalker::node(uint64_t page, const KeyRange& range, unsigned level,
                              const Siblings* siblings, const Task& task) {
  if (!TRY(hold(page, 1, level, siblings))) return {};
  auto header = read_page_header(window_.at(page, 1).data());
  if (!claim_node(shared_, page, header)) return {};
  has_leaves_[level] = header.type == kLeaf;
  if (header.type == kBranch) {
    if (level >= kMaxDepth) {
      shared_.damage(page, std::format("tree is deeper than {} levels", kMaxDepth));
      return {};
    }
    auto& copy = branches_[level];
    if (!TRY(take_branch(page, header, range, level, copy))) return {};
    return children(page, copy, header.count, range, level, task);
  }
  last_span_ = header.span();
  if (header.span() > window_.capacity_pages()) return large_leaf(page, header, range, task);
  if (!TRY(hold(page, header.span(), level, siblings))) return {};
  auto bytes = window_.at(page, header.span());
  Place place{{page, shared_.offset(page)}};
  if (auto leaf = check_leaf(shared_.damages, place, bytes, header.count, range, task.items))
    task.visitor.leaf(*leaf);
  return {};
}

Result<void> TreeWalker::children(uint64_t page, Bytes node, uint16_t count, const KeyRange& range,
                                  unsigned level, const Task& task) {
  for (size_t i = first_child(node, count, task.from); i < count; ++i) {
    auto child = branch_child(node, i);
    if (!check_child(page, i, child)) continue;
    KeyRange below{branch_key(node, i), range.high};
    if (i + 1 < count) below.high = branch_key(node, i + 1);
    Siblings siblings{node, i, count};
    TRY(this->node(child, below, level + 1, &siblings, task));
  }
  return {};
}

Result<bool> TreeWalker::take_branch(uint64_t page, const PageHeader& header, const KeyRange& range,
                                     unsigned level, std::vector<std::byte>& into) {
  auto size_bytes = header.span() * shared_.meta.page_bytes;
  if (size_bytes > kMaxBranchBytes) {
    shared_.damage(page, std::format("branch page is {} bytes long, bbolt writes {} at most",
                                     size_bytes, kMaxBranchBytes));
    return false;
  }
  if (!TRY(hold(page, header.span(), level, nullptr))) return false;
  auto bytes = window_.at(page, header.span());
  into.assign(bytes.begin(), bytes.end());
  return check_branch(shared_.damages, {{page, shared_.offset(page)}}, into, header.count, range);
}

Result<bool> TreeWalker::hold(uint64_t page, uint64_t pages, unsigned level,
                              const Siblings* siblings) {
  if (window_.holds(page, pages)) return true;
  if (shared_.stop.stop_requested()) return fail(Code::cancelled, "reading was cancelled");
  if (tick_) tick_();
  auto run = pages;
  if (siblings && has_leaves_[level]) run = std::max(run, run_length(page, *siblings));
  run = std::min(run, shared_.meta.pages - page);
  if (TRY(window_.load(page, run))) return true;
  shared_.damage(page, std::string(kEnded));
  return false;
}

uint64_t TreeWalker::run_length(uint64_t page, const Siblings& siblings) const {
  auto gap = std::max(kGapPages, last_span_ + 1);
  auto limit = window_.capacity_pages();
  auto last = page;
  for (auto i = siblings.index + 1; i < siblings.count; ++i) {
    auto next = branch_child(siblings.node, i);
    if (next <= last || next - last > gap || next - page >= limit) break;
    last = next;
  }
  return std::min(last - page + last_span_, limit);
}

Result<void> TreeWalker::large_leaf(uint64_t page, const PageHeader& header, const KeyRange& range,
                                    const Task& task) {
  auto start_byte = shared_.offset(page);
  auto size_bytes = header.span() * shared_.meta.page_bytes;
  auto refuse = [&](size_t index, std::string_view what) -> Result<void> {
    shared_.damage(page, std::format("element {} of {} {}", index, header.count, what));
    return {};
  };
  if (task.items == Items::buckets)
    return refuse(0, "is a bucket in a page that is too large to name buckets");
  std::vector<std::byte> table(header.count * kElementBytes);
  if (!TRY(shared_.file.read(table, start_byte + kPageHeaderBytes))) return refuse(0, kEnded);
  std::vector<std::byte> key;
  std::vector<std::byte> last_key;  // what `order` compares with
  KeyOrder order(range);
  auto end = element_at(header.count);
  for (size_t i = 0; i < header.count; ++i) {
    auto element = read_leaf_element(table.data() + i * kElementBytes);
    auto start = element_at(i) + element.position;
    auto value = start + element.key_bytes;
    if (element.key_bytes == 0 || element.key_bytes > kMaxKeyBytes || start < end ||
        value + element.value_bytes > size_bytes || element.flags != 0)
      return refuse(
          i, std::format("is out of bounds: {} bytes of key and {} of value at byte {} "
                         "of {}, flags {:#x}",
                         element.key_bytes, element.value_bytes, start, size_bytes, element.flags));
    end = value + element.value_bytes;
    key.resize(element.key_bytes);
    if (!TRY(shared_.file.read(key, start_byte + start))) return refuse(i, kEnded);
    if (auto problem = order.next(key); !problem.empty()) {
      shared_.damage(page, std::format("key of element {} {}", i, problem));
      return {};
    }
    task.visitor.large_item({page, start_byte}, key, element.value_bytes);
    TRY(large_value(start_byte + value, element.value_bytes, task));
    std::swap(key, last_key);
  }
  return {};
}

Result<void> TreeWalker::large_value(uint64_t offset, uint64_t size_bytes, const Task& task) {
  while (size_bytes > 0) {
    if (shared_.stop.stop_requested()) return fail(Code::cancelled, "reading was cancelled");
    if (tick_) tick_();
    auto size = std::min<uint64_t>(size_bytes, Window::kBytes);
    auto piece = TRY(window_.fill(offset, size));
    if (piece.empty()) {
      shared_.damages.add({offset / shared_.meta.page_bytes, offset, std::string(kEnded)});
      return {};
    }
    task.visitor.large_value(piece);
    offset += size;
    size_bytes -= size;
  }
  return {};
}

}  // namespace snap::bolt
