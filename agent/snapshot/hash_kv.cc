#include "snapshot/hash_kv.h"

#include <array>
#include <deque>
#include <format>

#include "base/crc32c.h"
#include "snapshot/changed_keys.h"
#include "snapshot/trailer.h"
#include "snapshot/visitors.h"
#include "snapshot/watched_file.h"

namespace snap::snapshot {
namespace {

constexpr std::string_view kRows = "key";

// An open snapshot, and what is wrong with it.
class Database {
 public:
  static Result<std::unique_ptr<Database>> open(const std::string& path) {
    auto fd = TRY(open_regular(path));
    auto watched = TRY(WatchedFile::watch(fd.get(), path));
    return std::make_unique<Database>(std::move(fd), path, watched.size_bytes());
  }
  Database(Fd fd, const std::string& path, uint64_t size_bytes)
      : fd_(std::move(fd)),
        file_{.fd = fd_.get(),
              .name = path,
              .size_bytes =
                  length_has_trailer(size_bytes) ? size_bytes - kTrailerBytes : size_bytes} {}

  // The items of a bucket, from `from` on.
  Result<void> walk(std::string_view bucket, unsigned threads, std::stop_token stop,
                    const bolt::Walk::NewPart& new_part, Bytes from = {}) {
    auto walk =
        TRY(bolt::Walk::open(file_, {.threads = threads, .stop = stop, .progress = {}}, damages_));
    if (!walk) return damaged();
    auto found = std::ranges::find(walk->buckets(), bucket, &bolt::Bucket::name);
    if (found == walk->buckets().end())
      damages_.add({{}, {}, std::format("bucket '{}' is missing: no database of etcd", bucket)});
    else
      TRY(walk->walk(*found, new_part, from));
    if (damages_.count() > 0) return damaged();
    return {};
  }

  bolt::Damages& damages() { return damages_; }

 private:
  std::unexpected<Error> damaged() const {
    return fail(Code::corrupt, std::format("{}: {}", file_.name, damages_.sorted().front().what));
  }

  Fd fd_;
  bolt::File file_;
  bolt::Damages damages_;
};

// Sees rows one by one, whatever leaf they lie in. What is no row is noted as damage.
class EachRow : public HashVisitor {
 public:
  explicit EachRow(bolt::Damages& damages) : damages_(damages) {}

  void leaf(const bolt::Leaf& leaf) override {
    for (size_t i = 0; i < leaf.size(); ++i)
      if (take(leaf.at(), leaf.key(i), leaf.value(i), leaf.value(i).size())) feed(leaf.value(i));
  }
  void large_item(const bolt::Spot& at, Bytes key, uint64_t value_bytes) override {
    large_at_ = at;
    large_key_.assign(key.begin(), key.end());
    large_value_bytes_ = value_bytes;
    if (value_bytes == 0) take(at, key, {}, 0);
  }
  void large_value(Bytes piece) override {
    if (!large_key_.empty()) {
      feeding_ = take(large_at_, large_key_, piece, large_value_bytes_);
      large_key_.clear();
    }
    if (feeding_) feed(piece);
  }

 protected:
  void feed_all(const bolt::Leaf& leaf) { HashVisitor::leaf(leaf); }
  // Whether the row, whose key was fed then, goes into the hash.
  virtual bool row(const Revision& revision, Bytes user_key) = 0;

 private:
  bool take(const bolt::Spot& at, Bytes key, Bytes head, uint64_t value_bytes) {
    auto revision = read_revision(key);
    auto value = revision ? read_key_value(head, value_bytes) : std::nullopt;
    if (!value) damages_.add({at.page, at.byte, "a row of bucket 'key' cannot be read"});
    bool in = value && row(*revision, value->key);
    if (in) feed(key);
    return in;
  }

  bolt::Damages& damages_;
  bolt::Spot large_at_;
  std::vector<std::byte> large_key_;
  uint64_t large_value_bytes_ = 0;
  bool feeding_ = false;
};

// Collects the rows above a revision.
class Collector : public EachRow {
 public:
  Collector(int64_t above, ChangedKeys& keys, bolt::Damages& damages)
      : EachRow(damages), above_(above), keys_(keys) {}

