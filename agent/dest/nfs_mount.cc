#include "dest/nfs_mount.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <format>
#include <utility>

#include "base/file.h"
#include "base/handle.h"
#include "base/text.h"
#include "net/connect.h"
#include "net/resolve.h"

namespace snap::dest {
namespace {

using Clock = std::chrono::steady_clock;
using NfsUrl = Handle<nfs_url, &nfs_destroy_url>;

// libnfs wants to be asked at least this often, or its own limits do not fire.
constexpr std::chrono::milliseconds kSlice{50};

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

// NFSv4 servers tell clients apart by this text; libnfs' own is the same for two processes with one
// pid in one second, and the second would end the first one's open files.
std::string client_name() {
  static std::atomic<unsigned> counter{0};
  return std::format("etcd-snapshot-{}-{}-{}-{}", host_name(), ::getpid(), ++counter,
                     random_token());
}

}  // namespace

void NfsCall::ended(int status, nfs_context* context, void* data, void* self) noexcept {
  auto& call = *static_cast<NfsCall*>(self);
  call.status = status;
  if (status >= 0 && call.take) call.take(data);
  // -EINTR: timed out, or the context is being destroyed and must not be asked.
  if (status < 0 && status != -EINTR) {
    const char* text = nfs_get_error(context);
    if (text) call.text = text;
  }
  call.done = true;
  if (call.finished) ++*call.finished;
}

NfsMount::NfsMount(const NfsConfig& config)
    : config_(config),
      label_(std::format("nfs://{}{}{}{}", config.server, config.path,
                         config.directory.empty() ? "" : "/", config.directory)) {}

void NfsMount::give_up() {
  if (context_) nfs_destroy_context(std::exchange(context_, nullptr));
}

std::unexpected<Error> NfsMount::lost(std::string_view doing) const {
  return fail(Code::unavailable, std::format("{}: the connection to {} is lost", doing, label_));
}

Result<std::unique_ptr<NfsMount>> NfsMount::open(const NfsConfig& config) {
  if (config.version != 3 && config.version != 4)
    return fail(Code::invalid, std::format("NFS version {} is not supported", config.version),
                "use 3 or 4");
  auto deadline = Clock::now() + config.patience.connect;
  auto left = [deadline] {
    return std::max(std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()), kSlice);
  };
  auto addresses = TRY(net::resolve(config.server, left(), config.patience.stop));
  // libnfs says the same of a port that is closed and of a server that refuses: look first who
  // listens.
  uint16_t first_port = config.version == 3 ? (config.mount_port ? config.mount_port : 111)
                                            : (config.port ? config.port : 2049);
  TRY(net::connect_tcp(config.server, first_port, left(), config.patience.stop));
  std::unique_ptr<NfsMount> mount(new NfsMount(config));
  Result<void> mounted;
  for (const auto& address : addresses) {
    mounted = mount->mount_at(address, left());
    if (mounted) return mount;
    if (!mounted.error().retryable()) break;
  }
  return std::unexpected(mounted.error());
}

Result<void> NfsMount::set_up() {
  give_up();
  context_ = nfs_init_context();
  if (!context_) return fail(Code::internal, "libnfs does not start");
  // Ports can only be given as parts of an address.
  std::string options = std::format("nfs://x/x/?version={}", config_.version);
  if (config_.port != 0) options += std::format("&nfsport={}", config_.port);
  if (config_.mount_port != 0) options += std::format("&mountport={}", config_.mount_port);
  NfsUrl parsed(nfs_parse_url_dir(context_, options.c_str()));
  if (!parsed) return fail(Code::internal, "libnfs does not take its options");
  nfs_set_version(context_, config_.version);
  nfs_set_uid(context_, static_cast<int>(config_.uid));
  nfs_set_gid(context_, static_cast<int>(config_.gid));
  nfs_set_autoreconnect(context_, 0);
  nfs_set_dircache(context_, 0);
  set_limit({});
  nfs4_set_client_name(context_, client_name().c_str());
  return {};
}

// The second line behind the clock of wait().
void NfsMount::set_limit(std::chrono::milliseconds extra) {
  if (context_)
    nfs_set_timeout(context_, static_cast<int>((config_.patience.stall * 2 + extra).count()));
}

