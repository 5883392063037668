#include <algorithm>
#include <chrono>
#include <format>
#include <utility>

#include "base/file.h"
#include "base/text.h"
#include "base/time.h"
#include "dest/new_file.h"
#include "dest/tree.h"

namespace snap::dest {
namespace {

constexpr std::string_view kIncoming = ".incoming-";
constexpr const char* kState = ".state";

std::vector<FileInfo> as_files(const std::vector<Node>& nodes) {
  std::vector<FileInfo> files;
  for (const auto& node : nodes)
    files.push_back({node.name, node.size_bytes, node.kind == NodeKind::file});
  return files;
}

// Nothing, where the directory is missing.
Result<std::vector<Node>> list_if_there(Tree& tree, const std::string& path) {
  auto nodes = tree.list(path);
  if (!nodes && nodes.error().code == Code::not_found) return std::vector<Node>{};
  return nodes;
}

// True when something has this name.
Result<bool> there(Tree& tree, const std::string& path) {
  auto node = tree.look(path);
  if (node) return true;
  if (node.error().code == Code::not_found) return false;
  return std::unexpected(node.error());
}

// The files of a directory that holds no directories, then the directory. A name that could leave
// it is refused before anything is removed.
Result<void> remove_flat(Tree& tree, const std::string& path) {
  auto nodes = TRY(list_if_there(tree, path));
  for (const auto& node : nodes) TRY(check_name(node.name));
  for (const auto& node : nodes) TRY(tree.remove_file(path + "/" + node.name));
  return tree.remove_directory(path);
}

// For a file that is not finished.
std::function<void()> take_away(std::shared_ptr<Tree> tree, std::string path) {
  return [tree = std::move(tree), path = std::move(path)] { (void)tree->remove_file(path); };
}

class DirectoryIncoming : public Incoming {
 public:
  // `taken_over`: files may be there already that are to be created.
  DirectoryIncoming(std::shared_ptr<Tree> tree, std::string group, bool taken_over)
      : tree_(std::move(tree)),
        group_(std::move(group)),
        path_(incoming_name(group_)),
        taken_over_(taken_over) {}

  ~DirectoryIncoming() override {
    if (!published_) (void)remove_flat(*tree_, path_);
  }

  Result<std::unique_ptr<stream::Sink>> create(const std::string& file) override {
    TRY(check_name(file));
    auto path = path_ + "/" + file;
    if (taken_over_) TRY(tree_->remove_file(path));
    auto sink = TRY(tree_->create(path));
    return std::make_unique<NewFile>(std::move(sink), take_away(tree_, path));
  }

  Result<std::unique_ptr<Patch>> derive(const std::string& file, const std::string& basis,
                                        const std::string& from) override {
    TRY(check_name(file));
    TRY(check_name(basis));
    TRY(check_name(from));
    auto path = path_ + "/" + file;
    if (taken_over_) TRY(tree_->remove_file(path));
    taken_over_ = true;  // whatever comes of it, it is there to be created anew
    auto patch = TRY(tree_->derive(path, basis + "/" + from));
    if (!patch) return nullptr;
    return std::make_unique<NewPatch>(std::move(patch), take_away(tree_, path));
  }

  Result<std::unique_ptr<stream::Source>> open(const std::string& file) override {
    TRY(check_name(file));
    return tree_->open(path_ + "/" + file);
  }

  Result<std::vector<FileInfo>> files() override { return as_files(TRY(tree_->list(path_))); }

  Result<void> sync(const std::string& file) override {
    TRY(check_name(file));
    return tree_->sync(path_ + "/" + file);
  }

  Result<std::optional<stream::Digest>> far_digest(const std::string& file) override {
    TRY(check_name(file));
    return tree_->far_digest(path_ + "/" + file);
  }

  // A rename replaces a file and an empty directory, so both are looked for; onto a published
  // group, which is never empty, it fails even when that appeared just now.
  Result<void> publish() override {
    auto exists = [&] {
      return fail(Code::exists, std::format("{} exists at {}", group_, tree_->label()));
    };
    if (TRY(there(*tree_, group_))) return exists();
    auto renamed = tree_->rename(path_, group_);
    if (!renamed && renamed.error().code == Code::exists) return exists();
    if (renamed) published_ = true;
    return renamed;
  }

 private:
  std::shared_ptr<Tree> tree_;
  std::string group_;
  std::string path_;
  bool taken_over_;
  bool published_ = false;
};

class DirectoryPlace : public Destination {
 public:
  explicit DirectoryPlace(std::unique_ptr<Tree> tree) : tree_(std::move(tree)) {}

  std::string label() const override { return tree_->label(); }

  Result<std::unique_ptr<Incoming>> begin(const std::string& group) override {
    TRY(check_name(group));
    if (TRY(there(*tree_, group)))
      return fail(Code::exists, std::format("{} exists at {}", group, label()));
    TRY(tree_->make_directory(incoming_name(group)));
    return std::make_unique<DirectoryIncoming>(tree_, group, false);
  }