 private:
  bool row(const Revision& revision, Bytes user_key) override {
    if (revision.main > above_) keys_.add(user_key, revision);
    return false;
  }
  int64_t above_;
  ChangedKeys& keys_;
};

// The rows that HashKV hashes. Up to the finished compaction there is one row of a key at most.
class Picker : public EachRow {
 public:
  Picker(const Extent& extent, int64_t compacted, const ChangedKeys& keys, bolt::Damages& damages)
      : EachRow(damages), finished_(extent.finished), compacted_(compacted), keys_(keys) {}

  void leaf(const bolt::Leaf& leaf) override {
    auto first = leaf.size() > 0 ? read_revision(leaf.key(0)) : std::nullopt;
    if (first && first->main > compacted_) return feed_all(leaf);
    EachRow::leaf(leaf);
  }
  bool kept_some = false;  // rows up to the compaction

 private:
  bool row(const Revision& revision, Bytes user_key) override {
    if (revision.main > compacted_) return true;
    if (revision.tombstone) return false;
    auto last = keys_.last(user_key);
    bool kept = revision.main <= finished_
                    ? !last
                    : last && last->main == revision.main && last->sub == revision.sub;
    kept_some = kept_some || kept;
    return kept;
  }
  int64_t finished_;
  int64_t compacted_;
  const ChangedKeys& keys_;
};

class LastRow : public EachRow {
 public:
  explicit LastRow(bolt::Damages& damages) : EachRow(damages) {}
  int64_t revision = 0;

 private:
  bool row(const Revision& at, Bytes) override {
    revision = at.main;
    return false;
  }
};

// The smallest key of a row above `main`.
std::array<std::byte, 8> row_above(int64_t main) {
  std::array<std::byte, 8> key;
  store_be(key.data(), static_cast<uint64_t>(main + 1));
  return key;
}

}  // namespace

Result<Extent> read_extent(const std::string& path) {
  auto database = TRY(Database::open(path));
  MetaVisitor meta(nullptr);
  TRY(database->walk("meta", 1, {}, [&]() -> bolt::Visitor& { return meta; }));
  LastRow last(database->damages());
  // No key is that large: of each branch, only the last child is read.
  const std::array<std::byte, 1> end{std::byte{0xff}};
  TRY(database->walk(kRows, 1, {}, [&]() -> bolt::Visitor& { return last; }, end));
  return Extent{.last_row = last.revision,
                .finished = meta.finished_compaction,
                .scheduled = meta.scheduled_compaction};
}

Result<LocalHash> hash_kv(const std::string& path, const Extent& extent, int64_t compact_revision,
                          const HashKvOptions& options) {
  auto database = TRY(Database::open(path));
  ChangedKeys keys(options.max_changed_keys);
  if (compact_revision >= 0) {
    Collector collector(extent.finished, keys, database->damages());
    auto from = row_above(extent.finished);
    TRY(database->walk(
        kRows, 1, options.stop, [&]() -> bolt::Visitor& { return collector; }, from));
    if (keys.full())
      return fail(Code::unavailable,
                  std::format("more than {} keys changed since the compaction at revision {}",
                              options.max_changed_keys, extent.finished));
  }
  std::deque<Picker> parts;
  TRY(database->walk(kRows, options.threads, options.stop, [&]() -> bolt::Visitor& {
    return parts.emplace_back(extent, compact_revision, keys, database->damages());
  }));
  LocalHash local{.hash = crc32c(0, as_bytes(kRows))};
  bool kept_some = keys.any_put() || compact_revision < 0;
  for (const auto& part : parts) {
    local.hash = crc32c_combine(local.hash, part.crc(), part.bytes());
    kept_some = kept_some || part.kept_some;
  }
  local.has_live_keys = kept_some;
  return local;
}

}  // namespace snap::snapshot
