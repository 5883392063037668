#include "bolt/walk.h"

#include <thread>

#include "base/text.h"
#include "bolt/freelist.h"
#include "bolt/tree.h"

namespace snap::bolt {
namespace {

constexpr size_t kMaxBuckets = 256;                                // etcd has ten
constexpr size_t kMaxInlineBytes = (16 << 10) + kPageHeaderBytes;  // a quarter of a page
constexpr size_t kWantedParts = 64;        // so that threads end at about the same time
constexpr size_t kBucketHeaderBytes = 16;  // root page id, sequence

// Collects what the root tree names.
class BucketList : public Visitor {
 public:
  explicit BucketList(Shared& shared) : shared_(shared) {}

  void leaf(const Leaf& leaf) override {
    for (size_t i = 0; i < leaf.size(); ++i) add(leaf, i);
  }
  void large_item(const Spot&, Bytes, uint64_t) override {}  // never in a tree of buckets
  void large_value(Bytes) override {}

  std::vector<Bucket> take() { return std::move(buckets_); }

 private:
  void add(const Leaf& leaf, size_t index) {
    auto value = leaf.value(index);
    Bucket bucket{.name = std::string(as_text(leaf.key(index))),
                  .root = value.size() < kBucketHeaderBytes ? 0 : load_le<uint64_t>(value.data()),
                  .inline_page = {},
                  .at = leaf.at()};
    auto least = kBucketHeaderBytes + (bucket.root == 0 ? kPageHeaderBytes : 0);
    auto refuse = [&](std::string_view what) {
      shared_.damage(leaf.at().page, std::format("bucket '{}' {}", escaped(bucket.name), what));
    };
    if (value.size() < least)
      return refuse(
          std::format("has an entry of {} bytes, expected at least {}", value.size(), least));
    if (bucket.root == 1 || bucket.root >= shared_.meta.pages)
      return refuse(std::format("has its root in page {}, expected one from 2 to {}", bucket.root,
                                shared_.meta.pages - 1));
    if (value.size() > kMaxInlineBytes)
      return refuse(std::format("is {} bytes inline, bbolt writes {} at most", value.size(),
                                kMaxInlineBytes));
    if (buckets_.size() == kMaxBuckets)
      return refuse(std::format("is one of more than {} buckets", kMaxBuckets));
    if (bucket.root == 0) {
      auto inline_page = value.subspan(kBucketHeaderBytes);
      bucket.inline_page.assign(inline_page.begin(), inline_page.end());
    }
    buckets_.push_back(std::move(bucket));
  }

  Shared& shared_;
  std::vector<Bucket> buckets_;
};

// A subtree that one thread walks. Its keys are below the `low` of the next part.
struct Part {
  uint64_t page = 0;
  std::string low;
  unsigned level = 0;
  Visitor* visitor = nullptr;
};

KeyRange range_of(const std::vector<Part>& parts, size_t index) {
  KeyRange range{as_bytes(parts[index].low), std::nullopt};
  if (index + 1 < parts.size()) range.high = as_bytes(parts[index + 1].low);
  return range;
}

// Cuts a tree into subtrees, in key order, by opening its branches from the top.
Result<std::vector<Part>> cut(TreeWalker& walker, uint64_t root, size_t wanted, Bytes from) {
  std::vector<Part> parts{{.page = root, .low = {}}};
  bool opened = true;
  while (opened && parts.size() < wanted && parts.front().level < kMaxDepth) {
    opened = false;
    std::vector<Part> finer;
    for (size_t i = 0; i < parts.size(); ++i) {
      if (finer.size() + parts.size() - i >= wanted) {  // enough: keep the rest as it is
        finer.push_back(parts[i]);
        continue;
      }
      auto branch = TRY(walker.open_branch(parts[i].page, range_of(parts, i), parts[i].level));
      if (branch.kind == TreeWalker::Kind::leaf) finer.push_back(parts[i]);
      if (branch.kind != TreeWalker::Kind::branch) continue;
      opened = true;
      for (size_t child = first_child(branch.node, branch.count, from); child < branch.count;
           ++child) {
        auto page = branch_child(branch.node, child);
        if (walker.check_child(parts[i].page, child, page))
          finer.push_back({.page = page,
                           .low = std::string(as_text(branch_key(branch.node, child))),
                           .level = parts[i].level + 1});
      }
    }
    parts = std::move(finer);
  }
  return parts;
}

}  // namespace

struct Walk::State {
  Shared shared;
  WalkOptions options;
  TreeWalker walker;  // of the caller's thread
  std::vector<Bucket> buckets = {};

