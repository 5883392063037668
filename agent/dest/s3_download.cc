#include <format>

#include "dest/s3_transfer.h"

namespace snap::dest {
namespace {

constexpr int kTries = 4;  // to go on after a cut; each is several requests if need be

class Download : public stream::Source {
 public:
  Download(const std::shared_ptr<S3Account>& account, std::string key)
      : line_(account, account->config().patience), key_(std::move(key)) {}

  Result<void> begin() {
    Call request{.operation = "GetObject", .method = "GET", .key = key_, .stream = true};
    if (at_ > 0) {
      request.headers = {{"range", std::format("bytes={}-", at_)}};
      if (!etag_.empty()) request.headers.emplace_back("if-match", etag_);
    }
    auto answer = TRY(line_.call(request));
    auto wanted = std::format("bytes {}-", at_);
    if (at_ > 0 &&
        (answer.head.status != 206 || !answer.head.header("content-range").starts_with(wanted)))
      return fail(
          Code::unavailable,
          std::format("GetObject {}: it was cut, and the server does not go on in the middle",
                      line_.account().name_of(key_)));
    if (at_ == 0) etag_ = answer.head.header("etag");
    return {};
  }

  Result<size_t> read(MutableBytes into) override {
    while (true) {
      auto n = line_.read(into);
      if (n) {
        at_ += *n;
        return n;
      }
      auto what = "GetObject " + line_.account().name_of(key_);
      if (!n.error().retryable() || ++cuts_ >= kTries) return std::move(n).context(what);
      TRY(begin());
    }
  }

 private:
  S3Line line_;
  std::string key_;
  std::string etag_;  // names the version that is read; it proves nothing about its bytes
  uint64_t at_ = 0;
  int cuts_ = 0;
};

}  // namespace

Result<std::unique_ptr<stream::Source>> download(const std::shared_ptr<S3Account>& account,
                                                 std::string key) {
  auto source = std::make_unique<Download>(account, std::move(key));
  TRY(source->begin());
  return source;
}

}  // namespace snap::dest
