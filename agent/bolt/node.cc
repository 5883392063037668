#include "bolt/node.h"

#include "base/text.h"

namespace snap::bolt {
namespace {

bool less(Bytes a, Bytes b) { return as_text(a) < as_text(b); }

void report(Damages& damages, const Place& place, std::string what) {
  if (!place.inline_bucket.empty())
    what = std::format("in the inline bucket '{}', {}", escaped(place.inline_bucket), what);
  damages.add({place.at.page, place.at.byte, std::move(what)});
}

std::string_view key_problem(uint32_t key_bytes) {
  if (key_bytes == 0) return "has an empty key";
  if (key_bytes > kMaxKeyBytes) return "has a key longer than 32768 bytes";
  return {};
}

}  // namespace

Bytes Leaf::key(size_t index) const {
  auto element = read_leaf_element(node_.data() + element_at(index));
  return {node_.data() + element_at(index) + element.position, element.key_bytes};
}

Bytes Leaf::value(size_t index) const {
  auto element = read_leaf_element(node_.data() + element_at(index));
  return {node_.data() + element_at(index) + element.position + element.key_bytes,
          element.value_bytes};
}

bool Leaf::is_bucket(size_t index) const {
  return (read_leaf_element(node_.data() + element_at(index)).flags & kBucketFlag) != 0;
}

std::string_view KeyOrder::next(Bytes key) {
  std::string_view problem;
  if (last_ && !less(*last_, key))
    problem = "is not above the one before it";
  else if (!last_ && less(key, range_.low))
    problem = "is below the key that its branch page names";
  else if (range_.high && !less(key, *range_.high))
    problem = "is not below the next key of its branch page";
  last_ = key;
  return problem;
}

size_t first_child(Bytes node, size_t count, Bytes from) {
  size_t first = 0;
  while (!from.empty() && first + 1 < count && !less(from, branch_key(node, first + 1))) ++first;
  return first;
}

bool claim_node(Shared& shared, uint64_t page, const PageHeader& header) {
  if (header.id != page) {
    shared.damage(page, std::format("page header names page {}, expected {}", header.id, page));
    return false;
  }
  if (header.type != kBranch && header.type != kLeaf) {
    shared.damage(page, std::format("page type is {:#x}, expected branch ({:#x}) or leaf ({:#x})",
                                    header.type, +kBranch, +kLeaf));
    return false;
  }
  if (header.span() > shared.meta.pages - page) {
    shared.damage(page, std::format("runs on over {} pages, past the last page in use, {}",
                                    header.overflow, shared.meta.pages - 1));
    return false;
  }
  auto needed = kPageHeaderBytes + header.count * kElementBytes;
  if (needed > header.span() * shared.meta.page_bytes) {
    shared.damage(page, std::format("{} elements need {} bytes, the page has {}", header.count,
                                    needed, header.span() * shared.meta.page_bytes));
    return false;
  }
  if (auto again = shared.used.mark(page, header.span())) {
    shared.damage(*again, "page is used twice");
    return false;
  }
  if (shared.free)
    for (uint64_t i = page; i < page + header.span(); ++i)
      if (shared.free->test(i)) shared.damage(i, "page is in use and on the freelist");
  shared.used_bytes.fetch_add(header.span() * shared.meta.page_bytes, std::memory_order_relaxed);
  return true;
}

std::optional<Leaf> check_leaf(Damages& damages, const Place& place, Bytes node, uint16_t count,
                               const KeyRange& range, Items items) {
  KeyOrder order(range);
  uint64_t end = element_at(count);  // of the item before
  uint64_t first = end;
  bool packed = true;
  auto refuse = [&](size_t index, std::string_view what) {
    report(damages, place, std::format("element {} of {} {}", index, count, what));
    return std::nullopt;
  };
  for (size_t i = 0; i < count; ++i) {
    auto element = read_leaf_element(node.data() + element_at(i));
    if (auto problem = key_problem(element.key_bytes); !problem.empty()) return refuse(i, problem);
    uint64_t start = element_at(i) + element.position;
    uint64_t stop = start + element.key_bytes + element.value_bytes;
    if (start < end) return refuse(i, "overlaps what lies before it");
    if (stop > node.size())
      return refuse(i, std::format("ends at byte {}, the page has {}", stop, node.size()));
    if (element.flags != (items == Items::buckets ? kBucketFlag : 0))
      return refuse(i, std::format("has flags {:#x}, expected {}", element.flags,
                                   items == Items::buckets ? "a bucket (0x1)" : "a pair (0)"));
    if (auto problem = order.next(node.subspan(start, element.key_bytes)); !problem.empty()) {
      report(damages, place, std::format("key of element {} {}", i, problem));
      return std::nullopt;
    }
    if (i == 0) first = start;
    packed = packed && (i == 0 || start == end);
    end = stop;
  }
  auto run = packed ? node.subspan(first, end - first) : Bytes();
  return Leaf(place.at, node, count, run);
}

bool check_branch(Damages& damages, const Place& place, Bytes node, uint16_t count,
                  const KeyRange& range) {
  if (count == 0) {
    report(damages, place, "branch page has no elements");
    return false;
  }
  KeyOrder order(range);
  for (size_t i = 0; i < count; ++i) {
    auto element = read_branch_element(node.data() + element_at(i));
    std::string problem(key_problem(element.key_bytes));
    uint64_t start = element_at(i) + element.position;
    if (problem.empty() && start < element_at(count)) problem = "overlaps what lies before it";
    if (problem.empty() && start + element.key_bytes > node.size())
      problem =
          std::format("ends at byte {}, the page has {}", start + element.key_bytes, node.size());
    if (!problem.empty()) {
      report(damages, place, std::format("element {} of {} {}", i, count, problem));
      return false;
    }
    if (auto wrong = order.next(node.subspan(start, element.key_bytes)); !wrong.empty()) {
      report(damages, place, std::format("key of element {} {}", i, wrong));
      return false;
    }
  }
  return true;
}

}  // namespace snap::bolt
