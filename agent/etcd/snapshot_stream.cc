#include "etcd/snapshot_stream.h"

#include <algorithm>
#include <thread>

#include "base/text.h"
#include "etcd/messages.h"
#include "etcd/session.h"
#include "etcd/snapshot_decoder.h"

namespace snap::etcd {
namespace {

using Clock = std::chrono::steady_clock;

// While messages come that bring nothing, the connection is looked at this often: a member that
// sends empty messages without end must not keep a core busy.
constexpr std::chrono::milliseconds kIdlePause{100};

// A read returns what it has after this time, so that a slow stream can be watched.
constexpr std::chrono::milliseconds kLongRead{100};

// Bytes go into the caller's buffer; what does not fit waits here for the next read.
class Landing : public SnapshotDecoder::Out {
 public:
  // Points at the caller's buffer and moves what waits into it.
  void begin(MutableBytes into) {
    into_ = into;
    filled_ = 0;
    auto n = std::min(into.size(), waiting_.size() - waiting_from_);
    std::copy_n(waiting_.data() + waiting_from_, n, into.data());
    waiting_from_ += n;
    filled_ = n;
    if (waiting_from_ < waiting_.size()) return;
    waiting_.clear();  // keeps its memory
    waiting_from_ = 0;
  }
  void take(Bytes bytes) override {
    auto n = std::min(bytes.size(), into_.size() - filled_);
    if (n > 0) std::memcpy(into_.data() + filled_, bytes.data(), n);
    filled_ += n;
    waiting_.insert(waiting_.end(), bytes.begin() + static_cast<ptrdiff_t>(n), bytes.end());
  }
  bool full() const { return filled_ == into_.size(); }
  size_t filled() const { return filled_; }

 private:
  MutableBytes into_;
  size_t filled_ = 0;
  std::vector<std::byte> waiting_;
  size_t waiting_from_ = 0;
};

// "123 of 740 MB", or "900 kB of 1.4 GB".
std::string place(uint64_t at, uint64_t total) {
  auto have = human_size(at), all = human_size(total);
  auto unit = have.find(' ');
  if (unit != have.npos && all.ends_with(have.substr(unit))) have.resize(unit);
  return have + " of " + all;
}

class LiveStream : public SnapshotStream, private net::Receiver {
 public:
  LiveStream(std::shared_ptr<Session> session, std::string endpoint)
      : session_(std::move(session)), endpoint_(std::move(endpoint)) {}

  uint64_t total_bytes() const override { return decoder_.total_bytes(); }
  std::string storage_version() const override { return decoder_.version(); }
  bool user_refused() const override {
    auto problem = status_.auth_problem();
    return session_->refused() || problem == AuthProblem::no_user ||
           problem == AuthProblem::no_permission;
  }

  Result<size_t> read(MutableBytes into) override {
    return fill(into).context(redacted_url(endpoint_));
  }

 private:
  Result<size_t> fill(MutableBytes into) {
    landing_.begin(into);
    if (!loop_) TRY(open());
    auto began = Clock::now(), waiting_since = began;
    while (!landing_.full() && !ended_) {
      if (session_->config().stop.stop_requested()) return fail(Code::cancelled, "told to stop");
      auto before = decoder_.delivered_bytes();
      loop_->step(kStopPoll);
      if (ended_) TRY(end());
      auto now = Clock::now();
      if (decoder_.delivered_bytes() > before)
        waiting_since = now;
      else
        TRY(wait_on(now - waiting_since));
      if (landing_.filled() > 0 && now - began >= kLongRead) break;
    }
    return landing_.filled();
  }

  // Nothing came for `idle`.
  Result<void> wait_on(Clock::duration idle) {
    auto limit = session_->config().stall_timeout;
    if (idle < limit) {
      if (std::exchange(empty_messages_, false)) std::this_thread::sleep_for(kIdlePause);
      return {};
    }
    auto seconds = std::to_string(std::chrono::duration_cast<std::chrono::seconds>(limit).count());
    auto where = total_bytes() == 0 ? std::string("the first byte")
                                    : place(decoder_.delivered_bytes(), total_bytes());
    return fail(Code::timeout, "no progress for " + seconds + " s at " + where,
                "the member or the way to it hangs");
  }

  Result<void> open() {
    token_ = session_->token();
    auto request = TRY(session_->request(endpoint_, kSnapshotMethod, "", token_));
    loop_ = std::make_unique<net::Loop>();
    ended_ = false;
    status_ = {};
    return loop_->start(request, *this);
  }

  // The exchange is over: it was whole, or it is worth another try with a new token, or an Error.
  Result<void> end() {
    auto at = decoder_.delivered_bytes();
    if (at == 0 && !renewed_) {
      // The first token is no renewal: it may expire before the member sees it.
      renewed_ = !token_.empty() || std::exchange(authenticated_, true);
      auto worth_it = TRY(session_->renew(token_, endpoint_, status_.auth_problem()));
      if (worth_it) return open();
    }
    auto verdict = judge();
    if (verdict || at == 0) return verdict;
    auto total = total_bytes() == 0 ? std::string() : " of " + std::to_string(total_bytes());
    verdict.error().message += " (at byte " + std::to_string(at) + total + ")";
    return verdict;
  }

  Result<void> judge() {
    if (status_.known() && !status_.ok()) return status_.result();
    auto http_status = TRY(std::move(http_status_));
    if (http_status != 200) return std::unexpected(http_status_error(http_status));
    TRY(status_.result());
    return decoder_.finish();
  }

  void header(std::string_view name, std::string_view value) override {
    status_.header(name, value);
  }
  Result<void> data(Bytes bytes) override {
    auto before = decoder_.delivered_bytes();
    auto fed = decoder_.feed(bytes, landing_);
    empty_messages_ = decoder_.delivered_bytes() == before;
    return fed;
  }
  void ended(Result<int> http_status) override {
    http_status_ = std::move(http_status);
    ended_ = true;
  }

  std::shared_ptr<Session> session_;
  const std::string endpoint_;
  std::string token_;
  bool authenticated_ = false;  // for a first token
  bool renewed_ = false;
  Landing landing_;
  SnapshotDecoder decoder_;
  GrpcStatus status_;
  Result<int> http_status_ = 0;
  bool ended_ = false;
  bool empty_messages_ = false;
  std::unique_ptr<net::Loop> loop_;  // last: it ends before what its callbacks work on
};

}  // namespace

std::unique_ptr<SnapshotStream> open_stream(std::shared_ptr<Session> session,
                                            std::string endpoint) {
  return std::make_unique<LiveStream>(std::move(session), std::move(endpoint));
}

}  // namespace snap::etcd
