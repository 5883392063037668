#include "dest/ssh_session.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <format>
#include <utility>
#include <vector>

#include "base/text.h"
#include "dest/known_hosts.h"
#include "net/connect.h"

namespace snap::dest {
namespace {

using Clock = std::chrono::steady_clock;
using CString = Handle<char, &ssh_string_free_char>;

constexpr uint64_t kMaxKnownHostsBytes = 16 << 20;
constexpr uint64_t kMaxKeyBytes = 64 << 10;

// The cipher is worth more than anything else: with AES in hardware gcm is three times as fast as
// the usual first choice, chacha20.
constexpr const char* kCiphers =
    "aes256-gcm@openssh.com,aes128-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr,aes128-"
    "ctr";

// What a server is asked to show, for a type in known_hosts.
std::string algorithms_of(const std::string& type) {
  return type == "ssh-rsa" ? "rsa-sha2-512,rsa-sha2-256" : type;
}

constexpr const char* kHostKeyTypes =
    "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-"
    "256";

std::string host_key_algorithms(const std::vector<std::string>& known) {
  std::string first;
  for (const auto& type : known) first += algorithms_of(type) + ",";
  return first + kHostKeyTypes;
}

std::vector<std::string> names_of(const SftpConfig& config) {
  auto names = config.known_as;
  names.push_back(config.host);
  return names;
}

Result<HostKey> shown_key(ssh_session session) {
  ssh_key raw = nullptr;
  if (ssh_get_server_publickey(session, &raw) != SSH_OK)
    return fail(Code::unavailable, "the server showed no host key");
  SshKey key(raw);
  char* text = nullptr;
  if (ssh_pki_export_pubkey_base64(key.get(), &text) != SSH_OK)
    return fail(Code::internal, "the server's host key cannot be read");
  CString base64(text);
  return HostKey{ssh_key_type_to_char(ssh_key_type(key.get())), base64.get()};
}

}  // namespace

Watchdog::Watchdog(int fd, const Patience& patience, Clock::time_point deadline)
    : fd_(fd),
      patience_(patience),
      last_(Clock::now()),
      deadline_(deadline),
      thread_([this](std::stop_token ending) { guard(ending); }) {}

Watchdog::~Watchdog() {
  thread_.request_stop();
  changed_.notify_all();
}

Watchdog::Watch::Watch(Watchdog& dog, std::chrono::milliseconds extra) : dog_(dog) {
  std::lock_guard lock(dog.mutex_);
  ++dog.watching_;
  dog.extra_ = extra;
  dog.last_ = Clock::now();
  dog.changed_.notify_all();
}

Watchdog::Watch::~Watch() {
  std::lock_guard lock(dog_.mutex_);
  --dog_.watching_;
}

void Watchdog::lift_deadline() {
  std::lock_guard lock(mutex_);
  deadline_ = Clock::time_point::max();
}

uint64_t Watchdog::moved_bytes() const {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  return info.tcpi_bytes_acked + info.tcpi_bytes_received;
}

void Watchdog::guard(const std::stop_token& ending) {
  constexpr std::chrono::milliseconds kSlice{100};
  uint64_t moved = 0;
  std::unique_lock lock(mutex_);
  while (!ending.stop_requested()) {
    if (watching_ == 0) {
      changed_.wait(lock, ending, [&] { return watching_ > 0; });
      continue;
    }
    auto now_moved = moved_bytes();
    if (now_moved != moved) {
      moved = now_moved;
      last_ = Clock::now();
    }
    auto bite = patience_.stop.stop_requested()                   ? Bite::stopped
                : Clock::now() >= deadline_                       ? Bite::late
                : Clock::now() - last_ > patience_.stall + extra_ ? Bite::stalled
                                                                  : Bite::none;
    if (bite != Bite::none) {
      bite_ = bite;
      ::shutdown(fd_, SHUT_RDWR);
      return;
    }
    changed_.wait_for(lock, ending, kSlice, [] { return false; });
  }
}

SshSession::SshSession(const SftpConfig& config)
    : config_(config),
      label_(std::format("sftp://{}@{}{}{}", config.user, config.host,
                         config.port == 22 ? "" : std::format(":{}", config.port),
                         config.directory)) {}

SshSession::~SshSession() {
  if (!session_) return;
  // libssh closes the socket it was given; ours is a duplicate of it.
  if (usable()) {
    auto watched = watch();
    ssh_disconnect(session_.get());
  }
}

// The second line behind the watchdog, which knows the limits better.
bool SshSession::set_limit(std::chrono::milliseconds limit) {
  long seconds = std::chrono::ceil<std::chrono::seconds>(limit).count() + 5;
  return ssh_options_set(session_.get(), SSH_OPTIONS_TIMEOUT, &seconds) == SSH_OK;
}

Result<std::unique_ptr<SshSession>> SshSession::open(const SftpConfig& config) {
  auto deadline = Clock::now() + config.patience.connect;
  std::unique_ptr<SshSession> session(new SshSession(config));
  const auto& file = config.host_key_policy == HostKeyPolicy::strict ? config.known_hosts_file
                                                                     : config.pinned_hosts_file;
  auto text = read_small_file(file, kMaxKnownHostsBytes);
  std::string known_hosts;
  if (text) {
    known_hosts = std::move(*text);
  } else if (config.host_key_policy == HostKeyPolicy::strict ||
             text.error().code != Code::not_found) {
    auto error = text.error();
    error.code = Code::invalid;
    error.message = "known hosts: " + error.message;
    error.hint = std::format(
        "make it: ssh-keyscan -p {} {} > {}, and compare the fingerprints on the host's console",
        config.port, config.host, escaped(file));
    return std::unexpected(std::move(error));
  }
  // A file of known hosts counts beside the pinned keys: what it says of a host is not forgotten.
  if (config.host_key_policy == HostKeyPolicy::accept_new && !config.known_hosts_file.empty())
    known_hosts +=
        "\n" +
        TRY(read_small_file(config.known_hosts_file, kMaxKnownHostsBytes).context("known hosts"));
  session->socket_ = TRY(
      net::connect_tcp(config.host, config.port, config.patience.connect, config.patience.stop));
  session->session_.reset(ssh_new());
  if (!session->session_) return fail(Code::internal, "libssh does not start");
  auto algorithms = host_key_algorithms(key_types(known_hosts, names_of(config), config.port));
  auto set = [&](ssh_options_e option, const void* value) {
    return ssh_options_set(session->session_.get(), option, value) == SSH_OK;
  };
  int fd = ::dup(session->socket_.get());
  bool no = false;
  int one = 1;
  bool ready = fd >= 0 && set(SSH_OPTIONS_PROCESS_CONFIG, &no) &&
               set(SSH_OPTIONS_HOST, config.host.c_str()) &&
               set(SSH_OPTIONS_USER, config.user.c_str()) && set(SSH_OPTIONS_FD, &fd) &&
               set(SSH_OPTIONS_NODELAY, &one) && session->set_limit(config.patience.connect) &&
               set(SSH_OPTIONS_KNOWNHOSTS, "/dev/null") &&
               set(SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null") &&
               set(SSH_OPTIONS_CIPHERS_C_S, kCiphers) && set(SSH_OPTIONS_CIPHERS_S_C, kCiphers) &&
               set(SSH_OPTIONS_COMPRESSION, "no") && set(SSH_OPTIONS_HOSTKEYS, algorithms.c_str());
  if (!ready)
    return fail(Code::internal,
                std::format("libssh: {}", escaped(ssh_get_error(session->session_.get()))));
  session->dog_ = std::make_unique<Watchdog>(session->socket_.get(), config.patience, deadline);
  TRY(session->connect());
  TRY(session->judge_host(known_hosts));
  TRY(session->log_in());
  session->dog_->lift_deadline();
  (void)session->set_limit(config.patience.stall);
  return session;
}

Watchdog::Watch SshSession::watch(std::chrono::milliseconds extra) {
  if (extra != extra_) (void)set_limit(config_.patience.stall + extra);
  extra_ = extra;
  return {*dog_, extra};
}

bool SshSession::usable() const {
  return session_ && dog_ && dog_->bite() == Watchdog::Bite::none &&
         ssh_is_connected(session_.get()) == 1;
}

Error SshSession::broken(std::string_view doing) const {
  auto bite = dog_ ? dog_->bite() : Watchdog::Bite::none;
  if (bite == Watchdog::Bite::stopped) return {Code::cancelled, "interrupted", ""};
  if (bite == Watchdog::Bite::late)
    return {Code::timeout,
            std::format(
                "{}: not done within {}", doing,
                human_duration(std::chrono::ceil<std::chrono::seconds>(config_.patience.connect))),
            "does an SSH server listen there, is a firewall in between"};
  if (bite == Watchdog::Bite::stalled)
    return {Code::timeout,
            std::format("{}: no answer from {} for {}", doing, label_,
                        human_duration(std::chrono::ceil<std::chrono::seconds>(
                            config_.patience.stall + extra_))),
            "is the server running, is a firewall in between"};
  std::string why = ssh_get_error(session_.get());
  return {Code::unavailable,
          std::format("{}: the connection to {} is lost{}{}", doing, label_,
                      why.empty() ? "" : ": ", escaped(why)),
          ""};
}

Result<void> SshSession::connect() {
  auto watched = watch();
  if (ssh_connect(session_.get()) == SSH_OK) return {};
  auto doing = std::format("key exchange with {}", label_);
  if (dog_->bite() != Watchdog::Bite::none) return std::unexpected(broken(doing));
  std::string why = escaped(ssh_get_error(session_.get()));
  if (why.contains("no match for method"))
    return fail(Code::denied, std::format("{}: no algorithm in common ({})", doing, why),
                "the server is too old, or its configuration leaves nothing that is safe");
  if (why.contains("banner") || why.contains("protocol"))
    return fail(Code::unavailable, std::format("{}: this is no SSH server ({})", doing, why),
                "is the port right");
  return fail(Code::unavailable,
              std::format("{}: {}", doing, why.empty() ? "the server hung up" : why));
}

// Mirrors are opened side by side: one after the other adds its line.
Result<void> SshSession::pin(const std::string& line) {
  static std::mutex one_at_a_time;
  std::lock_guard lock(one_at_a_time);
  const auto& file = config_.pinned_hosts_file;
  auto directory = parent_directory(file);
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return fail_errno(errno, "create " + directory);
  auto before = read_small_file(file, kMaxKnownHostsBytes);
  if (!before && before.error().code != Code::not_found) return std::unexpected(before.error());
  return replace_file(file, (before ? *before : "") + line, 0600);
}

Result<void> SshSession::judge_host(const std::string& known_hosts) {
  auto key = TRY(shown_key(session_.get()).context(label_));
  auto shown = TRY(fingerprint(key));
  auto finding = judge(known_hosts, names_of(config_), config_.port, key);
  bool strict = config_.host_key_policy == HostKeyPolicy::strict;
  const auto& file = strict ? config_.known_hosts_file : config_.pinned_hosts_file;
  auto name = names_of(config_).front();
  switch (finding.verdict) {
    case HostKeyVerdict::known: return {};
    case HostKeyVerdict::unknown:
      if (!strict && config_.create)
        return pin(line_for(name, config_.port, key)).context("pin the host key of " + label_);
      if (!strict) {
        // Who only looks leaves no trace, and nothing of ours is lost to a wrong host by looking.
        remark_ = std::format(
            "its host key {} {} is not pinned yet: the first run pins it; compare it on that host "
            "before",
            key.type, shown);
        return {};
      }
      return fail(
          Code::denied,
          std::format("{}: the host's key is not in {}: it shows {} {}", label_, escaped(file),
                      key.type, shown),
          std::format(
              "compare it on that host: ssh-keygen -lf /etc/ssh/ssh_host_{}_key.pub; if it is the "
              "same, add it: ssh-keyscan -p {} {} >> {}",
              key.type == "ssh-ed25519" ? "ed25519"
              : key.type == "ssh-rsa"   ? "rsa"
                                        : "ecdsa",
              config_.port, config_.host, escaped(file)));
    case HostKeyVerdict::revoked:
      return fail(Code::denied,
                  std::format("{}: the host's key {} {} is revoked in {}", label_, key.type, shown,
                              escaped(file)),
                  "give the host a new key");
    case HostKeyVerdict::changed: break;
  }
  std::string expected;
  for (const auto& other : finding.expected) {
    auto print = fingerprint(other);
    if (print)
      expected += (expected.empty() ? "" : ", ") + std::format("{} {}", other.type, *print);
  }
  return fail(Code::denied,
              std::format("{}: the host's key has changed: it shows {} {}, {} has {}", label_,
                          key.type, shown, escaped(file), expected),
              "somebody may listen in; if the host was set up anew, take the old line out of that "
              "file and add the "
              "new key");
}

Result<void> SshSession::log_in() {
  auto doing = std::format("log in to {}", label_);
  std::string passphrase;
  if (!config_.passphrase_file.empty()) {
    auto text = TRY(read_small_file(config_.passphrase_file, kMaxKeyBytes).context("passphrase"));
    passphrase = std::string(trim(text));
  }
  // Read once by ourselves: libssh does not tell a missing file from one that is no key.
  auto there = read_small_file(config_.private_key_file, kMaxKeyBytes);
  if (!there) {
    auto error = there.error();
    error.code = Code::invalid;
    error.message = "private key: " + error.message;
    return std::unexpected(std::move(error));
  }
  ssh_key raw = nullptr;
  // A callback that refuses: without one libssh would ask on the terminal.
  auto refuse = [](const char*, char*, size_t, int, int, void*) { return -1; };
  int imported = ssh_pki_import_privkey_file(config_.private_key_file.c_str(),
                                             passphrase.empty() ? nullptr : passphrase.c_str(),
                                             +refuse, nullptr, &raw);
  SshKey key(raw);
  if (imported != SSH_OK)
    return fail(
        Code::invalid,
        std::format("{} is no private key that can be used", escaped(config_.private_key_file)),
        "it must be the private half; if it is encrypted, name its passphrase in passphraseFile");
  auto watched = watch();
  switch (ssh_userauth_publickey(session_.get(), nullptr, key.get())) {
    case SSH_AUTH_SUCCESS: return {};
    case SSH_AUTH_PARTIAL:
      return fail(Code::denied, doing + ": the server wants more than our key",
                  "allow this key alone in its AuthenticationMethods");
    case SSH_AUTH_DENIED:
      return fail(
          Code::denied, std::format("{}: our key was refused", doing),
          std::format("add its public half to ~{}/.ssh/authorized_keys there", config_.user));
    default: return std::unexpected(broken(doing));
  }
}

Result<std::string> SshSession::execute(const std::string& command,
                                        std::chrono::milliseconds extra) {
  constexpr size_t kMost = 4096;
  auto watched = watch(extra);
  auto doing = std::format("run a command at {}", label_);
  SshChannel channel(ssh_channel_new(session_.get()));
  auto failed = [&]() -> std::unexpected<Error> {
    if (!usable()) return std::unexpected(broken(doing));
    return fail(Code::not_found, doing + ": the server runs no commands for us");
  };
  if (!channel || ssh_channel_open_session(channel.get()) != SSH_OK) return failed();
  if (ssh_channel_request_exec(channel.get(), command.c_str()) != SSH_OK) return failed();
  // A forced command that reads, such as an SFTP server, ends at once.
  ssh_channel_send_eof(channel.get());
  // Past the watchdog's limit, which decides.
  int wait_ms = static_cast<int>((config_.patience.stall + extra).count()) + 5000;
  std::string output;
  std::array<char, 1024> buffer;
  while (output.size() < kMost) {
    int n = ssh_channel_read_timeout(channel.get(), buffer.data(), buffer.size(), 0, wait_ms);
    if (n < 0 || (n == 0 && !usable())) return failed();
    if (n == 0) break;
    output.append(buffer.data(), static_cast<size_t>(n));
  }
  uint32_t status = 1;
  if (ssh_channel_get_exit_state(channel.get(), &status, nullptr, nullptr) != SSH_OK || status != 0)
    return failed();
  return output;
}

}  // namespace snap::dest
