#include "support/nfs_server.h"

#include <filesystem>
#include <format>
#include <fstream>
#include <stdexcept>

namespace snap::test {
namespace {

// allow_set_io_flusher_fail: without it the server stops where CAP_SYS_RESOURCE is missing.
// Attr_Expiration_Time: tests change files behind the server's back. Graceless: without it clients
// of version 4 wait 90 s after a restart.
constexpr char kConfiguration[] = R"(NFS_CORE_PARAM {{
  allow_set_io_flusher_fail = true;
  Bind_addr = 127.0.0.1;
  NFS_Port = {0}; MNT_Port = {1};
  Protocols = 3,4;
  Enable_NLM = false; Enable_RQUOTA = false; Enable_UDP = false;
  mount_path_pseudo = true;
}}
NFSV4 {{ Graceless = true; Lease_Lifetime = {2}; Minor_Versions = 0; RecoveryBackend = fs; RecoveryRoot = {3}/recovery;
         Only_Numeric_Owners = true; }}
NFS_KRB5 {{ Active_krb5 = false; }}
EXPORT_DEFAULTS {{ Access_Type = {4}; Attr_Expiration_Time = 0; }}
EXPORT {{
  Export_Id = 1; Path = {3}/export; Pseudo = /exp; Protocols = 3,4; Transports = TCP; SecType = sys;
  Access_Type = {4}; Squash = {5}; Anonymous_Uid = 65534; Anonymous_Gid = 65534; PrivilegedPort = {6};
  FSAL {{ Name = VFS; }}
}}
LOG {{ Default_Log_Level = EVENT; }}
)";

// Version 3 insists on registering with rpcbind over its Unix socket: it gets one with a /run and a
// network of its own. A watcher ends that after the server, else it would keep the mounts alive.
constexpr char kRun[] = R"(set -e
mount --make-rprivate / 2>/dev/null || true
{0}mount -t tmpfs none /run; mkdir /run/rpcbind; p=$$
( unshare --net rpcbind -f & r=$!; while kill -0 $p 2>/dev/null; do sleep 0.1; done; kill -9 $r ) &
n=0; while [ ! -S /run/rpcbind.sock ] && [ $n -lt 100 ]; do n=$((n + 1)); sleep 0.02; done
exec {2}ganesha.nfsd -F -f {1}/conf -L {1}/log -p {1}/ganesha.pid
)";

}  // namespace

NfsServer::NfsServer(const NfsOptions& options) : options_(options) {
  for (const char* part : {"ganesha.nfsd", "rpcbind"}) {
    if (!std::filesystem::exists(std::format("/usr/bin/{}", part)) &&
        !std::filesystem::exists(std::format("/usr/sbin/{}", part)))
      throw std::runtime_error(
          std::format("{} is missing: apt-get install nfs-ganesha nfs-ganesha-vfs rpcbind "
                      "(scripts/root does it)",
                      part));
  }
  auto ports = free_ports(2);
  port_ = ports[0];
  mount_port_ = ports[1];
  auto dir = dir_.path();
  std::filesystem::create_directories(dir_.path("export"));
  // Missing, the server ends itself: it does not make it below a missing parent.
  std::filesystem::create_directories(dir_.path("recovery"));
  auto squash = options_.squash == "none"   ? "No_Root_Squash"
                : options_.squash == "root" ? "Root_Squash"
                                            : "All_Squash";
  write_file(dir_.path("conf"),
             std::format(kConfiguration, port_, mount_port_, options_.lease_seconds, dir,
                         options_.read_only ? "RO" : "RW", squash, options_.secure_port));
  // The server looks for the export among the mounted file systems: in a root of its own there is
  // none for /.
  auto disk = std::format("mount --bind {0}/export {0}/export\n", dir);
  if (options_.disk_mib > 0) {
    std::ofstream(dir_.path("disk.img")).close();
    std::filesystem::resize_file(dir_.path("disk.img"), static_cast<uintmax_t>(options_.disk_mib)
                                                            << 20);
    std::vector<std::string> mkfs = {options_.quota_mib > 0 ? "mkfs.btrfs" : "mkfs.ext4", "-q"};
    if (options_.inodes > 0) mkfs.insert(mkfs.end(), {"-N", std::to_string(options_.inodes)});
    mkfs.push_back(dir_.path("disk.img"));
    auto made = run({.argv = mkfs});
    if (!made.ok()) throw std::runtime_error("mkfs: " + made.text());
    disk = std::format("mount -o loop {0}/disk.img {0}/export; chmod 0777 {0}/export\n", dir);
    if (options_.quota_mib > 0)
      disk +=
          std::format("btrfs -q quota enable {0}/export; btrfs -q qgroup limit {1}m {0}/export\n",
                      dir, options_.quota_mib);
  }
  write_file(
      dir_.path("run"),
      std::format(kRun, disk, dir,
                  options_.clock.empty() ? "" : std::format("faketime -f '{}' ", options_.clock)));
  launch();
}

NfsServer::~NfsServer() {
  server_.resume();
  server_.stop();
}

std::string NfsServer::directory() const {
  return options_.disk_mib > 0 ? std::format("/proc/{}/root{}", server_.pid(), dir_.path("export"))
                               : dir_.path("export");
}

void NfsServer::kill() { server_.kill(); }

void NfsServer::restart() {
  server_.kill();
  launch();
}

void NfsServer::launch() {
  server_ =
      Process({.argv = {"unshare", "--mount", "--propagation", "unchanged", "sh", dir_.path("run")},
               .output_file = dir_.path("start.log")});
  bool up = wait_until(
      [&] {
        return !server_.running() ||
               (listens("127.0.0.1", port_) && listens("127.0.0.1", mount_port_));
      },
      std::chrono::seconds(30));
  if (!up || !server_.running()) {
    server_.kill();
    throw std::runtime_error("nfs-ganesha does not start: " + read_file(dir_.path("start.log")) +
                             read_file(dir_.path("log")));
  }
}

}  // namespace snap::test
