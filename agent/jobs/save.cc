#include "jobs/save.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <format>
#include <utility>

#include "base/file.h"
#include "base/text.h"
#include "stream/file.h"

namespace snap::jobs {
namespace {

// A new file that takes its final name when it is finished, and vanishes otherwise.
class RenamedFile : public stream::Sink {
 public:
  static Result<std::unique_ptr<stream::Sink>> create(const std::string& path) {
    auto part = path + "." + random_token() + ".part";
    auto fd = TRY(open_file(part, O_WRONLY | O_CREAT | O_EXCL, 0600));
    auto sink = stream::file_sink(std::move(fd), part, stream::Caching::bypass);
    return std::make_unique<RenamedFile>(std::move(sink), part, path);
  }

  RenamedFile(std::unique_ptr<stream::Sink> sink, std::string part, std::string path)
      : sink_(std::move(sink)), part_(std::move(part)), path_(std::move(path)) {}
  ~RenamedFile() override {
    if (!part_.empty()) ::unlink(part_.c_str());
  }

  Result<void> write(Bytes data) override { return sink_->write(data); }

  Result<void> finish() override {
    TRY(sink_->finish());
    if (::rename(part_.c_str(), path_.c_str()) != 0)
      return fail_errno(errno, std::format("rename {} to {}", part_, path_));
    part_.clear();
    return sync_directory(parent_directory(path_));
  }

 private:
  std::unique_ptr<stream::Sink> sink_;
  std::string part_;  // empty: it has its final name
  std::string path_;
};

// A pipe or a file that the shell opened. Its reader may stand still, and then we must still be
// able to stop.
class StandardOutput : public stream::Sink {
 public:
  explicit StandardOutput(std::stop_token stop) : stop_(std::move(stop)) {}

  Result<void> write(Bytes data) override {
    while (!data.empty()) {
      if (stop_.stop_requested()) return fail(Code::cancelled, "interrupted");
      pollfd ready{STDOUT_FILENO, POLLOUT, 0};
      if (::poll(&ready, 1, kPollMilliseconds) <= 0) continue;
      // A pipe that is ready takes PIPE_BUF bytes without blocking; a regular file takes all.
      auto n = ::write(STDOUT_FILENO, data.data(),
                       std::min(data.size(), regular_ ? data.size() : size_t{PIPE_BUF}));
      if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (n < 0) return fail_errno(errno, "write standard output");
      data = data.subspan(static_cast<size_t>(n));
    }
    return {};
  }

  // Pipes and terminals cannot be synced; a file can.
  Result<void> finish() override {
    if (::fsync(STDOUT_FILENO) != 0 && errno != EINVAL && errno != EROFS)
      return fail_errno(errno, "fsync standard output");
    return {};
  }

 private:
  static constexpr int kPollMilliseconds = 200;

  static bool is_regular() {
    struct stat info{};
    return ::fstat(STDOUT_FILENO, &info) == 0 && S_ISREG(info.st_mode);
  }

  std::stop_token stop_;
  bool regular_ = is_regular();
};

Result<void> check_target(const std::string& path) {
  struct stat info{};
  if (path == "-") {
    if (::isatty(STDOUT_FILENO) == 1) {
      return fail(Code::invalid, "standard output is a terminal",
                  "send it to a file or pipe: etcd-snapshot save - > snapshot.db");
    }
    return {};
  }
  auto parent = parent_directory(path);
  if (::stat(parent.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return fail(Code::invalid, std::format("{} is no directory to write into", escaped(parent)),
                std::format("create it: mkdir -p {}", escaped(parent)));
  }
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    return fail(Code::invalid, std::format("{} is not a regular file", escaped(path)),
                "name a file, or - for standard output");
  }
  return {};
}

std::optional<uint64_t> room_beside(const std::string& path) {
  struct statvfs info{};
  if (path == "-" || ::statvfs(parent_directory(path).c_str(), &info) != 0) return std::nullopt;
  return info.f_bavail * info.f_frsize;
}

}  // namespace

std::expected<Saved, Failure> save(etcd::Client& client, const std::string& path, report::Log& log,
                                   report::Progress& progress, std::stop_token stop) {
  auto failed = [](Exit exit, std::string stage, Error error) {
    return std::unexpected(Failure{exit, std::move(stage), std::move(error)});
  };
  auto target = check_target(path);
  if (!target) return failed(local_exit(target.error()), "preflight", target.error());
  auto cluster = look_at_cluster(client, etcd::WithoutLeader::accept);
  if (!cluster) return failed(etcd_exit(cluster.error()), "preflight", cluster.error());
  for (const auto& warning : cluster->warnings) log.warn(warning);
  log.info(std::format("taking the snapshot from {}", cluster->choice.reason));

  TakeOptions options{.open_sink = [&]() -> Result<std::unique_ptr<stream::Sink>> {
                        if (path == "-") return std::make_unique<StandardOutput>(stop);
                        return RenamedFile::create(path);
                      },
                      .room_bytes = room_beside(path),
                      .progress = report::step_of(progress, "taking the snapshot"),
                      .retrying = [&](const std::string& text) { log.warn(text); },
                      .stop = stop};
  // What standard output got cannot be taken back: no second try.
  if (path == "-") cluster->choice.order.resize(1);
  auto taken = take_snapshot(client, *cluster, options);
  progress.end();
  if (!taken) return failed(etcd_exit(taken.error()), "take", taken.error());
  Saved saved{std::move(*taken), std::move(cluster->warnings)};
  for (const auto& warning : saved.taken.warnings) log.warn(warning);
  saved.warnings.insert(saved.warnings.end(), saved.taken.warnings.begin(),
                        saved.taken.warnings.end());
  return saved;
}

}  // namespace snap::jobs
