// One mounted NFS export, driven by its caller. Private to this room.
//
// libnfs by itself waits for ever and repeats calls on a new connection, after which data that the
// server lost counts as written (NFSv3). Here every call goes through an event loop with limits of
// its own, and a connection that was lost once is lost for good: whoever needs another mounts
// again.
#pragma once

#include <nfsc/libnfs.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "dest/nfs.h"

namespace snap::dest {

// A call that is under way. It must stay where it is until `done`, or until the mount was given up.
struct NfsCall {
  bool done = false;
  int status = 0;    // bytes or 0, or a negative errno
  std::string text;  // what libnfs says about a failure
  std::function<void(void*)>
      take;                      // sees the data of a success, valid only meanwhile; may not throw
  uint64_t* finished = nullptr;  // counts calls that ended

  static void ended(int status, nfs_context* context, void* data, void* self) noexcept;
};

class NfsMount {
 public:
  static Result<std::unique_ptr<NfsMount>> open(const NfsConfig& config);
  ~NfsMount() { give_up(); }
  NfsMount(const NfsMount&) = delete;

  const std::string& label() const { return label_; }
  int version() const { return config_.version; }
  nfs_context* context() { return context_; }

  // Starts a call by `start(context, callback, data)`, as the nfs_*_async functions take them.
  template <class Start>
  Result<void> begin(NfsCall& call, std::string_view doing, Start start) {
    if (!context_) return lost(doing);
    call.finished = &finished_;
    int queued = start(context_, &NfsCall::ended, &call);
    if (queued != 0)
      return fail(Code::internal, std::string(doing) + ": libnfs takes no more calls");
    return {};
  }

  // Serves the connection until `done()`. Without progress for the limit, on a stop or when the
  // connection is lost, the mount is given up: all calls have ended then. `doing` names what is
  // waited for.
  Result<void> wait(std::string_view doing, std::chrono::milliseconds limit,
                    const std::function<bool()>& done);
  // Moves what can be moved now, without waiting.
  Result<void> serve(std::string_view doing);

  // One call from start to end; its status, not negative, or the error that it stands for. `extra`:
  // silence that the server may need on top of the limit.
  template <class Start>
  Result<int> call(const std::string& doing, Start start, std::function<void(void*)> take = {},
                   std::chrono::milliseconds extra = {}) {
    NfsCall call;
    call.take = std::move(take);
    set_limit(extra);
    auto begun = begin(call, doing, start);
    set_limit({});
    if (!begun) return std::unexpected(begun.error());
    auto waited = wait(doing, config_.patience.stall + extra, [&] { return call.done; });
    if (!waited) return std::unexpected(waited.error());
    if (call.status < 0) return std::unexpected(error_of(call, doing));
    return call.status;
  }

  Error error_of(const NfsCall& call, std::string_view doing) const;
  std::chrono::milliseconds stall_limit() const { return config_.patience.stall; }

 private:
  explicit NfsMount(const NfsConfig& config);
  Result<void> set_up();
  Result<void> mount_at(const std::string& address, std::chrono::milliseconds limit);
  void set_limit(std::chrono::milliseconds extra);  // libnfs' own, of calls begun from now on
  void give_up();
  std::unexpected<Error> lost(std::string_view doing) const;

  NfsConfig config_;
  std::string label_;
  nfs_context* context_ = nullptr;
  uint64_t finished_ = 0;
};

}  // namespace snap::dest
