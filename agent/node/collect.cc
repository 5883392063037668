#include "node/collect.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <format>

#include "base/text.h"
#include "node/host_tree.h"
#include "node/tar_writer.h"
#include "node/walk.h"

namespace snap::node {
namespace {

// Up to here a file is read whole before its header is written, so that it can be read again when
// it changed. Nothing of a control plane is larger.
constexpr size_t kWholeBytes = 1 << 20;
constexpr size_t kChunkBytes = 64 << 10;
constexpr size_t kMaxNotes = 1000;  // of one kind; a host with more has one trouble, not many

Error cancelled() { return {Code::cancelled, "collect host files: stopped", ""}; }

// What one look at a file gave.
struct Content {
  FileInfo info;
  std::string bytes;
  bool changed = false;
};

class Collector {
 public:
  Collector(const HostTree& tree, const CollectOptions& options, TarWriter tar)
      : tree_(tree), options_(options), tar_(std::move(tar)) {
    base_ = options.relative_to.substr(
        std::min(options.relative_to.find_first_not_of('/'), options.relative_to.size()));
    if (!base_.empty() && !base_.ends_with('/')) base_ += '/';
  }

  Result<Collected> run(Walk walk);

 private:
  struct OpenFile {
    Fd fd;
    FileInfo info;
  };

  void problem(const std::string& path, std::string text) {
    result_.incomplete.push_back({escaped("/" + path), std::move(text)});
  }
  // As it stands in the archive.
  std::string name_of(const std::string& path) const { return path.substr(base_.size()); }
  Result<void> entry(const std::string& path, const Found& found);
  Result<void> file(const std::string& path);
  Result<OpenFile> open(const std::string& path) const;
  Result<Content> read_once(const std::string& path, OpenFile open) const;
  bool changed_since(const std::string& path, const OpenFile& open) const;
  bool over_limits(const std::string& path, uint64_t size);
  Result<void> small_file(const std::string& path, OpenFile open);
  Result<void> large_file(const std::string& path, const OpenFile& open);
  void certificates(const std::string& path, const std::string& bytes);

