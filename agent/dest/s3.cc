#include "dest/s3.h"

#include <algorithm>
#include <format>
#include <map>
#include <set>

#include "base/file.h"
#include "base/text.h"
#include "dest/s3_transfer.h"
#include "stream/memory.h"

namespace snap::dest {
namespace {

constexpr size_t kMaxMarkerBytes = 4UL << 20;
constexpr std::string_view kClaims = ".incoming/";
constexpr std::string_view kUploads = ".uploads/";
constexpr std::string_view kState = ".state/";

// Where things lie in the bucket.
struct Keys {
  std::string prefix, marker_name;

  std::string group(const std::string& group) const { return prefix + group + "/"; }
  std::string file(const std::string& group, const std::string& file) const {
    return prefix + group + "/" + file;
  }
  std::string marker(const std::string& group) const { return file(group, marker_name); }
  std::string claims() const { return prefix + std::string(kClaims); }
  std::string claim(const std::string& group) const { return claims() + group; }
  // Objects that name the files of a group that are sent in parts, for a server that shows an
  // unfinished upload only to who asks for its whole key (MinIO).
  std::string uploads(const std::string& group) const {
    return prefix + std::string(kUploads) + group + "/";
  }
  std::string notes(const std::string& kind) const {
    return prefix + std::string(kState) + kind + "/";
  }
};

Result<bool> there(S3Line& line, const std::string& key) {
  auto head = TRY(line.head(key));
  return head.has_value();
}

// Unfinished uploads of a group. A server that does not let us see them keeps them until its own
// rules end that: no reason to stop.
Result<std::vector<Upload>> uploads_of(S3Line& line, const std::string& prefix) {
  auto found = line.uploads(prefix);
  if (found) return found;
  if (found.error().code != Code::denied && found.error().code != Code::invalid) return found;
  line.account().remark(
      "unfinished uploads cannot be listed: let a lifecycle rule of the bucket abort them");
  return std::vector<Upload>{};
}

Result<void> forget_uploads(S3Line& line, const Keys& keys, const std::string& group) {
  auto named = TRY(line.list(keys.uploads(group), ""));
  for (const auto& object : named.objects) TRY(line.remove(object.key));
  return {};
}

// The uploads of a group that nobody goes on with.
Result<void> abort_uploads(S3Line& line, const Keys& keys, const std::string& group) {
  auto uploads = TRY(uploads_of(line, keys.group(group)));
  auto named = TRY(line.list(keys.uploads(group), ""));
  for (const auto& object : named.objects) {
    auto file = object.key.substr(keys.uploads(group).size());
    if (!check_name(file)) continue;
    auto more = TRY(uploads_of(line, keys.file(group, file)));
    for (auto& upload : more) {
      if (!std::ranges::contains(uploads, upload.id, &Upload::id))
        uploads.push_back(std::move(upload));
    }
  }
  for (const auto& upload : uploads) TRY(line.abort(upload));
  return forget_uploads(line, keys, group);
}

// Everything of a group that was not published; its claim last, so that what is cut can go on.
Result<void> clean(S3Line& line, const Keys& keys, const std::string& group) {
  TRY(abort_uploads(line, keys, group));
  auto listing = TRY(line.list(keys.group(group), ""));
  for (const auto& object : listing.objects) TRY(line.remove(object.key));
  return line.remove(keys.claim(group));
}

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

std::vector<FileInfo> files_below(const Listing& listing, const std::string& group_key) {
  std::vector<FileInfo> files;
  for (const auto& object : listing.objects) {
    auto name = object.key.substr(group_key.size());
    // An object of the group's own name is what some tools make for a folder.
    if (!name.empty()) files.push_back({name, object.size_bytes, check_name(name).has_value()});
  }
  return files;
}

class S3Incoming : public Incoming {
 public:
  S3Incoming(std::shared_ptr<S3Account> account, Keys keys, std::string group, std::string token)
      : account_(std::move(account)),
        keys_(std::move(keys)),
        group_(std::move(group)),
        token_(std::move(token)),
        line_(account_, account_->config().patience) {}

  // Another process may have taken the group over: then nothing of it is ours any more.
  ~S3Incoming() override {
    if (published_) return;
    auto line = S3Line::for_cleaning(account_);
    auto claim = line.get(keys_.claim(group_), token_.size());
    if (!claim || *claim != token_) return;
    auto marker = there(line, keys_.marker(group_));
    if (marker && !*marker) (void)clean(line, keys_, group_);
  }

