#include "dest/s3_incoming.h"

#include <algorithm>
#include <format>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "dest/s3_transfer.h"
#include "stream/memory.h"

namespace snap::dest {
namespace {

constexpr size_t kMaxMarkerBytes = 4UL << 20;

// The marker, held back until publish().
class MarkerSink : public stream::Sink {
 public:
  explicit MarkerSink(std::shared_ptr<std::optional<std::string>> into) : into_(std::move(into)) {}
  Result<void> write(Bytes data) override {
    if (text_.size() + data.size() > kMaxMarkerBytes)
      return fail(Code::invalid, "the marker of a group is too large");
    text_ += as_text(data);
    return {};
  }
  Result<void> finish() override {
    *into_ = std::move(text_);
    return {};
  }

 private:
  std::shared_ptr<std::optional<std::string>> into_;
  std::string text_;
};

class S3Incoming : public Incoming {
 public:
  S3Incoming(std::shared_ptr<S3Account> account, S3Keys keys, std::string group, std::string token,
             const Listing& left)
      : account_(std::move(account)),
        keys_(std::move(keys)),
        group_(std::move(group)),
        token_(std::move(token)),
        line_(account_, account_->config().patience) {
    for (const auto& file : s3_files(left, keys_.group(group_))) left_.insert(file.name);
  }

  // Another process may have taken the group over: then nothing of it is ours any more.
  ~S3Incoming() override {
    if (published_) return;
    auto line = S3Line::for_cleaning(account_);
    auto claim = line.get(keys_.claim(group_), token_.size());
    if (!claim || *claim != token_) return;
    auto marker = s3_has(line, keys_.marker(group_));
    if (marker && !*marker) (void)remove_unpublished(line, keys_, group_);
  }

  Result<std::unique_ptr<stream::Sink>> create(const std::string& file) override {
    TRY(check_name(file));
    if (names_.contains(file) || (file == keys_.marker_name && *marker_))
      return fail(Code::exists,
                  std::format("{} exists", account_->name_of(keys_.file(group_, file))));
    if (file == keys_.marker_name) return std::make_unique<MarkerSink>(marker_);
    if (left_.contains(file)) TRY(line_.remove(keys_.file(group_, file)));
    left_.erase(file);
    return upload(
        account_, keys_.file(group_, file), [this, file] { return name_upload(file); },
        [this, file](const Sent& sent) {
          names_.insert(file);
          sent_.insert_or_assign(file, sent);
        });
  }

  Result<std::unique_ptr<stream::Source>> open(const std::string& file) override {
    TRY(check_name(file));
    if (file == keys_.marker_name && *marker_)
      return std::make_unique<stream::StringSource>(**marker_);
    return download(account_, keys_.file(group_, file));
  }

  Result<std::vector<FileInfo>> files() override {
    auto files = s3_files(TRY(line_.list(keys_.group(group_), "")), keys_.group(group_));
    if (*marker_) files.push_back({keys_.marker_name, (*marker_)->size(), true});
    return files;
  }

  Result<void> sync(const std::string& file) override { return check_name(file); }

  // What the server checked when it took the bytes, if it still has as many with this checksum.
  Result<std::optional<stream::Digest>> far_digest(const std::string& file) override {
    TRY(check_name(file));
    auto sent = sent_.find(file);
    if (sent == sent_.end() || !sent->second.whole) return std::nullopt;
    auto key = keys_.file(group_, file);
    auto stored = TRY(line_.head(key));
    if (!stored) return fail(Code::not_found, account_->name_of(key) + " is gone");
    if (stored->checksum.empty()) return std::nullopt;
    if (stored->checksum != sent->second.checksum || stored->size_bytes != sent->second.size_bytes)
      return fail(Code::corrupt,
                  account_->name_of(key) + ": the server holds something else than was sent");
    return sent->second.whole;
  }

  Result<void> publish() override {
    auto claim = TRY(line_.get(keys_.claim(group_), token_.size()));
    if (claim != token_)
      return fail(Code::exists, std::format("{} was taken over by another process",
                                            account_->name_of(keys_.prefix + group_)));
    if (*marker_) TRY(put_marker());
    if (named_uploads_) (void)forget_uploads(line_, keys_, group_);
    auto removed = line_.remove(keys_.claim(group_));
    if (!removed && !*marker_) return removed;
    published_ = true;
    // The marker outweighs a claim that cannot be removed.
    if (!removed) account_->remark("objects cannot be removed: " + removed.error().message);
    return {};
  }

 private:
  // An upload in parts has begun: whoever cleans up after us must be able to find it.
  Result<void> name_upload(const std::string& file) {
    auto key = keys_.file(group_, file);
    if (account_->shows_uploads == Learned::unknown) {
      auto shown = line_.uploads(keys_.group(group_));
      // One that may not list uploads cannot find this one by any name.
      bool found = !shown || std::ranges::contains(*shown, key, &Upload::key);
      account_->shows_uploads = found ? Learned::yes : Learned::no;
    }
    if (account_->shows_uploads == Learned::yes) return {};
    named_uploads_ = true;
    return line_.put(keys_.uploads(group_) + file, token_, false);
  }

  Result<void> put_marker() {
    auto key = keys_.marker(group_);
    TRY(line_.put(key, **marker_, true));
    if (account_->checks == Learned::yes) return {};
    auto stored = line_.get(key, kMaxMarkerBytes);
    if (stored && *stored == **marker_) return {};
    (void)line_.remove(key);
    TRY(std::move(stored));
    return fail(Code::corrupt, account_->name_of(key) + ": reads back changed",
                "something on the way changes the bytes");
  }

  std::shared_ptr<S3Account> account_;
  S3Keys keys_;
  std::string group_;
  std::string token_;  // in the claim: that it is ours
  S3Line line_;
  std::set<std::string> names_, left_;  // sent by us, and left by an earlier try
  std::map<std::string, Sent> sent_;
  std::shared_ptr<std::optional<std::string>> marker_ =
      std::make_shared<std::optional<std::string>>();
  bool named_uploads_ = false;
  bool published_ = false;
};

}  // namespace

std::unique_ptr<Incoming> s3_incoming(std::shared_ptr<S3Account> account, const S3Keys& keys,
                                      const std::string& group, const std::string& token,
                                      const Listing& left) {
  return std::make_unique<S3Incoming>(std::move(account), keys, group, token, left);
}

}  // namespace snap::dest