  State(const File& file, const Meta& meta, WalkOptions opts, Damages& damages)
      : shared{.file = file,
               .meta = meta,
               .damages = damages,
               .stop = opts.stop,
               .used = PageMarks(meta.pages)},
        options(std::move(opts)),
        walker(shared, [this] {
          if (options.progress) options.progress(shared.used_bytes.load(std::memory_order_relaxed));
        }) {}

  Result<void> walk_inline(const Bucket& bucket, Visitor& visitor);
  Result<void> walk_parts(const std::vector<Part>& parts, Bytes from);
};

Walk::Walk(std::unique_ptr<State> state) : state_(std::move(state)) {}
Walk::~Walk() = default;

const Meta& Walk::meta() const { return state_->shared.meta; }
const std::vector<Bucket>& Walk::buckets() const { return state_->buckets; }

// Each page costs a bit, twice where a freelist is stored. 512 GiB of pages of 4 KiB: etcd itself
// stops far below.
constexpr uint64_t kMostPages = 1ULL << 27;

Result<std::unique_ptr<Walk>> Walk::open(const File& file, WalkOptions options, Damages& damages) {
  auto meta = TRY(choose_meta(file, damages));
  if (!meta) return nullptr;
  if (meta->pages > kMostPages) {
    damages.add(
        {0, 0, std::format("claims {} pages, at most {} are looked at", meta->pages, kMostPages)});
    return nullptr;
  }
  auto state = std::make_unique<State>(file, *meta, std::move(options), damages);
  state->shared.used.mark(0, 2);
  state->shared.used_bytes = 2 * uint64_t{meta->page_bytes};
  TRY(read_freelist(state->shared, state->walker.window()));
  BucketList list(state->shared);
  TRY(state->walker.walk(meta->root, {}, 0, Items::buckets, list));
  state->buckets = list.take();
  return std::unique_ptr<Walk>(new Walk(std::move(state)));
}

Result<void> Walk::walk(const Bucket& bucket, const NewPart& new_part, Bytes from) {
  if (bucket.root == 0) return state_->walk_inline(bucket, new_part());
  auto wanted = state_->options.threads > 1 ? kWantedParts : 1;
  auto parts = TRY(cut(state_->walker, bucket.root, wanted, from));
  for (auto& part : parts) part.visitor = &new_part();
  return state_->walk_parts(parts, from);
}

Result<void> Walk::State::walk_inline(const Bucket& bucket, Visitor& visitor) {
  Bytes node(bucket.inline_page);
  auto header = read_page_header(node.data());
  if (header.type != kLeaf || element_at(header.count) > node.size()) {
    shared.damage(bucket.at.page,
                  std::format("inline bucket '{}' is no leaf: type {:#x}, {} elements in {} bytes",
                              escaped(bucket.name), header.type, header.count, node.size()));
    return {};
  }
  Place place{bucket.at, bucket.name};
  if (auto leaf = check_leaf(shared.damages, place, node, header.count, {}, Items::pairs))
    visitor.leaf(*leaf);
  return {};
}

Result<void> Walk::State::walk_parts(const std::vector<Part>& parts, Bytes from) {
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  Result<void> outcome;
  auto work = [&](TreeWalker& by) {
    for (size_t i; (i = next.fetch_add(1)) < parts.size();) {
      auto result = by.walk(parts[i].page, range_of(parts, i), parts[i].level, Items::pairs,
                            *parts[i].visitor, from);
      if (result) continue;
      next = parts.size();
      std::lock_guard lock(mutex);
      if (outcome) outcome = std::move(result);
    }
  };
  std::vector<std::jthread> helpers;
  if (parts.size() >= kWantedParts / 2)
    for (unsigned i = 1; i < options.threads; ++i)
      helpers.emplace_back([&] {
        TreeWalker own(shared, {});
        work(own);
      });
  work(walker);
  helpers.clear();
  return outcome;
}

Result<uint64_t> Walk::finish() {
  auto& shared = state_->shared;
  if (shared.free && shared.damages.count() == 0) {
    uint64_t lost = 0, first = 0;
    for (uint64_t page = 2; page < shared.meta.pages; ++page)
      if (!shared.used.test(page) && !shared.free->test(page) && lost++ == 0) first = page;
    if (lost > 0)
      shared.damage(first,
                    std::format("page is neither in use nor on the freelist, one of {}", lost));
  }
  return shared.used.count();
}

}  // namespace snap::bolt