  // Of an earlier try.
  void found(const Listing& listing) {
    for (const auto& file : files_below(listing, keys_.group(group_))) left_.insert(file.name);
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
    auto files = files_below(TRY(line_.list(keys_.group(group_), "")), keys_.group(group_));
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
  Keys keys_;
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

class S3Place : public Destination {
 public:
  explicit S3Place(std::shared_ptr<S3Account> account)
      : account_(std::move(account)),
        keys_{account_->config().prefix, account_->config().marker},
        line_(account_, account_->config().patience) {}

  std::string label() const override { return account_->label(); }

  // Asks whether the bucket is there and ours.
  Result<void> look() {
    auto answer =
        line_.call({.operation = "ListObjectsV2",
                    .method = "GET",
                    .query = {{"list-type", "2"}, {"max-keys", "1"}, {"prefix", keys_.prefix}},
                    .root = "ListBucketResult"});
    TRY(std::move(answer));
    return {};
  }

  Result<std::unique_ptr<Incoming>> begin(const std::string& group) override {
    TRY(check_name(group));
    auto listing = TRY(line_.list(keys_.group(group), ""));
    if (!listing.objects.empty())
      return fail(Code::exists, std::format("{} exists at {}", group, label()));
    auto token = random_token();
    auto claimed = line_.put(keys_.claim(group), token, true);
    if (!claimed && claimed.error().code == Code::exists)
      return fail(Code::exists, std::format("{} is being written at {}", group, label()));
    TRY(std::move(claimed));
    visible_.erase(group);
    auto incoming = std::make_unique<S3Incoming>(account_, keys_, group, token);
    TRY(learn(keys_.claim(group), token));
    return incoming;
  }

  Result<std::unique_ptr<Incoming>> resume(const std::string& group) override {
    TRY(check_name(group));
    if (TRY(there(line_, keys_.marker(group))))
      return fail(Code::exists, std::format("{} exists at {}", group, label()));
    if (!TRY(there(line_, keys_.claim(group))))
      return fail(Code::not_found, std::format("{} is not being written at {}", group, label()));
    auto token = random_token();
    TRY(line_.put(keys_.claim(group), token, false));
    visible_.erase(group);
    auto incoming = std::make_unique<S3Incoming>(account_, keys_, group, token);
    TRY(learn(keys_.claim(group), token));
    TRY(abort_uploads(line_, keys_, group));
    incoming->found(TRY(line_.list(keys_.group(group), "")));
    return incoming;
  }

  Result<std::unique_ptr<stream::Source>> open(const std::string& group,
                                               const std::string& file) override {
    TRY(check_name(group));
    TRY(check_name(file));
    TRY(require_visible(group));
    return download(account_, keys_.file(group, file));
  }

  Result<std::vector<FileInfo>> files(const std::string& group) override {
    TRY(check_name(group));
    TRY(require_visible(group));
    auto files = files_below(TRY(line_.list(keys_.group(group), "")), keys_.group(group));
    if (files.empty()) return fail(Code::not_found, std::format("{} is not at {}", group, label()));
    return files;
  }

  // By every object: a server that keeps versions goes on to list folders without any.
  Result<std::vector<Entry>> list() override {
    auto listing = TRY(line_.list(keys_.prefix, ""));
    std::set<std::string> groups, claims, whole;
    std::vector<Entry> found;
    for (const auto& object : listing.objects) {
      auto name = object.key.substr(keys_.prefix.size());
      auto slash = name.find('/');
      if (name.starts_with(kClaims)) claims.insert(name.substr(kClaims.size()));
      if (name.empty() || name.front() == '.') continue;
      if (slash == name.npos) found.push_back({name, false});
      if (slash == name.npos) continue;
      groups.insert(name.substr(0, slash));
      if (name.substr(slash + 1) == keys_.marker_name) whole.insert(name.substr(0, slash));
    }
    visible_.clear();
    for (const auto& name : groups) {
      if (name.empty() || (claims.contains(name) && !whole.contains(name))) continue;
      visible_.insert(name);
      found.push_back({name, true});
    }
    return found;
  }

  Result<Space> space() override { return Space{}; }

  Result<std::vector<std::string>> remove(const std::string& group,
                                          const std::vector<std::string>& files) override {
    TRY(check_name(group));
    for (const auto& file : files) TRY(check_name(file));
    for (const auto& file : files) TRY(line_.remove(keys_.file(group, file)));
    auto left = files_below(TRY(line_.list(keys_.group(group), "")), keys_.group(group));
    std::vector<std::string> names;
    for (auto& file : left) {
      if (std::ranges::contains(files, file.name))
        return fail(Code::denied,
                    std::format("{} is still there after its removal",
                                account_->name_of(keys_.file(group, file.name))),
                    "does a lock or a policy of the bucket protect it?");
      names.push_back(std::move(file.name));
    }
    return names;
  }

  Result<std::vector<Leftover>> leftovers() override {
    std::vector<Leftover> found;
    auto claims = TRY(claimed());
    for (const auto& [group, changed] : claims) {
      if (!TRY(there(line_, keys_.marker(group)))) found.push_back({group, changed});
    }
    return found;
  }

  Result<void> discard(const std::string& group) override {
    TRY(check_name(group));
    if (!TRY(there(line_, keys_.claim(group)))) return {};
    if (TRY(there(line_, keys_.marker(group)))) {
      TRY(forget_uploads(line_, keys_, group));
      return line_.remove(keys_.claim(group));
    }
    return clean(line_, keys_, group);
  }

  Result<std::vector<std::string>> notes(const std::string& kind) override {
    TRY(check_name(kind));
    std::vector<std::string> names;
    auto listing = TRY(line_.list(keys_.notes(kind), "/"));
    for (const auto& object : listing.objects) {
      auto name = object.key.substr(keys_.notes(kind).size());
      if (!name.empty() && name.front() != '.') names.push_back(std::move(name));
    }
    return names;
  }

  Result<void> put_note(const std::string& kind, const std::string& name,
                        const std::string& text) override {
    TRY(check_name(kind));
    TRY(check_name(name));
    return line_.put(keys_.notes(kind) + name, text, false);
  }

  Result<void> remove_note(const std::string& kind, const std::string& name) override {
    TRY(check_name(kind));
    TRY(check_name(name));
    return line_.remove(keys_.notes(kind) + name);
  }

  std::vector<std::string> remarks() const override { return account_->remarks(); }

 private:
  // Groups with a claim, and when it was put.
  Result<std::map<std::string, Seconds>> claimed() {
    std::map<std::string, Seconds> found;
    auto listing = TRY(line_.list(keys_.claims(), ""));
    for (const auto& object : listing.objects) {
      auto name = object.key.substr(keys_.claims().size());
      if (check_name(name)) found.emplace(std::move(name), object.changed);
    }
    return found;
  }

  Result<void> require_visible(const std::string& group) {
    if (visible_.contains(group)) return {};
    if (!TRY(there(line_, keys_.marker(group))) && TRY(there(line_, keys_.claim(group))))
      return fail(Code::not_found, std::format("{} is not published at {}", group, label()));
    visible_.insert(group);
    return {};
  }

  // Finds out, once, whether the server honours a condition and checks a checksum, with a claim
  // that is ours: its content does not change.
  Result<void> learn(const std::string& claim, const std::string& token) {
    Call request{.operation = "PutObject", .method = "PUT", .key = claim, .body = as_bytes(token)};
    add_encryption(account_->config(), request.headers);
    if (account_->conditional == Learned::unknown) {
      auto conditional = request;
      conditional.checksum = stream::sha256(conditional.body);
      conditional.headers.emplace_back("if-none-match", "*");
      conditional.accept = {412, 501};
      auto answer = TRY(line_.call(conditional));
      account_->conditional = answer.head.status == 412 ? Learned::yes : Learned::no;
    }
    if (account_->conditional == Learned::no)
      account_->remark(
          "the server ignores conditions: two writers of one name are kept apart only "
          "by looking first");
    if (account_->checks == Learned::unknown) {
      request.checksum = stream::Digest{};
      request.accept = {400, 501};
      auto answer = TRY(line_.call(request));
      account_->checks = answer.head.status == 400 ? Learned::yes : Learned::no;
    }
    if (account_->checks == Learned::no)
      account_->remark("the server does not check checksums: copies are read back to prove them");
    return {};
  }

  std::shared_ptr<S3Account> account_;
  Keys keys_;
  S3Line line_;
  std::set<std::string> visible_;  // seen as published, or as no group of ours
};

}  // namespace

Result<std::unique_ptr<Destination>> open_s3(const S3Config& config) {
  auto account = TRY(S3Account::open(config));
  auto place = std::make_unique<S3Place>(std::move(account));
  TRY(place->look());
  return place;
}

}  // namespace snap::dest
