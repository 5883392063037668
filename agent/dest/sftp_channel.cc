#include "dest/sftp_channel.h"

#include <algorithm>
#include <bit>
#include <format>

#include "base/text.h"

namespace snap::dest {
namespace {

using Limits = Handle<sftp_limits_struct, &sftp_limits_free>;

}  // namespace

Result<std::shared_ptr<SftpChannel>> SftpChannel::open(std::unique_ptr<SshSession> session) {
  auto channel = std::make_shared<SftpChannel>(std::move(session));
  TRY(channel->start());
  return channel;
}

SftpChannel::~SftpChannel() {
  aside_.reset();
  if (!sftp) return;
  auto watched = watch();  // closing sends a message
  sftp.reset();
}

Result<void> SftpChannel::start() {
  auto watched = watch();
  auto no_server = [&](std::string_view why) -> std::unexpected<Error> {
    if (!session->usable() && session->broken("").code != Code::unavailable)
      return std::unexpected(session->broken("start SFTP"));
    return fail(Code::invalid, std::format("{} is not an SFTP server: {}", session->label(), why),
                "it must offer the sftp subsystem and print nothing at login");
  };
  sftp.reset(sftp_new(session->get()));
  if (!sftp) return no_server(escaped(ssh_get_error(session->get())));
  if (sftp_init(sftp.get()) != SSH_OK) return no_server(escaped(ssh_get_error(session->get())));
  auto supports = [&](const char* extension, const char* version) {
    return sftp_extension_supported(sftp.get(), extension, version) == 1;
  };
  fsync = supports("fsync@openssh.com", "1");
  statvfs = supports("statvfs@openssh.com", "2");
  if (supports("limits@openssh.com", "1")) {
    Limits limits(sftp_limits(sftp.get()));
    // A power of two: what we are given, 512 KiB as a rule, is cut into pieces of one size, and no
    // piece ends within a page of the server's.
    auto sane = [](uint64_t bytes) {
      return std::bit_floor(std::clamp<uint64_t>(bytes, 1024, 255 << 10));
    };
    if (limits && limits->max_write_length > 0) write_bytes = sane(limits->max_write_length);
    if (limits && limits->max_read_length > 0) read_bytes = sane(limits->max_read_length);
  }
  return {};
}

Result<SftpAside*> SftpChannel::aside() {
  if (!aside_asked_) aside_ = TRY(SftpAside::open(*session));
  aside_asked_ = true;
  return aside_.get();
}

std::optional<uint64_t> SftpChannel::free_bytes(const std::string& path) {
  if (!statvfs) return std::nullopt;
  SftpStatVfs info(sftp_statvfs(sftp.get(), path.c_str()));
  if (!info) return std::nullopt;
  return info->f_bavail * info->f_frsize;
}

Error SftpChannel::error_of(std::string_view doing) {
  // Its SFTP server may have died before the connection does.
  if (!session->usable() || ssh_channel_is_eof(sftp->channel) != 0) return session->broken(doing);
  int status = sftp_get_error(sftp.get());
  switch (status) {
    case SSH_FX_NO_SUCH_FILE:
      return {Code::not_found, std::format("{}: no such file or directory", doing), ""};
    case SSH_FX_PERMISSION_DENIED:
      return {
          Code::denied, std::format("{}: permission denied", doing),
          "look at the owner and mode of the directory there, and whether the server is read-only"};
    case SSH_FX_FILE_ALREADY_EXISTS: return {Code::exists, std::format("{}: it exists", doing), ""};
    case SSH_FX_OK:  // it failed, and the server did not say so: the answer never came
    case SSH_FX_EOF:
    case SSH_FX_NO_CONNECTION:
    case SSH_FX_CONNECTION_LOST: return session->broken(doing);
    case SSH_FX_OP_UNSUPPORTED:
      return {Code::invalid, std::format("{}: the server cannot do that", doing), ""};
    default:
      return {Code::internal, std::format("{}: the server says failure (status {})", doing, status),
              ""};
  }
}

Error SftpChannel::write_error(const std::string& doing, const std::string& path) {
  auto error = error_of(doing);
  if (error.code != Code::internal) return error;
  auto free = free_bytes(path.substr(0, path.rfind('/')));
  if (free && *free < (1 << 20))
    return {Code::no_space, std::format("{}: no space left", doing),
            "free space there, or let retention keep less"};
  error.message = std::format("{}: the server refused a write and does not say why", doing);
  error.hint = "it may be full, over a quota or over a limit on file sizes: look at its log";
  return error;
}

}  // namespace snap::dest