  Result<std::unique_ptr<Incoming>> resume(const std::string& group) override {
    TRY(check_name(group));
    if (TRY(there(*tree_, group)))
      return fail(Code::exists, std::format("{} exists at {}", group, label()));
    auto left = TRY(tree_->look(incoming_name(group)));
    if (left.kind != NodeKind::directory)
      return fail(Code::not_found, std::format("{} is not being written at {}", group, label()));
    return std::make_unique<DirectoryIncoming>(tree_, group, true);
  }

  Result<std::unique_ptr<stream::Source>> open(const std::string& group,
                                               const std::string& file) override {
    TRY(check_name(group));
    TRY(check_name(file));
    return tree_->open(group + "/" + file);
  }

  Result<std::optional<stream::Digest>> far_digest(const std::string& group,
                                                   const std::string& file) override {
    TRY(check_name(group));
    TRY(check_name(file));
    return tree_->far_digest(group + "/" + file);
  }

  Result<std::vector<FileInfo>> files(const std::string& group) override {
    TRY(check_name(group));
    return as_files(TRY(tree_->list(group)));
  }

  Result<std::vector<Entry>> list() override {
    std::vector<Entry> found;
    for (auto& node : TRY(tree_->list(""))) {
      if (!node.name.starts_with('.'))
        found.push_back({std::move(node.name), node.kind == NodeKind::directory});
    }
    return found;
  }

  Result<Space> space() override { return tree_->space(); }

  Result<std::vector<std::string>> remove(const std::string& group,
                                          const std::vector<std::string>& names) override {
    TRY(check_name(group));
    for (const auto& name : names) TRY(check_name(name));
    for (const auto& name : names) TRY(tree_->remove_file(std::format("{}/{}", group, name)));
    std::vector<std::string> left;
    for (auto& node : TRY(list_if_there(*tree_, group))) left.push_back(std::move(node.name));
    if (left.empty()) TRY(tree_->remove_directory(group));
    return left;
  }

  Result<std::vector<Leftover>> leftovers() override {
    std::vector<Leftover> found;
    for (const auto& node : TRY(tree_->list(""))) {
      if (node.kind == NodeKind::directory && node.name.starts_with(kIncoming))
        found.push_back({node.name.substr(kIncoming.size()), node.changed});
    }
    if (found.empty()) return found;
    auto ahead = TRY(clock_ahead());
    for (auto& leftover : found) leftover.changed -= ahead;
    return found;
  }

  Result<void> discard(const std::string& group) override {
    TRY(check_name(group));
    return remove_flat(*tree_, incoming_name(group));
  }

  Result<std::vector<std::string>> notes(const std::string& kind) override {
    TRY(check_name(kind));
    std::vector<std::string> names;
    for (auto& node : TRY(list_if_there(*tree_, std::format("{}/{}", kState, kind)))) {
      if (node.kind == NodeKind::file && check_name(node.name))
        names.push_back(std::move(node.name));
    }
    return names;
  }

  // The name is what counts: a note that is there already keeps it, whatever happens to its text.
  Result<void> put_note(const std::string& kind, const std::string& name,
                        const std::string& text) override {
    TRY(check_name(kind));
    TRY(check_name(name));
    auto directory = std::format("{}/{}", kState, kind);
    for (const auto& path : {std::string(kState), directory}) {
      auto made = tree_->make_directory(path);
      if (!made && made.error().code != Code::exists) return made;
    }
    auto path = directory + "/" + name;
    auto sink = tree_->create(path);
    if (!sink && sink.error().code == Code::exists) return {};
    if (!sink) return std::unexpected(sink.error());
    auto file = std::make_unique<NewFile>(std::move(*sink), take_away(tree_, path));
    TRY(file->write(as_bytes(text)));
    return file->finish();
  }

  Result<void> remove_note(const std::string& kind, const std::string& name) override {
    TRY(check_name(kind));
    TRY(check_name(name));
    return tree_->remove_file(std::format("{}/{}/{}", kState, kind, name));
  }

  std::vector<std::string> remarks() const override { return tree_->remarks(); }

 private:
  // By how much the server's clock is ahead of ours. A group that somebody writes just now must not
  // look forgotten because that clock is a year behind.
  Result<std::chrono::seconds> clock_ahead() {
    auto made = tree_->make_directory(kState);
    if (!made && made.error().code != Code::exists) return std::unexpected(made.error());
    auto path = std::format("{}/.clock-{}", kState, random_token());
    TRY(tree_->make_directory(path));
    auto now = now_utc();
    auto stamped = tree_->look(path);
    TRY(tree_->remove_directory(path));
    return TRY(std::move(stamped)).changed - now;
  }

  std::shared_ptr<Tree> tree_;  // shared with groups that are being written
};

}  // namespace

std::unique_ptr<Destination> directory_place(std::unique_ptr<Tree> tree) {
  return std::make_unique<DirectoryPlace>(std::move(tree));
}

}  // namespace snap::dest
