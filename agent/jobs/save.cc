#include "jobs/save.h"

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
#include "jobs/whole_file.h"

namespace snap::jobs {
namespace {

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
  auto stale = path == "-" ? StaleParts{} : remove_stale_parts(path);
  for (const auto& part : stale.removed)
    log.warn(std::format("removed {}, left by a save that did not end", part));
  for (const auto& problem : stale.problems) log.warn(problem);
  auto cluster = look_at_cluster(client, etcd::WithoutLeader::accept);
  if (!cluster) return failed(etcd_exit(cluster.error()), "preflight", cluster.error());
  for (const auto& warning : cluster->warnings) log.warn(warning);
  log.info(std::format("taking the snapshot from {}", cluster->choice.reason));

  TakeOptions options{.open_sink = [&]() -> Result<std::unique_ptr<stream::Sink>> {
                        if (path == "-") return std::make_unique<StandardOutput>(stop);
                        return create_whole_file(path);
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
