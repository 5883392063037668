// What is known of each platform, as a table. Private to this room.
//
// A platform joins by a row in profiles.cc. Paths are those on the host; a flag's value is used
// before a path that is assumed here.
#pragma once

#include <span>
#include <string_view>

namespace snap::node {

// A manifest of a static pod, or a file that etcd is configured by.
enum class FileForm { static_pod, environment, etcd_yaml };

struct ConfigFile {
  std::string_view path;
  FileForm form;
  std::string_view container;  // of a static pod
};

// A client certificate and its key. Either paths, or names of flags ("--cert-file") whose values
// are the paths; flags are looked up in the etcd file first, then in the control plane's.
struct KeyPair {
  std::string_view cert, key;
  std::string_view what;  // for findings: "kubeadm's client certificate for health checks"
};

struct Profile {
  std::string_view name;
  std::string_view title;                           // "a kubeadm control plane"
  std::span<const std::string_view> recognised_by;  // any one of these paths exists
  std::span<const ConfigFile> etcd;           // the first that exists says how etcd was started
  std::span<const ConfigFile> control_plane;  // others whose flags name files; all are read
  std::string_view default_endpoint;
  std::span<const std::string_view> cacerts;  // in order of preference; paths or flags
  std::span<const KeyPair> clients;           // the same
  // Where no file names it: the first that holds a member, else the first that is there.
  std::span<const std::string_view> data_dirs;
  std::span<const std::string_view> resources;  // archived
  // Flags of etcd and of the control plane whose files belong into the archive, wherever they lie.
  std::span<const std::string_view> resource_flags;
  bool archive_etcd_config;  // the file that `etcd` found is itself a resource
};

// In the order in which "auto" tries them; the last one is recognised by nothing and is taken when
// no other was.
std::span<const Profile> profiles();

}  // namespace snap::node
