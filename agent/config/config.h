// One checked configuration out of a YAML file, the environment and flags.
//
// JSON is valid YAML, so a chart can render the file. Flags beat the environment, the environment
// beats the file, the file beats the defaults below. Every key is a row of the table in keys.cc;
// anything else is refused. What is returned is checked as far as a text can be checked alone: no
// file that it names is opened, no connection made.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace snap::config {

inline constexpr std::string_view kDefaultFile = "/etc/etcd-snapshot/config.yaml";

enum class Compare { off, warn, require };  // members' HashKV with the snapshot's own

struct Etcd {
  std::string profile = "auto";         // auto, openshift, kubeadm, rke2, k3s, plain, none
  std::vector<std::string> endpoints;   // "https://host:2379"; empty: what the profile finds
  std::string cacert, cert, key;        // absolute paths; empty: what the profile finds
  std::string server_name;              // expected in the server's certificate; empty: the host
  std::string username, password_file;  // both or none
  std::chrono::seconds stall_timeout{60};
  Compare compare_members = Compare::warn;
};

struct Resources {
  std::vector<std::string> include;  // absolute paths, beside what the profile knows
  std::vector<std::string> exclude;  // patterns: an absolute path, or a name without a slash
};

struct Local {
  std::string directory;       // absolute, no slash at its end
  uint64_t reserve_bytes = 0;  // 0: the larger of 2 GiB and 5 %
};

enum class Level { digest, structure, mvcc };  // what `run` proves
std::string_view name_of(Level level);         // "digest"

struct Verify {
  Level level = Level::mvcc;
};

struct Retention {
  uint64_t keep_last = 5;
  std::chrono::seconds keep_within = std::chrono::days(5);
  uint64_t keep_hourly = 0;
  uint64_t keep_daily = 0;
  uint64_t keep_weekly = 0;
  uint64_t keep_monthly = 0;
  uint64_t keep_yearly = 0;
  uint64_t max_size_bytes = 0;  // 0: no limit
};

// A place beside the local directory. Which files it names are read when it is opened.
struct NfsPlace {
  std::string persistent_volume;  // of the cluster: has server and path; empty: they stand here
  std::string server, path;       // of "nfs://server:port/path"
  uint16_t port = 0;              // 0: the usual one
  uint16_t mount_port = 0;        // version 3; 0: what the portmapper says
  std::string directory;  // below the export, without slashes at its ends; empty: the export
  uint64_t version = 4;   // 3 or 4
  uint64_t uid = 0, gid = 0;
};

struct SshPlace {
  std::vector<std::string> hosts;           // each is a mirror; empty: nodes of the cluster are
  std::vector<std::string> node_selectors;  // "example.com/role=mirror"; a node that any one picks
  bool any_node = false;    // nodes outside the control plane, too: a mirror receives every secret
  std::string base_domain;  // what short names of nodes lack: "cluster.example.com"; may be empty
  uint16_t port = 22;
  std::string user;
  std::string directory;  // absolute
  std::string private_key_file, passphrase_file, known_hosts_file;
  bool accept_new_host_keys = false;
};

enum class S3Encryption { none, sse_s3, sse_kms };

struct S3Place {
  std::string endpoint;  // "https://s3.example.com"
  std::string region = "us-east-1";
  std::string bucket;
  std::string prefix;  // empty, or with a slash at its end
  bool path_style = true;
  std::string access_key_file, secret_key_file, session_token_file, ca_file, proxy;
  S3Encryption encryption = S3Encryption::none;
  std::string kms_key_id;
};

struct Destination {
  std::string name;  // unique; "local" is taken
  bool prune = true;
  std::chrono::seconds stall_timeout{60};
  std::variant<NfsPlace, SshPlace, S3Place> place;
  std::string origin;  // "config.yaml:12"

  std::string_view type() const;  // "nfs", "ssh", "s3"
};

// The cluster's API. It is asked only where a destination or `events` needs it.
struct Kubernetes {
  std::string kubeconfig;  // absolute; empty: the service account of the pod
  bool events = false;     // after each `run`, an Event for success and failure
  std::string name_space;  // of the events; empty: that of the pod or of the kubeconfig
};

struct Report {
  std::string metrics_file;         // absolute; empty: none is written
  std::string termination_message;  // absolute: the file for a container's last words; empty: none
  std::string pushgateway;          // "http://host:9091", a path may follow; empty: none
};

struct Config {
  std::string cluster;  // empty: it is named after etcd's cluster id
  Etcd etcd;
  Resources resources;
  Local local;
  std::vector<Destination> destinations;  // in the order of the file
  Verify verify;
  Retention retention;
  Kubernetes kubernetes;
  Report report;

  std::map<std::string, std::string> origins;  // key to where its value is from; absent: default
  std::vector<std::string> warnings;           // allowed, but probably not what was meant
};

// A value from outside the file, for the key `key`. Lists are separated by commas.
struct Override {
  std::string key;     // "retention.keepLast"
  std::string value;   // never printed when the key could hold a secret
  std::string origin;  // for messages: "--endpoints", "--set", "ETCDCTL_CERT"
  bool from_environment = false;
};
using Overrides = std::vector<Override>;

// "retention.keepLast=7", the argument of --set. Error: invalid  no "=" in it.
Result<Override> parse_set(std::string_view text);

// ETCDCTL_ENDPOINTS, ETCDCTL_CACERT, ETCDCTL_CERT and ETCDCTL_KEY, as `save` honours them. `get`
// is getenv; tests pass their own.
Overrides etcdctl_environment(const std::function<const char*(const char*)>& get);

// What the caller cannot do without. A missing default file is no error in itself; the keys that
// are missing then are.
enum class Need {
  nothing,  // `save`: every key has a default
  sets      // `local.directory` must be set
};

// `path`: from --config; nothing: the default file, if it is there.
//
// Errors: invalid    up to 10 causes, each with file and line, and the nearest valid form
//         not_found  `path` was named and is not there
//         denied     the file is not ours to read
Result<Config> load(const std::optional<std::string>& path, const Overrides& overrides, Need need);

// The same for a text; `file` names it in messages.
Result<Config> parse(std::string_view text, std::string_view file, const Overrides& overrides,
                     Need need);

// Refuses a password that would travel over plain HTTP beyond this host. load() has asked it for
// the endpoints of the configuration; whoever adds found ones asks again. Error: invalid.
Result<void> check_password_transport(const Etcd& etcd);

struct Setting {
  std::string key, value, origin;  // "retention.keepLast", "7", "/etc/…/config.yaml:12"
};

// Every key with its effective value and where that is from, for `check`. Nothing secret is in it.
std::vector<Setting> describe(const Config& config);

// 1 to 63 of a-z, 0-9, "." and "-", first and last a letter or digit: what names of sets can carry.
bool is_cluster_name(std::string_view name);

}  // namespace snap::config