  const HostTree& tree_;
  const CollectOptions& options_;
  TarWriter tar_;
  std::string base_;  // "etc/kubernetes/", or "" for all of the host
  Collected result_;
};

// The first kMaxNotes, and how many more there were.
void shorten(std::vector<Note>& notes) {
  if (notes.size() <= kMaxNotes) return;
  auto more = notes.size() - kMaxNotes;
  notes.resize(kMaxNotes);
  notes.push_back({"", std::format("and {} more", more)});
}

Result<Collected> Collector::run(Walk walk) {
  result_.paths = std::move(walk.paths);
  result_.notes = std::move(walk.notes);
  result_.incomplete = std::move(walk.incomplete);
  for (const auto& [path, found] : walk.entries) {
    if (options_.stop.stop_requested()) return std::unexpected(cancelled());
    TRY(entry(path, found));
  }
  TRY(tar_.close());
  if (result_.entries == 0)
    result_.notes.push_back(
        {"", "nothing that was asked for is on this host: the archive is empty"});
  shorten(result_.notes);
  shorten(result_.incomplete);
  return std::move(result_);
}

Result<void> Collector::entry(const std::string& path, const Found& found) {
  if (!path.starts_with(base_)) {
    problem(path, std::format("is left out: it does not lie below {}, where a restore unpacks",
                              escaped(options_.relative_to)));
    return {};
  }
  if (S_ISREG(found.info.mode)) return file(path);
  ++result_.entries;
  return tar_.entry(name_of(path), found.info, found.target);
}

Result<void> Collector::file(const std::string& path) {
  auto opened = open(path);
  if (!opened) {
    problem(path, opened.error().message);
    return {};
  }
  if (over_limits(path, opened->info.size)) return {};
  return opened->info.size <= kWholeBytes ? small_file(path, std::move(*opened))
                                          : large_file(path, *opened);
}

// Regular files only; what was one when the tree was walked may be something else by now.
Result<Collector::OpenFile> Collector::open(const std::string& path) const {
  auto fd = TRY(tree_.open_path(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  auto info = TRY(look_at(fd.get(), ""));
  if (!S_ISREG(info.mode))
    return fail(Code::invalid, "changed while it was read: it is no regular file any more");
  return OpenFile{std::move(fd), info};
}

// Looks at the open file and at its name: another file may have taken its place.
bool Collector::changed_since(const std::string& path, const OpenFile& open) const {
  auto held = look_at(open.fd.get(), "");
  auto named = tree_.look(path);
  return !held || !named || !open.info.unchanged(*held) || !open.info.same_file(*named);
}

bool Collector::over_limits(const std::string& path, uint64_t size) {
  if (size > options_.limits.file_bytes) {
    problem(path, std::format("is left out: {}, more than the {} that a host file may have",
                              human_size(size), human_size(options_.limits.file_bytes)));
    return true;
  }
  if (size > options_.limits.total_bytes - result_.bytes) {
    problem(path, std::format("is left out: with it the host files would have more than {}",
                              human_size(options_.limits.total_bytes)));
    return true;
  }
  return false;
}

// One byte more than the file should have, to see that it has grown.
Result<Content> Collector::read_once(const std::string& path, OpenFile open) const {
  Content content{open.info, std::string(open.info.size + 1, '\0'), false};
  auto into = std::as_writable_bytes(std::span(content.bytes));
  auto size = TRY(pread_full(open.fd.get(), into, 0, escaped("/" + path)));
  content.bytes.resize(std::min<uint64_t>(size, open.info.size));
  content.changed = size != open.info.size || changed_since(path, open);
  return content;
}

Result<void> Collector::small_file(const std::string& path, OpenFile first) {
  auto content = read_once(path, std::move(first));
  if (content && content->changed) {
    auto again = open(path);
    if (again && again->info.size > kWholeBytes) return file(path);
    content = again ? read_once(path, std::move(*again))
                    : Result<Content>(std::unexpected(again.error()));
    if (content && content->changed) problem(path, "changed while it was read, twice");
  }
  if (!content) {
    problem(path, content.error().message);
    return {};
  }
  content->info.size = content->bytes.size();  // header and data agree, whatever happened
  if (over_limits(path, content->info.size)) return {};
  TRY(tar_.entry(name_of(path), content->info, ""));
  TRY(tar_.data(as_bytes(content->bytes)));
  ++result_.entries;
  result_.bytes += content->bytes.size();
  certificates(path, content->bytes);
  return {};
}

Result<void> Collector::large_file(const std::string& path, const OpenFile& open) {
  TRY(tar_.entry(name_of(path), open.info, ""));
  ++result_.entries;
  result_.bytes += open.info.size;
  std::vector<std::byte> chunk(kChunkBytes);
  bool readable = true;
  for (uint64_t done = 0; done < open.info.size;) {
    if (options_.stop.stop_requested()) return std::unexpected(cancelled());
    auto want = MutableBytes(chunk).first(
        static_cast<size_t>(std::min<uint64_t>(chunk.size(), open.info.size - done)));
    auto got = readable ? pread_full(open.fd.get(), want, done, escaped("/" + path)) : 0;
    if (!got) problem(path, got.error().message);
    auto size = got.value_or(0);
    // The header has promised these bytes: what cannot be read becomes zeros.
    if (size < want.size()) {
      readable = false;
      std::ranges::fill(want.subspan(size), std::byte{0});
    }
    TRY(tar_.data(want));
    done += want.size();
  }
  if (changed_since(path, open)) problem(path, "changed while it was read");
  return {};
}

void Collector::certificates(const std::string& path, const std::string& bytes) {
  if (!names_certificates(path)) return;
  auto shown = escaped("/" + path);
  auto file = read_certificates(shown, bytes);
  for (auto& text : file.notes) result_.notes.push_back({shown, std::move(text)});
  std::ranges::move(file.certificates, std::back_inserter(result_.certificates));
}

}  // namespace

Result<Collected> collect(const CollectOptions& options, stream::Sink& archive) {
  auto tree = TRY(HostTree::open(options.host_root));
  auto found = TRY(walk(tree, options));
  auto tar = TRY(TarWriter::open(archive));
  return Collector(tree, options, std::move(tar)).run(std::move(found));
}

}  // namespace snap::node
