#include "support/ssh_server.h"

#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <format>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace snap::test {
namespace {

namespace fs = std::filesystem;

void make_key(const std::string& file, const std::string& type,
              const std::string& passphrase = {}) {
  fs::remove(file);
  auto made =
      run({.argv = {"ssh-keygen", "-q", "-t", type, "-N", passphrase, "-C", "test", "-f", file}});
  if (!made.ok()) throw std::runtime_error("ssh-keygen: " + made.text());
}

// "type base64" of a public key.
std::string public_half(const std::string& file) {
  std::istringstream words(read_file(file + ".pub"));
  std::string type, base64;
  words >> type >> base64;
  return type + " " + base64;
}

// Every process below `parent`, children before their parents.
void collect_children(pid_t parent, std::vector<pid_t>& found) {
  std::ifstream children(std::format("/proc/{0}/task/{0}/children", parent));
  for (pid_t child; children >> child;) {
    collect_children(child, found);
    found.push_back(child);
  }
}

}  // namespace

SshServer::SshServer(const SshOptions& options) : options_(options) {
  if (!fs::exists("/usr/sbin/sshd"))
    throw std::runtime_error(
        "sshd is missing: apt-get install openssh-server (scripts/root does it)");
  fs::create_directories("/run/sshd");  // sshd wants it, empty
  port_ = free_ports(1).front();
  fs::create_directories(dir_.path("jail/data"));
  make_host_keys();
  write_file(passphrase_file(), "canary-passphrase\n");
  std::string hosts;
  for (const char* type : {"ed25519", "ecdsa"})
    hosts += std::format("[{}]:{} {}\n", options_.host, port_,
                         public_half(dir_.path(std::format("host_{}", type))));
  write_file(known_hosts(), hosts);

  std::string text = std::format(
      "ListenAddress {0}:{1}\nHostKey {2}/host_ed25519\nHostKey {2}/host_ecdsa\n"
      "AuthorizedKeysFile {2}/authorized_keys\nStrictModes no\nUsePAM no\nPermitRootLogin "
      "prohibit-password\n"
      "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPidFile none\nMaxStartups 100\n"
      "PerSourcePenalties no\n",  // else ten refused logins lock the address out
      options_.host, port_, dir_.path());
  const auto& mode = options_.mode;
  if (!options_.sftp_server.empty()) {
    change_sftp_server(options_.sftp_server);
    text += std::format("Subsystem sftp sh {0}\nForceCommand sh {0}\n", dir_.path("sftp-server"));
  } else if (mode == "plain") {
    text += std::format("Subsystem sftp {} {}\n", kSftpServer, options_.sftp_flags);
  }
  if (mode == "sftp_only" || mode == "chroot")
    text += std::format("Subsystem sftp internal-sftp\nForceCommand internal-sftp {}\n",
                        options_.sftp_flags);
  if (mode == "chroot") text += "ChrootDirectory /srv/jail\n";
  if (!options_.greeting.empty())
    text += std::format(
        "ForceCommand echo '{}'; if [ -n \"$SSH_ORIGINAL_COMMAND\" ]; then eval "
        "\"$SSH_ORIGINAL_COMMAND\"; fi\n",
        options_.greeting);
  for (const auto& line : options_.settings) text += line + "\n";
  write_file(dir_.path("sshd_config"), text);

  // The jail must not lie below a directory that others may write to, such as /tmp.
  std::string script = "set -e\nmount --make-rprivate / 2>/dev/null || true\n";
  if (options_.disk_mib > 0)
    script += std::format("mount -t tmpfs -o size={}m none {}/jail/data\n", options_.disk_mib,
                          dir_.path());
  if (mode == "chroot")
    script += std::format(
        "mount -t tmpfs -o mode=755 none /srv\nmkdir /srv/jail\nmount --rbind {}/jail /srv/jail\n",
        dir_.path());
  write_file(dir_.path("run"),
             script + std::format("exec /usr/sbin/sshd -D -e -f {}/sshd_config\n", dir_.path()));
  launch();
}

SshServer::~SshServer() {
  signal_all(SIGCONT);
  signal_all(SIGKILL);
}

std::string SshServer::key(const std::string& name) const {
  auto file = dir_.path("client_" + name);
  if (fs::exists(file)) return file;
  bool encrypted = name == "encrypted";
  make_key(file, encrypted ? "ed25519" : name, encrypted ? "canary-passphrase" : "");
  auto authorized = dir_.path("authorized_keys");
  write_file(authorized, read_file(authorized) + public_half(file) + "\n");
  return file;
}

std::string SshServer::data() const {
  return options_.mode == "chroot" ? "/data" : dir_.path("jail/data");
}

std::string SshServer::directory() const {
  auto data = dir_.path("jail/data");
  return options_.disk_mib > 0 ? std::format("/proc/{}/root{}", server_.pid(), data) : data;
}

void SshServer::make_host_keys() {
  for (const char* type : {"ed25519", "ecdsa"})
    make_key(dir_.path(std::format("host_{}", type)), type);
}

void SshServer::new_host_key() {
  kill();
  make_host_keys();
  launch();
}

void SshServer::change_sftp_server(const std::string& command) {
  write_file(dir_.path("sftp-server"), "exec " + command + "\n");
}

void SshServer::kill() { signal_all(SIGKILL); }
void SshServer::pause() { signal_all(SIGSTOP); }
void SshServer::resume() { signal_all(SIGCONT); }

void SshServer::restart() {
  kill();
  launch();
}

void SshServer::signal_all(int number) {
  std::vector<pid_t> children;
  if (server_.pid() > 0) collect_children(server_.pid(), children);
  for (auto pid : children) ::kill(pid, number);
  if (number == SIGKILL) {
    server_.kill();
  } else {
    server_.signal(number);
  }
}

void SshServer::launch() {
  server_ =
      Process({.argv = {"unshare", "--mount", "--propagation", "unchanged", "sh", dir_.path("run")},
               .output_file = dir_.path("log")});
  bool up = wait_until([&] { return !server_.running() || listens(options_.host, port_); });
  if (!up || !server_.running())
    throw std::runtime_error("sshd does not start: " + read_file(dir_.path("log")));
}

}  // namespace snap::test
