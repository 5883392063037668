#include <algorithm>
#include <condition_variable>
#include <deque>
#include <format>
#include <map>
#include <mutex>
#include <thread>

#include "base/encode.h"
#include "base/exception.h"
#include "dest/s3_transfer.h"

namespace snap::dest {
namespace {

constexpr size_t kInFlight = 4;
constexpr int kMaxParts = 10'000;
constexpr size_t kFirstPartBytes = 8UL << 20;
constexpr int kPartsOfOneSize = 2'000;

struct Part {
  int number = 0;
  size_t size = 0;
  size_t capacity = 0;
  std::unique_ptr<std::byte[]> data;

  Bytes bytes() const { return {data.get(), size}; }
};

struct SentPart {
  std::string etag;
  stream::Digest digest;
};

// Sends parts over four connections, each on a thread of its own.
class PartSender {
 public:
  PartSender(std::shared_ptr<S3Account> account, std::string key, std::string id)
      : account_(std::move(account)), key_(std::move(key)), id_(std::move(id)) {
    try {
      for (size_t i = 0; i < kInFlight; ++i) threads_.emplace_back([this] { work(); });
    } catch (...) {
      (void)end();  // those that did start wait for parts until they are told
      throw;
    }
  }
  ~PartSender() {
    (void)end();
    stop_.request_stop();
  }

  // Waits while four parts are on their way. Returns memory for the next one.
  Result<std::unique_ptr<std::byte[]>> send(Part part) {
    std::unique_lock lock(mutex_);
    waiting_.push_back(std::move(part));
    changed_.notify_all();
    // One that waits beside four under way would be a sixth buffer.
    changed_.wait(lock, [&] { return waiting_.empty() || !failed_; });
    if (!failed_) return std::unexpected(failed_.error());
    if (spare_.empty()) return nullptr;
    auto memory = std::move(spare_.back());
    spare_.pop_back();
    return memory;
  }

  // Waits for the last part. What was sent, by number.
  Result<std::map<int, SentPart>> finish() {
    TRY(end());
    return std::move(sent_);
  }

  // Ends what is under way; its outcome does not matter any more.
  void give_up() {
    stop_.request_stop();
    std::lock_guard lock(mutex_);
    waiting_.clear();
    if (failed_) failed_ = fail(Code::cancelled, "given up");
    changed_.notify_all();
  }

 private:
  Result<void> end() {
    {
      std::lock_guard lock(mutex_);
      ended_ = true;
      changed_.notify_all();
    }
    threads_.clear();  // joins
    return failed_;
  }

  // Nothing may be thrown out of a thread.
  void work() {
    try {
      send_parts();
    } catch (const std::exception& error) {
      std::lock_guard lock(mutex_);
      if (failed_) failed_ = std::unexpected(error_of(error));
      changed_.notify_all();
    }
  }

  void send_parts() {
    auto patience = account_->config().patience;
    std::stop_callback outer(patience.stop, [this] { stop_.request_stop(); });
    patience.stop = stop_.get_token();
    S3Line line(account_, patience);
    while (auto part = next()) {
      auto sent = send_one(line, *part);
      std::lock_guard lock(mutex_);
      if (sent)
        sent_.insert_or_assign(part->number, std::move(*sent));
      else if (failed_)
        failed_ = std::unexpected(sent.error());
      if (part->capacity == kFirstPartBytes) spare_.push_back(std::move(part->data));
      changed_.notify_all();
    }
  }

  std::optional<Part> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !failed_ || ended_ || !waiting_.empty(); });
    if (!failed_ || waiting_.empty()) return std::nullopt;
    auto part = std::move(waiting_.front());
    waiting_.pop_front();
    changed_.notify_all();
    return part;
  }

  Result<SentPart> send_one(S3Line& line, const Part& part) {
    auto digest = stream::sha256(part.bytes());
    auto answer =
        TRY(line.call({.operation = "UploadPart",
                       .method = "PUT",
                       .key = key_,
                       .query = {{"partNumber", std::to_string(part.number)}, {"uploadId", id_}},
                       .body = part.bytes(),
                       .checksum = digest}));
    auto etag = answer.head.header("etag");
    if (etag.empty() || etag.size() > 128)
      return fail(Code::unavailable,
                  std::format("UploadPart {}: the server gives no ETag", account_->name_of(key_)));
    return SentPart{std::string(etag), digest};
  }

  std::shared_ptr<S3Account> account_;
  std::string key_, id_;
  std::stop_source stop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Part> waiting_;
  std::vector<std::unique_ptr<std::byte[]>> spare_;
  std::map<int, SentPart> sent_;
  Result<void> failed_;
  bool ended_ = false;
  std::vector<std::jthread> threads_;  // last: they use all of the above
};

class UploadSink : public stream::Sink {
 public:
  UploadSink(std::shared_ptr<S3Account> account, std::string key,
             std::function<Result<void>()> in_parts, std::function<void(const Sent&)> done)
      : account_(std::move(account)),
        key_(std::move(key)),
        in_parts_(std::move(in_parts)),
        done_(std::move(done)),
        line_(account_, account_->config().patience),
        hashes_(account_->checks == Learned::yes) {}

  ~UploadSink() override {
    if (sender_) sender_->give_up();
    sender_.reset();
    if (id_.empty() || finished_) return;
    auto line = S3Line::for_cleaning(account_);
    (void)line.abort({key_, id_});
  }

  Result<void> write(Bytes data) override {
    if (hashes_) whole_.update(data);
    size_ += data.size();
    while (!data.empty()) {
      if (part_.data && part_.size == part_.capacity) TRY(push());
      if (!part_.data) TRY(new_part());
      auto n = std::min(data.size(), part_.capacity - part_.size);
      std::memcpy(part_.data.get() + part_.size, data.data(), n);
      part_.size += n;
      data = data.subspan(n);
    }
    return {};
  }

