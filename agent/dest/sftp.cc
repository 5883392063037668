#include "dest/sftp.h"

#include <format>
#include <optional>
#include <utility>

#include "base/text.h"
#include "dest/sftp_channel.h"
#include "dest/sftp_stream.h"
#include "dest/tree.h"

namespace snap::dest {
namespace {

using Attributes = Handle<sftp_attributes_struct, &sftp_attributes_free>;
using ChannelPtr = std::shared_ptr<SftpChannel>;

Node node_of(const sftp_attributes_struct& attributes, std::string name) {
  auto kind = NodeKind::other;
  if (attributes.type == SSH_FILEXFER_TYPE_REGULAR) kind = NodeKind::file;
  if (attributes.type == SSH_FILEXFER_TYPE_DIRECTORY) kind = NodeKind::directory;
  return {std::move(name), kind, attributes.size, Seconds(std::chrono::seconds(attributes.mtime))};
}

// For a shell of the server: in single quotes.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

std::optional<stream::Digest> parse_digest(std::string_view hex) {
  stream::Digest digest{};
  for (size_t i = 0; i < digest.size(); ++i) {
    auto value = [](char c) {
      return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    };
    int high = value(hex[2 * i]), low = value(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    digest[i] = static_cast<std::byte>(high * 16 + low);
  }
  return digest;
}

class SftpTree : public Tree {
 public:
  SftpTree(ChannelPtr channel, std::string root)
      : channel_(std::move(channel)), root_(std::move(root)) {}

  std::string label() const override { return channel_->session->label(); }

  Result<std::unique_ptr<stream::Sink>> create(const std::string& path) override {
    auto doing = doing_to("write", path);
    auto watched = channel_->watch();
    auto sink = sftp_sink(channel_, at(path), doing);
    if (!sink) return std::unexpected(taken_or(path, sink.error()));
    return sink;
  }

  Result<std::unique_ptr<Patch>> derive(const std::string& path, const std::string& from) override {
    auto size = TRY(look(from)).size_bytes;
    bool copied = TRY(copy(from, path, size));
    // A forced command says that all went well, and did something else.
    auto copy = look(path);
    if (copied && copy && copy->kind == NodeKind::file && copy->size_bytes == size)
      return sftp_patch(channel_, at(path), size, doing_to("write", path));
    TRY(remove_file(path));
    return nullptr;
  }

  Result<std::unique_ptr<stream::Source>> open(const std::string& path) override {
    auto doing = doing_to("read", path);
    auto node = TRY(look(path));
    if (node.kind != NodeKind::file)
      return fail(Code::corrupt, std::format("{}: it is not a regular file", doing));
    return sftp_source(channel_, at(path), node.size_bytes, doing);
  }

  Result<void> sync(const std::string& path) override {
    auto size = TRY(look(path)).size_bytes;
    return sftp_sync(channel_, at(path), size, doing_to("sync", path));
  }

  // Only a fixed command, its answer taken literally: 64 digits, a blank, a star, the name.
  Result<std::optional<stream::Digest>> far_digest(const std::string& path) override {
    if (!executes_) return std::nullopt;
    auto size = TRY(look(path)).size_bytes;
    // No byte comes while the server reads.
    auto output =
        channel_->session->execute("sha256sum -b -- " + quoted(at(path)), silence_for(size));
    if (!output && output.error().code != Code::not_found) return std::unexpected(output.error());
    auto tail = " *" + at(path) + "\n";
    auto digest = output && output->size() == 64 + tail.size() && output->ends_with(tail)
                      ? parse_digest(*output)
                      : std::nullopt;
    if (!digest) executes_ = false;
    return digest;
  }

  Result<Node> look(const std::string& path) override {
    auto watched = channel_->watch();
    Attributes attributes(sftp_lstat(sftp(), at(path).c_str()));
    if (!attributes) return std::unexpected(channel_->error_of(doing_to("look at", path)));
    return node_of(*attributes, path.substr(path.rfind('/') + 1));
  }

  Result<std::vector<Node>> list(const std::string& path) override {
    auto watched = channel_->watch();
    auto doing = doing_to("list", path);
    Handle<sftp_dir_struct, &sftp_closedir> directory(sftp_opendir(sftp(), at(path).c_str()));
    if (!directory) return std::unexpected(channel_->error_of(doing));
    std::vector<Node> nodes;
    while (Attributes attributes{sftp_readdir(sftp(), directory.get())}) {
      std::string name = attributes->name;
      if (name != "." && name != "..") nodes.push_back(node_of(*attributes, std::move(name)));
    }
    // The end of the directory and a broken connection look alike but for this.
    if (!sftp_dir_eof(directory.get())) return std::unexpected(channel_->error_of(doing));
    return nodes;
  }

  Result<void> make_directory(const std::string& path) override {
    auto watched = channel_->watch();
    if (sftp_mkdir(sftp(), at(path).c_str(), 0700) == SSH_OK) return {};
    return std::unexpected(
        taken_or(path, channel_->write_error(doing_to("create", path), at(path))));
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    auto watched = channel_->watch();
    if (sftp_rename(sftp(), at(from).c_str(), at(to).c_str()) == SSH_OK) return {};
    return std::unexpected(taken_or(to, channel_->error_of(doing_to("publish", to))));
  }

  Result<void> remove_file(const std::string& path) override {
    auto watched = channel_->watch();
    return gone(path, sftp_unlink(sftp(), at(path).c_str()));
  }

  Result<void> remove_directory(const std::string& path) override {
    auto watched = channel_->watch();
    return gone(path, sftp_rmdir(sftp(), at(path).c_str()));
  }

  Result<Space> space() override {
    if (!channel_->statvfs) return Space{};
    auto watched = channel_->watch();
    SftpStatVfs info(sftp_statvfs(sftp(), root_.c_str()));
    if (!info) return std::unexpected(channel_->error_of("ask for the free space of " + label()));
    Space space{.total_bytes = info->f_blocks * info->f_frsize,
                .free_bytes = info->f_bavail * info->f_frsize,
                .free_files = {}};
    if (info->f_files != 0) space.free_files = info->f_favail;
    return space;
  }

  std::vector<std::string> remarks() const override {
    std::vector<std::string> remarks;
    if (!channel_->session->remark().empty()) remarks.push_back(channel_->session->remark());
    if (!channel_->fsync)
      remarks.emplace_back(
          "the server offers no fsync: a set may be lost there if its power fails right after the "
          "run");
    return remarks;
  }

 private:
  // By the server itself: within SFTP, or where commands run by cp. False: it cannot.
  Result<bool> copy(const std::string& from, const std::string& to, uint64_t size_bytes) {
    auto* aside = TRY(channel_->aside());
    if (aside && TRY(aside->copy(at(from), at(to), size_bytes))) return true;
    if (!executes_) return false;
    TRY(remove_file(to));
    auto command = std::format("cp --reflink=auto -- {} {}", quoted(at(from)), quoted(at(to)));
    auto copied = channel_->session->execute(command, silence_for(2 * size_bytes));
    if (!copied && copied.error().code != Code::not_found) return std::unexpected(copied.error());
    return copied.has_value();
  }

  sftp_session sftp() { return channel_->sftp.get(); }
  std::string at(const std::string& path) const {
    return path.empty() ? root_ : root_ + "/" + path;
  }
  std::string doing_to(std::string_view verb, const std::string& path) const {
    return std::format("{} {}{}{}", verb, label(), path.empty() ? "" : "/", escaped(path));
  }

  // "failure" because the name is taken, or the error itself.
  Error taken_or(const std::string& path, Error error) {
    if (error.code != Code::internal && error.code != Code::exists) return error;
    Attributes there(sftp_lstat(sftp(), at(path).c_str()));
    if (there) return {Code::exists, std::format("{}/{} exists", label(), escaped(path)), ""};
    return error;
  }

  Result<void> gone(const std::string& path, int removed) {
    if (removed == SSH_OK) return {};
    auto error = channel_->error_of(doing_to("remove", path));
    if (error.code == Code::not_found) return {};
    return std::unexpected(std::move(error));
  }

  ChannelPtr channel_;
  std::string root_;
  bool executes_ = true;  // until the server showed that it does not
};

// Makes the directory, where that is wished, when only it, not its parent, is missing.
Result<void> make_root(SftpChannel& channel, const std::string& directory, bool create) {
  auto watched = channel.watch();
  auto doing = std::format("open {}", channel.session->label());
  Attributes there(sftp_stat(channel.sftp.get(), directory.c_str()));
  if (there && there->type == SSH_FILEXFER_TYPE_DIRECTORY) return {};
  if (there) return fail(Code::invalid, std::format("{}: it is not a directory", doing));
  auto error = channel.error_of(doing);
  if (error.code == Code::not_found && !create) error.hint = kWouldBeMade;
  if (error.code != Code::not_found || !create) return std::unexpected(std::move(error));
  if (sftp_mkdir(channel.sftp.get(), directory.c_str(), 0700) == SSH_OK) return {};
  error = channel.error_of(doing);
  if (error.code == Code::not_found)
    return fail(Code::not_found, std::format("{}: the parent directory is missing", doing),
                "create it there");
  return std::unexpected(std::move(error));
}

}  // namespace

Result<std::unique_ptr<Destination>> open_sftp(const SftpConfig& config) {
  auto session = TRY(SshSession::open(config));
  auto channel = TRY(SftpChannel::open(std::move(session)));
  TRY(make_root(*channel, config.directory, config.create));
  return directory_place(std::make_unique<SftpTree>(std::move(channel), config.directory));
}

}  // namespace snap::dest