Result<void> NfsMount::mount_at(const std::string& address, std::chrono::milliseconds limit) {
  TRY(set_up());
  auto doing = std::format("mount {}", label_);
  NfsCall call;
  TRY(begin(call, doing, [&](nfs_context* context, nfs_cb ended, void* data) {
    return nfs_mount_async(context, address.c_str(), config_.path.c_str(), ended, data);
  }));
  TRY(wait(doing, limit, [&] { return call.done; }));
  if (call.status >= 0) return {};
  auto error = error_of(call, doing);
  give_up();
  if (call.status == -ENOENT)
    error = {Code::not_found, std::format("{}: the server has no export {}", doing, config_.path),
             // Version 4 hides what is not for this client.
             std::format("look at: showmount -e {}{}", config_.server,
                         config_.version == 4 ? ", at the export's list of clients, and whether it "
                                                "wants a port below 1024 (run as root)"
                                              : "")};
  if (call.status == -EACCES || call.status == -EPERM)
    error = {Code::denied, std::format("{}: the server refuses this client", doing),
             "look at the export's list of clients, and whether it wants a port below 1024 (run as "
             "root)"};
  // Neither a refused connection nor a port below 1024 that is wanted is told apart.
  if (error.code == Code::internal) {
    error.code = Code::unavailable;
    error.message = std::format("{}: the server does not answer as an NFS server does", doing);
    error.hint =
        "is the server running, is its port open, does it want a port below 1024 (run as root)";
  }
  return std::unexpected(std::move(error));
}

Result<void> NfsMount::serve(std::string_view doing) {
  if (!context_) return lost(doing);
  pollfd waiting{nfs_get_fd(context_), static_cast<short>(nfs_which_events(context_)), 0};
  ::poll(&waiting, 1, 0);
  if (nfs_service(context_, waiting.revents) >= 0) return {};
  give_up();
  return lost(doing);
}

Result<void> NfsMount::wait(std::string_view doing, std::chrono::milliseconds limit,
                            const std::function<bool()>& done) {
  auto last = Clock::now();
  auto finished = finished_;
  while (!done()) {
    if (!context_) return lost(doing);
    if (config_.patience.stop.stop_requested()) {
      give_up();
      return fail(Code::cancelled, "interrupted");
    }
    pollfd waiting{nfs_get_fd(context_), static_cast<short>(nfs_which_events(context_)), 0};
    ::poll(&waiting, 1, static_cast<int>(kSlice.count()));
    if (nfs_service(context_, waiting.revents) < 0) {
      if (done()) return {};  // the call that failed says more
      give_up();
      return lost(doing);
    }
    // Bytes that the server took or sent are progress, and so is a call that ended.
    bool moved = (waiting.revents & (POLLIN | POLLOUT)) != 0 || finished != finished_;
    finished = finished_;
    if (moved) last = Clock::now();
    if (Clock::now() - last < limit) continue;
    give_up();
    return fail(Code::timeout,
                std::format("{}: no answer from {} for {}", doing, label_,
                            human_duration(std::chrono::ceil<std::chrono::seconds>(limit))),
                "is the server running, is a firewall in between");
  }
  return {};
}

Error NfsMount::error_of(const NfsCall& call, std::string_view doing) const {
  int reason = -call.status;
  auto says = [&](std::string_view name) { return call.text.contains(name); };
  auto who = std::format("uid {} gid {}", config_.uid, config_.gid);
  if (says("DQUOT") || reason == EDQUOT)
    return {Code::no_space, std::format("{}: the quota of {} at {} is used up", doing, who, label_),
            "raise the quota, or let retention keep less"};
  if (says("NOSPC") || reason == ENOSPC) return errno_error(ENOSPC, doing);
  // A server that was restarted knows neither the mount nor its open files; libnfs has no errno for
  // the second, and gives EFAULT.
  bool no_file = reason == EFAULT && (says("NOENT") || says("STATEID"));
  if (says("STALE") || says("EXPIRED") || says("BADHANDLE") || reason == ESTALE || no_file)
    return {Code::unavailable,
            std::format("{}: the server forgot this mount (stale handle)", doing)};
  switch (reason) {
    case EROFS: {
      auto error = errno_error(EROFS, doing);
      error.hint = "the export is read-only: see the server's exports";
      return error;
    }
    case EACCES:
    case EPERM:
      return {
          Code::denied, std::format("{}: permission denied to {}", doing, who),
          "the server may squash root: set uid and gid to the directory's owner, or export with "
          "no_root_squash"};
    case EINTR:
    case ETIMEDOUT: return {Code::timeout, std::format("{}: no answer from {}", doing, label_)};
    case EAGAIN:
    case EIO:
    case ENOTCONN:
    case ECONNRESET:
    case ECONNREFUSED:
      return {Code::unavailable,
              std::format("{}: {}", doing,
                          call.text.empty() ? "the server is not ready" : escaped(call.text))};
    default: break;
  }
  auto error = errno_error(reason, doing);
  if (error.code == Code::internal && !call.text.empty())
    error.message += std::format(" ({})", escaped(call.text));
  return error;
}

}  // namespace snap::dest
