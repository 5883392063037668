#include "dest/s3.h"

#include <algorithm>
#include <format>
#include <map>
#include <set>

#include "base/file.h"
#include "dest/s3_incoming.h"
#include "dest/s3_transfer.h"

namespace snap::dest {
namespace {

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
    auto incoming = s3_incoming(account_, keys_, group, token, {});
    TRY(learn(keys_.claim(group), token));
    return incoming;
  }

  Result<std::unique_ptr<Incoming>> resume(const std::string& group) override {
    TRY(check_name(group));
    if (TRY(s3_has(line_, keys_.marker(group))))
      return fail(Code::exists, std::format("{} exists at {}", group, label()));
    if (!TRY(s3_has(line_, keys_.claim(group))))
      return fail(Code::not_found, std::format("{} is not being written at {}", group, label()));
    auto token = random_token();
    TRY(line_.put(keys_.claim(group), token, false));
    visible_.erase(group);
    TRY(learn(keys_.claim(group), token));
    TRY(abort_uploads(line_, keys_, group));
    auto left = TRY(line_.list(keys_.group(group), ""));
    return s3_incoming(account_, keys_, group, token, left);
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
    auto files = s3_files(TRY(line_.list(keys_.group(group), "")), keys_.group(group));
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
      if (name.starts_with(kS3Claims)) claims.insert(name.substr(kS3Claims.size()));
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
    auto left = s3_files(TRY(line_.list(keys_.group(group), "")), keys_.group(group));
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
      if (!TRY(s3_has(line_, keys_.marker(group)))) found.push_back({group, changed});
    }
    return found;
  }

  Result<void> discard(const std::string& group) override {
    TRY(check_name(group));
    if (!TRY(s3_has(line_, keys_.claim(group)))) return {};
    if (TRY(s3_has(line_, keys_.marker(group)))) {
      TRY(forget_uploads(line_, keys_, group));
      return line_.remove(keys_.claim(group));
    }
    return remove_unpublished(line_, keys_, group);
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
    if (!TRY(s3_has(line_, keys_.marker(group))) && TRY(s3_has(line_, keys_.claim(group))))
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
  S3Keys keys_;
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
