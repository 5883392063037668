// Where etcd runs on this host: its endpoint, certificates and data directory, and which host files
// a control plane needs beside etcd.
//
// What is known of a platform is a row of the table in profiles.cc. What the host's own manifests
// and config files say beats what the row assumes; what the administrator's configuration says
// beats both, and is merged by the caller.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace snap::node {

// The host to look at. Tests point `root` at a directory that looks like one.
struct Host {
  std::string root = "/";
};

// Who asked for a path: what the profile knows may be missing on a host; what a flag of the control
// plane or the configuration names may not, nor what the vendor's own restore unpacks.
enum class NamedBy { profile, flag, config, vendor };

// A file or directory that belongs into a backup set, as an absolute path on the host (without
// Host::root).
struct Root {
  std::string path{};
  NamedBy named_by = NamedBy::profile;
  std::string use{};       // what a restore has it for; empty with NamedBy::config
  std::string named_in{};  // NamedBy::flag only: "--cert-file in /etc/etcd.env"
  bool operator==(const Root&) const = default;
};

// What to tell whoever misses the file of a flag; empty for other roots.
std::string demand_for(const Root& root);

struct Discovery {
  std::string profile{};                 // name of the profile that was used; "none"
  std::vector<std::string> endpoints{};  // URLs with scheme and port; loopback where etcd listens
                                         // there; empty with "none"
  std::string cacert{}, cert{}, key{};   // files to open, Host::root included; empty: not found
  std::string data_dir{};                // the same; empty: not known
  std::vector<Root> resources{};         // named by the profile or its vendor
  bool endpoint_assumed = false;         // no file names one: it is where etcd listens by default
  // The directory that the vendor's restore unpacks the archive in: that one holds what
  // NamedBy::vendor names and nothing else, with paths relative to here. Empty: no such restore.
  std::string vendor_directory{};
  std::string no_etcd{};       // why this host has no etcd to ask; no endpoints then. Empty: it may
  std::string no_etcd_hint{};  // what to do about it
  std::vector<std::string> findings{};  // sentences: what was found, and why it was chosen
  std::vector<std::string> missing{};   // sentences: what was looked for in vain
};

// Looks at the host as `profile` says: "auto" takes the first profile whose files are there (plain
// when none is), "none" looks at nothing. Only reads files, opens no connection. A file that cannot
// be read or understood is named in `missing`, and what the profile assumes is used in its place:
// explicit settings must work on a broken host.
//
// Errors: invalid  no such profile
Result<Discovery> discover(const Host& host, std::string_view profile);

// What `profile` may be, "auto" and "none" included.
std::vector<std::string> profile_names();

// The host name as the kernel has it, in lower case. Not checked further: sets/ decides what may
// stand in a name.
std::string node_name();

}  // namespace snap::node
