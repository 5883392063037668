#include "snapshot/verify.h"

#include <fcntl.h>
#include <sys/uio.h>

#include <algorithm>
#include <format>
#include <memory>
#include <thread>
#include <utility>

#include "base/text.h"
#include "snapshot/survey.h"
#include "snapshot/trailer.h"
#include "snapshot/watched_file.h"
#include "stream/copy.h"
#include "stream/file.h"

namespace snap::snapshot {
namespace {

constexpr size_t kReadBytes = 512 << 10;

// Another open file of the same: a read-ahead of its own. The walk would upset that of the digest.
Fd open_again(int fd) {
  return Fd(::open(std::format("/proc/self/fd/{}", fd).c_str(), O_RDONLY | O_CLOEXEC));
}

// Only what was synced can be dropped.
void drop_from_memory(int fd) { ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); }

uint64_t body_bytes(uint64_t size_bytes) {
  return length_has_trailer(size_bytes) ? size_bytes - kTrailerBytes : size_bytes;
}

Result<TrailerDigest::Result> digest_file(int fd, const std::string& name, uint64_t size_bytes,
                                          const std::stop_token& stop, const Progress& progress) {
  TrailerDigest digest;
  auto buffer = std::make_unique_for_overwrite<std::byte[]>(kReadBytes);
  for (uint64_t at = 0; at < size_bytes;) {
    if (stop.stop_requested()) return fail(Code::cancelled, "reading was cancelled");
    MutableBytes into(buffer.get(), std::min<uint64_t>(kReadBytes, size_bytes - at));
    auto size = TRY(pread_full(fd, into, at, name));
    if (size == 0) break;  // cut meanwhile; found when all is read
    digest.update(into.first(size));
    at += size;
    if (progress) progress(at, size_bytes);
  }
  return digest.finish();
}

// Whether all of the file seems to lie in the page cache, by samples. False when the kernel does
// not say.
bool in_memory(int fd, uint64_t size_bytes) {
  constexpr uint64_t kSamples = 64;
  for (uint64_t i = 0; i < kSamples; ++i) {
    std::byte byte{};
    iovec into{&byte, 1};
    auto at = static_cast<off_t>(size_bytes / kSamples * i);
    if (::preadv2(fd, &into, 1, at, RWF_NOWAIT) != 1) return false;
  }
  return true;
}

// The same from the disk itself, reading ahead of the hash.
Result<TrailerDigest::Result> digest_disk(Fd fd, const std::string& name, uint64_t size_bytes,
                                          const std::stop_token& stop, const Progress& progress) {
  TrailerDigest digest;
  auto source = stream::disk_source(std::move(fd), name);
  stream::CopyOptions options{
      .tap = [&](Bytes bytes) { digest.update(bytes); }, .progress = {}, .stop = stop};
  if (progress) options.progress = [&](uint64_t done) { progress(done, size_bytes); };
  TRY(stream::read_through(*source, std::move(options)));
  return digest.finish();
}

std::optional<std::string> length_problem(uint64_t size_bytes) {
  if (length_has_trailer(size_bytes)) return std::nullopt;
  if (size_bytes == 0) return "file is empty";
  if (size_bytes % 512 == 0) {
    return "no trailer: copied from a data directory? nothing proves its bytes, and etcdutl "
           "restores "
           "it only with --skip-hash-check";
  }
  return std::format("file is {} bytes: not a whole number of pages plus the 32-byte trailer",
                     size_bytes);
}

void add_damages(Report& report, const bolt::Damages& damages, Level level,
                 const std::string& name) {
  auto kept = damages.sorted();
  for (auto& damage : kept)
    report.findings.push_back({.level = level,
                               .file = name,
                               .page = damage.page,
                               .byte = damage.byte,
                               .what = std::move(damage.what)});
  report.more_findings += damages.count() - kept.size();
}

void cap(Report& report) {
  if (report.findings.size() <= Report::kMaxFindings) return;
  report.more_findings += report.findings.size() - Report::kMaxFindings;
  report.findings.resize(Report::kMaxFindings);
}

// The walk of verify(): on a thread of its own `beside` the digest, or where finish() is called.
class SideWalk {
 public:
  SideWalk(int fd, const std::string& name, uint64_t size_bytes, const VerifyOptions& options,
           bool beside)
      : again_(open_again(fd)),
        file_{.fd = again_ ? again_.get() : fd, .name = name, .size_bytes = body_bytes(size_bytes)},
        threads_(beside ? std::max(2U, options.threads) - 1 : options.threads),
        beside_(beside),
        level_(options.level),
        outer_(options.stop, [this] { stop_.request_stop(); }) {
    if (beside && options.threads > 1) thread_ = std::jthread([this] { run(); });
  }
  ~SideWalk() { stop_.request_stop(); }