  Result<void> finish() override {
    Sent sent{.size_bytes = size_};
    if (hashes_) sent.whole = whole_.digest();
    if (id_.empty()) {
      auto digest = stream::sha256(part_.bytes());
      sent.checksum = base64(digest);
      TRY(line_.put(key_, as_text(part_.bytes()), true));
    } else {
      TRY(push());
      auto parts = TRY(sender_->finish());
      sender_.reset();
      TRY(complete(parts, sent));
    }
    finished_ = true;
    done_(sent);
    return {};
  }

 private:
  Result<void> new_part() {
    if (++number_ > kMaxParts)
      return fail(Code::invalid,
                  std::format("{}: larger than an upload can be", account_->name_of(key_)));
    part_.number = number_;
    part_.size = 0;
    part_.capacity = part_bytes(number_);
    part_.data = std::move(spare_);
    if (!part_.data || part_.capacity != kFirstPartBytes)
      part_.data = std::make_unique_for_overwrite<std::byte[]>(part_.capacity);
    return {};
  }

  Result<void> push() {
    if (id_.empty()) TRY(start());
    spare_ = TRY(sender_->send(std::move(part_)));
    part_ = {};
    return {};
  }

  Result<void> start() {
    Call request{.operation = "CreateMultipartUpload",
                 .method = "POST",
                 .key = key_,
                 .query = {{"uploads", ""}},
                 .headers = {{"x-amz-checksum-algorithm", "SHA256"}},
                 .root = "InitiateMultipartUpload"};
    add_encryption(account_->config(), request.headers);
    auto answer = TRY(line_.call(request));
    id_ = answer.xml.text_of("UploadId");
    if (id_.empty())
      return fail(Code::unavailable, std::format("CreateMultipartUpload {}: the server gives no id",
                                                 account_->name_of(key_)));
    TRY(in_parts_());
    sender_ = std::make_unique<PartSender>(account_, key_, id_);
    return {};
  }

  // The digest of the digests of the parts, as S3 calls it COMPOSITE.
  static std::string composite(const std::map<int, SentPart>& parts) {
    stream::Sha256 hash;
    for (const auto& [number, part] : parts) hash.update(part.digest);
    return std::format("{}-{}", base64(hash.digest()), parts.size());
  }

  Result<void> complete(const std::map<int, SentPart>& parts, Sent& sent) {
    sent.checksum = composite(parts);
    std::string body =
        "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
    for (const auto& [number, part] : parts) {
      body += std::format(
          "<Part><PartNumber>{}</PartNumber><ETag>{}</ETag><ChecksumSHA256>{}</ChecksumSHA256>"
          "</Part>",
          number, xml_escaped(part.etag), base64(part.digest));
    }
    body += "</CompleteMultipartUpload>";
    Call request{.operation = "CompleteMultipartUpload",
                 .method = "POST",
                 .key = key_,
                 .query = {{"uploadId", id_}},
                 .headers = {{"content-type", "application/xml"}},
                 .body = as_bytes(body),
                 .root = "CompleteMultipartUploadResult",
                 // Servers that join the parts do so now; the slowest seen joined 1.3 GB/s.
                 .more_time = silence_for(size_)};
    auto exists = fail(Code::exists, std::format("{} exists", account_->name_of(key_)));
    if (account_->conditional != Learned::yes && TRY(line_.head(key_))) return exists;
    if (account_->conditional != Learned::no) request.headers.emplace_back("if-none-match", "*");
    request.accept = {400, 404, 412};
    auto answer = line_.call(request);
    if (!answer && !answer.error().retryable()) return std::unexpected(answer.error());
    if (answer && answer->head.status < 300) return {};
    // An answer that was lost, and then what a repeat says: the upload is gone, or the object is
    // there. Whose object it is, its size and checksum tell.
    if (answer && answer->attempts == 1) {
      if (answer->head.status == 412) return exists;
      request.accept.clear();
      return refused(request);
    }
    auto stored = line_.head(key_);
    bool same = stored && *stored && (*stored)->size_bytes == size_ &&
                ((*stored)->checksum.empty() || (*stored)->checksum == sent.checksum);
    if (same) return {};
    if (!answer) return std::unexpected(answer.error());
    if (answer->head.status == 412) return exists;
    request.accept.clear();
    return refused(request);
  }

  // Asks again for the words of the refusal.
  Result<void> refused(const Call& request) {
    TRY(line_.call(request));
    return {};
  }

  std::shared_ptr<S3Account> account_;
  std::string key_;
  std::function<Result<void>()> in_parts_;
  std::function<void(const Sent&)> done_;
  S3Line line_;
  bool hashes_;
  stream::Sha256 whole_;
  uint64_t size_ = 0;
  int number_ = 0;
  Part part_;
  std::unique_ptr<std::byte[]> spare_;
  std::string id_;  // of the multipart upload; empty: none was begun
  std::unique_ptr<PartSender> sender_;
  bool finished_ = false;
};

}  // namespace

size_t part_bytes(int number) {
  return kFirstPartBytes << static_cast<unsigned>((number - 1) / kPartsOfOneSize);
}

std::unique_ptr<stream::Sink> upload(std::shared_ptr<S3Account> account, std::string key,
                                     std::function<Result<void>()> in_parts,
                                     std::function<void(const Sent&)> done) {
  return std::make_unique<UploadSink>(std::move(account), std::move(key), std::move(in_parts),
                                      std::move(done));
}

}  // namespace snap::dest
