// What is known of each platform, as a table. Private to this room.
//
// A platform joins by a row in profiles.cc. Paths are those on the host; a flag's value is used
// before a path that is assumed here.
#pragma once

#include <span>
#include <string_view>

namespace snap::node {

// A manifest of a static pod, a file that etcd is configured by, or OpenShift's
// KubeAPIServerConfig.
enum class FileForm { static_pod, environment, etcd_yaml, openshift_config };

// A directory of a pod, and where the host has it.
struct PodPath {
  std::string_view in_pod, on_host;
};

struct ConfigFile {
  std::string_view path;  // or the flag ("--openshift-config") of an earlier file that names it
  FileForm form;
  std::string_view container{};  // of a static pod
  PodPath moved{};               // of a file that holds paths as a pod sees them
};

// A setting that says where etcd is, and how to say so: "etcd listens on".
struct EndpointFlag {
  std::string_view name;
  std::string_view says;
  bool listens = false;  // addresses to listen on, which need not be ones to connect to
};

// A client certificate and its key. Either paths, or names of flags ("--cert-file") whose values
// are the paths; flags are looked up in the etcd file first, then in the control plane's.
struct KeyPair {
  std::string_view cert, key;
  std::string_view what;  // for findings: "kubeadm's client certificate for health checks"
};

// A file or directory for the archive, and what a restore has it for.
struct Resource {
  std::string_view path;
  std::string_view use;
};

// A flag whose file belongs into the archive, wherever it lies.
struct ResourceFlag {
  std::string_view name;  // without "--"
  std::string_view use = "named by a flag: its process does not start without it";
};

// A directory of which each revision is kept: the manifest names the one in use.
struct Revisions {
  std::string_view manifest;
  std::string_view prefix;  // path of a directory without its number
  std::string_view use;
};

// How a host of the platform looks that has no etcd: `there` exists, and `lacks` does not.
struct WithoutEtcd {
  std::string_view there, lacks;
  std::string_view says, hint;  // message and hint of an Error
};

struct Profile {
  std::string_view name;
  std::string_view title;                           // "a kubeadm control plane"
  std::span<const std::string_view> recognised_by;  // any one of these paths exists
  std::span<const WithoutEtcd> without_etcd{};      // the first that fits counts
  std::span<const ConfigFile> etcd;           // the first that exists says how etcd was started
  std::span<const ConfigFile> control_plane;  // others whose flags name files; all are read
  std::span<const EndpointFlag> endpoints;    // in order of preference
  std::string_view default_endpoint;
  std::span<const std::string_view> cacerts;  // in order of preference; paths or flags
  std::span<const KeyPair> clients;           // the same
  // Where no file names it: the first that holds a member, else the first that is there.
  std::span<const std::string_view> data_dirs;
  std::span<const Resource> resources{};  // archived
  std::span<const ResourceFlag> resource_flags;
  bool archive_etcd_config = false;  // the file that `etcd` found is itself a resource
  // Where the vendor has a backup and a restore of its own: what its archive holds, no more and no
  // less, and the directory that its restore unpacks it in.
  std::span<const Revisions> vendor_archive{};
  std::string_view vendor_directory{};
};

// In the order in which "auto" tries them; the last one is recognised by nothing and is taken when
// no other was.
std::span<const Profile> profiles();

}  // namespace snap::node