  Result<std::optional<Status>> finish() {
    if (thread_.joinable())
      thread_.join();
    else
      run();
    return std::move(outcome_);
  }
  bool beside() const { return beside_; }
  void add_to(Report& report) const {
    add_damages(report, damages_, Level::structure, file_.name);
    // Where pages are missing, what the others hold together says nothing.
    if (damages_.count() == 0) add_damages(report, mvcc_, Level::mvcc, file_.name);
  }

 private:
  void run() {
    outcome_ = survey(file_,
                      {.threads = threads_,
                       .stop = stop_.get_token(),
                       .progress = {},
                       .mvcc = level_ >= Level::mvcc ? &mvcc_ : nullptr},
                      damages_);
  }

  Fd again_;
  bolt::File file_;
  unsigned threads_;
  bool beside_;
  Level level_;
  bolt::Damages damages_, mvcc_;
  Result<std::optional<Status>> outcome_;
  std::stop_source stop_;
  std::stop_callback<std::function<void()>> outer_;
  std::jthread thread_;  // last: joined before the others go
};

Result<Report> verify_open(int fd, const std::string& name, const std::string* path,
                           const VerifyOptions& options) {
  auto file = TRY(WatchedFile::watch(fd, name));
  Report report{.level = options.level, .size_bytes = file.size_bytes()};
  auto finding = [&](std::string what) {
    report.findings.push_back(
        {.level = Level::digest, .file = name, .page = {}, .byte = {}, .what = std::move(what)});
  };
  // What was just written is walked while it is in memory. Then the disk is read, and the digest
  // tells whether it holds the same. Where memory does not hold it, walk and digest share one
  // reading of the disk.
  auto again = options.past_page_cache && in_memory(fd, file.size_bytes()) ? open_again(fd) : Fd();
  if (options.past_page_cache && !again) drop_from_memory(fd);
  std::optional<SideWalk> walk;
  if (options.level >= Level::structure && file.size_bytes() > 0)
    walk.emplace(fd, name, file.size_bytes(), options, !again);
  if (walk && again) report.status = TRY(walk->finish());
  auto digest = TRY(
      again ? digest_disk(std::move(again), name, file.size_bytes(), options.stop, options.progress)
            : digest_file(fd, name, file.size_bytes(), options.stop, options.progress));
  if (walk && walk->beside()) report.status = TRY(walk->finish());

  report.sha256 = to_hex(digest.whole);
  if (auto change = TRY(file.change(path))) finding(*change);
  if (auto problem = length_problem(file.size_bytes()))
    finding(*problem);
  else if (!digest.matches())
    finding(std::format("SHA-256 of the content is {}, its trailer says {}", to_hex(digest.body),
                        to_hex(digest.trailer)));
  if (walk) walk->add_to(report);
  cap(report);
  // The pages that this filled belong to etcd again.
  if (options.past_page_cache) drop_from_memory(fd);
  return report;
}

}  // namespace

Result<Report> verify(const std::string& path, const VerifyOptions& options) {
  auto fd = TRY(open_regular(path));
  return verify_open(fd.get(), path, &path, options);
}

Result<Report> verify(const Fd& file, const std::string& name, const VerifyOptions& options) {
  return verify_open(file.get(), name, nullptr, options);
}

Result<Report> read_status(const std::string& path, const StatusOptions& options) {
  auto fd = TRY(open_regular(path));
  auto file = TRY(WatchedFile::watch(fd.get(), path));
  Report report{.level = Level::structure, .size_bytes = file.size_bytes()};
  bolt::File bolt_file{.fd = fd.get(), .name = path, .size_bytes = body_bytes(file.size_bytes())};
  SurveyOptions survey_options{.threads = options.threads, .stop = options.stop, .progress = {}};
  if (options.progress)
    survey_options.progress = [&](uint64_t done) { options.progress(done, file.size_bytes()); };
  bolt::Damages damages;
  report.status = TRY(survey(bolt_file, survey_options, damages));
  if (auto change = TRY(file.change(&path))) {
    report.findings.push_back(
        {.level = Level::digest, .file = path, .page = {}, .byte = {}, .what = *change});
    report.status.reset();
  }
  add_damages(report, damages, Level::structure, path);
  cap(report);
  return report;
}

}  // namespace snap::snapshot
