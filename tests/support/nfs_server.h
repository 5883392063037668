// A real NFS server (nfs-ganesha, VFS back end, NFSv3 and NFSv4.0) on loopback ports, gone with the
// object. No kernel mount is made, and the host's rpcbind is not used.
#pragma once

#include <memory>
#include <string>

#include "support/process.h"
#include "support/temp_dir.h"

namespace snap::test {

struct NfsOptions {
  std::string squash = "none";  // none, root, all
  bool read_only = false;
  bool secure_port = false;  // demands a source port below 1024
  int disk_mib = 0;          // > 0: the export is a small ext4 of its own (at least 16)
  int quota_mib = 0;         // > 0: btrfs with a quota of this, disk_mib at least 128
  int inodes = 0;            // > 0: of that disk
  int lease_seconds = 10;
  std::string clock = {};  // as faketime has it: "+365d"; of the server only, its files are stamped
                           // by the kernel
};

class NfsServer {
 public:
  // Returns when both ports answer; throws when it does not, with the end of the server's log.
  explicit NfsServer(const NfsOptions& options = {});
  ~NfsServer();
  NfsServer(const NfsServer&) = delete;

  int port() const { return port_; }
  int mount_port() const { return mount_port_; }
  std::string export_name() const { return "/exp"; }
  // The directory behind the export, as this process sees it. With a disk of its own it is reached
  // through the server's mount namespace and only while the server runs.
  std::string directory() const;

  void kill();     // SIGKILL
  void restart();  // on the same ports, after kill()
  void pause() { server_.pause(); }
  void resume() { server_.resume(); }

 private:
  void launch();

  NfsOptions options_;
  TempDir dir_;
  int port_ = 0, mount_port_ = 0;
  Process server_;
};

}  // namespace snap::test
