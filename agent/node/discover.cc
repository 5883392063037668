#include "node/discover.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <format>
#include <optional>

#include "base/file.h"
#include "base/names.h"
#include "base/text.h"
#include "node/endpoints.h"
#include "node/profiles.h"
#include "node/revisions.h"
#include "node/settings.h"

namespace snap::node {
namespace {

// Manifests and config files are a few KiB.
constexpr uint64_t kMaxConfigBytes = 1 << 20;

// Looks at one host with the eyes of one profile; each step adds to the Discovery.
class Finder {
 public:
  Finder(const Host& host, const Profile& profile) : root_(host.root), profile_(profile) {
    while (root_.ends_with('/')) root_.pop_back();
    found_.profile = profile.name;
  }

  bool recognise();
  Discovery run(bool automatic);

 private:
  struct File {
    std::string path;    // on the host
    std::string reason;  // ", as --cert-file of /etc/kubernetes/manifests/etcd.yaml says"
  };

  std::string to_open(std::string_view path) const { return root_ + std::string(path); }
  bool exists(std::string_view path) const {
    struct stat info{};
    return ::stat(to_open(path).c_str(), &info) == 0;
  }
  template <class... T>
  void found(std::format_string<T...> text, T&&... args) {
    found_.findings.push_back(escaped(std::format(text, std::forward<T>(args)...)));
  }
  template <class... T>
  void missing(std::format_string<T...> text, T&&... args) {
    found_.missing.push_back(escaped(std::format(text, std::forward<T>(args)...)));
  }

  bool has_etcd();
  std::optional<Settings> read(const ConfigFile& file);
  void read_etcd();
  void read_control_plane();
  std::vector<const Settings*> all_settings() const;
  std::optional<File> locate(std::string_view path_or_flag) const;
  void find_endpoints();
  void find_ca();
  void find_client();
  void find_data_dir();
  void find_resources();
  void find_vendor_archive();
  bool add_resource(Root root);

  std::string root_;  // without a slash at its end
  const Profile& profile_;
  std::string_view sign_;  // the path that the profile was recognised by
  std::optional<Settings> etcd_;
  std::vector<Settings> control_plane_;
  Discovery found_;
};

bool Finder::recognise() {
  auto sign = std::ranges::find_if(profile_.recognised_by, [&](auto p) { return exists(p); });
  if (sign == profile_.recognised_by.end()) return false;
  sign_ = *sign;
  return true;
}

Discovery Finder::run(bool automatic) {
  if (!sign_.empty()) {
    found("this host is {}: {} is there", profile_.title, sign_);
  } else if (automatic) {
    found("no known Kubernetes control plane is on this host, so etcd is looked for as {}",
          profile_.title);
  } else if (!profile_.recognised_by.empty()) {
    missing("the profile {} was asked for, but {} is not there", profile_.name,
            profile_.recognised_by.front());
  }
  bool etcd_here = has_etcd();
  if (etcd_here) read_etcd();
  read_control_plane();
  if (etcd_here) find_endpoints();
  bool tls = std::ranges::any_of(found_.endpoints, [](auto& u) { return u.starts_with("https"); });
  if (tls) {
    find_ca();
    find_client();
  }
  if (etcd_here) find_data_dir();
  find_vendor_archive();
  find_resources();
  return std::move(found_);
}

bool Finder::has_etcd() {
  auto without = std::ranges::find_if(profile_.without_etcd, [&](const WithoutEtcd& row) {
    return exists(row.there) && !exists(row.lacks);
  });
  if (without == profile_.without_etcd.end()) return true;
  found_.no_etcd = std::format("{}: {} is not there", without->says, without->lacks);
  found_.no_etcd_hint = without->hint;
  found_.missing.push_back(found_.no_etcd);
  return false;
}

std::optional<Settings> Finder::read(const ConfigFile& file) {
  auto content = read_small_file(to_open(file.path), kMaxConfigBytes);
  if (!content) {
    if (content.error().code != Code::not_found) missing("{}", content.error().message);
    return std::nullopt;
  }
  auto settings = [&]() -> Result<Settings> {
    switch (file.form) {
      case FileForm::static_pod: return parse_static_pod(*content, file.container);
      case FileForm::etcd_yaml: return parse_etcd_yaml(*content);
      case FileForm::openshift_config: return parse_openshift_config(*content);
      case FileForm::environment: break;
    }
    return parse_environment(*content);
  }();
  if (!settings) {
    missing("{} cannot be understood: {}", file.path, settings.error().message);
    return std::nullopt;
  }
  settings->source = file.path;
  if (!file.moved.in_pod.empty())
    settings->mounts.push_back({std::string(file.moved.in_pod), std::string(file.moved.on_host)});
  return std::move(*settings);
}

void Finder::read_control_plane() {
  for (auto file : profile_.control_plane) {
    std::string named;
    std::vector<HostPathMount> mounts;
    if (file.path.starts_with("--")) {
      auto holds = [&](const Settings& other) { return !other.file(file.path.substr(2)).empty(); };
      auto by = std::ranges::find_if(control_plane_, holds);
      if (by == control_plane_.end()) continue;
      named = by->file(file.path.substr(2));
      mounts = by->mounts;  // the same pod reads it
      file.path = named;
    }
    auto settings = read(file);
    if (!settings) continue;
    settings->mounts.insert(settings->mounts.end(), mounts.begin(), mounts.end());
    control_plane_.push_back(std::move(*settings));
  }
}

void Finder::read_etcd() {
  for (const auto& file : profile_.etcd) {
    etcd_ = read(file);
    if (etcd_) break;
  }
  if (!etcd_) {
    missing("no file says how etcd was started; looked at {}", [&] {
      std::vector<std::string> paths;
      for (const auto& file : profile_.etcd) paths.emplace_back(file.path);
      return join(paths, ", ");
    }());
    return;
  }
  // With --config-file etcd ignores its other flags and its environment.
  auto config_file = etcd_->file("config-file");
  if (config_file.empty()) return;
  auto from_file = read({config_file, FileForm::etcd_yaml, ""});
  if (!from_file) return;
  from_file->mounts = etcd_->mounts;
  from_file->source = config_file;
  etcd_ = std::move(from_file);
}

std::vector<const Settings*> Finder::all_settings() const {
  std::vector<const Settings*> all;
  if (etcd_) all.push_back(&*etcd_);
  for (const auto& settings : control_plane_) all.push_back(&settings);
  return all;
}

std::optional<Finder::File> Finder::locate(std::string_view path_or_flag) const {
  if (!path_or_flag.starts_with("--")) return File{std::string(path_or_flag), ""};
  for (const auto* settings : all_settings()) {
    auto path = settings->file(path_or_flag.substr(2));
    if (!path.empty())
      return File{path, std::format(", as {} in {} says", path_or_flag, settings->source)};
  }
  return std::nullopt;
}

void Finder::find_endpoints() {
  for (const auto& flag : profile_.endpoints) {
    for (const auto* settings : all_settings()) {
      auto urls = settings->get(flag.name);
      found_.endpoints = flag.listens ? endpoints_of_listeners(urls) : endpoint_list(urls);
      if (found_.endpoints.empty()) continue;
      found("{} {}, says {}", flag.says, join(found_.endpoints, " and "), settings->source);
      return;
    }
  }
  found_.endpoints = {std::string(profile_.default_endpoint)};
  found_.endpoint_assumed = true;
  found("no file names an address of etcd, so {} is assumed", profile_.default_endpoint);
}

void Finder::find_ca() {
  std::vector<std::string> tried;
  for (auto candidate : profile_.cacerts) {
    auto file = locate(candidate);
    if (!file) continue;
    if (exists(file->path)) {
      found_.cacert = to_open(file->path);
      found("etcd is checked against the CA {}{}", file->path, file->reason);
      return;
    }
    tried.push_back(file->path);
  }
  missing("no CA certificate to check etcd with; looked for {}",
          tried.empty() ? "a setting that names one" : join(tried, ", "));
}

void Finder::find_client() {
  std::vector<std::string> tried;
  for (const auto& pair : profile_.clients) {
    auto cert = locate(pair.cert);
    auto key = locate(pair.key);
    if (!cert || !key) continue;
    if (!exists(cert->path) || !exists(key->path)) {
      tried.push_back(exists(cert->path) ? key->path : cert->path);
      continue;
    }
    found_.cert = to_open(cert->path);
    found_.key = to_open(key->path);
    found("we show etcd the certificate {}: {}{}", cert->path, pair.what, cert->reason);
    if (::access(found_.key.c_str(), R_OK) != 0)
      missing("its key {} cannot be read by this user", key->path);
    return;
  }
  missing("no client certificate to show etcd; looked for {}",
          tried.empty() ? "a setting that names one" : join(tried, ", "));
}

void Finder::find_data_dir() {
  auto named = etcd_ ? etcd_->file("data-dir") : "";
  if (!named.empty()) {
    found_.data_dir = to_open(named);
    found("etcd's data directory is {}, says {}", named, etcd_->source);
    return;
  }
  auto take = [&](auto holds) {
    auto dir = std::ranges::find_if(profile_.data_dirs, holds);
    if (dir == profile_.data_dirs.end()) return false;
    found_.data_dir = to_open(*dir);
    found("{} is taken for etcd's data directory, because it is there", *dir);
    return true;
  };
  if (!take([&](auto dir) { return exists(std::string(dir) + "/member"); }))
    take([&](auto dir) { return exists(dir); });
}

// A path that lies in one that is archived already needs no place of its own. A flag's file does
// when that one is not there: it would be missing in silence.
bool Finder::add_resource(Root root) {
  auto holds = [&](const Root& other) {
    bool counts = root.named_by == NamedBy::profile || exists(other.path);
    return counts && (root.path == other.path || root.path.starts_with(other.path + "/"));
  };
  if (std::ranges::any_of(found_.resources, holds)) return false;
  found_.resources.push_back(std::move(root));
  return true;
}

void Finder::find_vendor_archive() {
  found_.vendor_directory = profile_.vendor_directory;
  for (const auto& row : profile_.vendor_archive) {
    auto revision = revision_in_use(root_, row);
    if (!revision.problem.empty()) missing("{}", revision.problem);
    if (revision.problem.empty()) found("{} is archived: {} names it", revision.path, row.manifest);
    found_.resources.push_back(
        {.path = revision.path, .named_by = NamedBy::vendor, .use = std::string(row.use)});
  }
}

void Finder::find_resources() {
  for (const auto& resource : profile_.resources)
    add_resource({.path = std::string(resource.path), .use = std::string(resource.use)});
  if (profile_.archive_etcd_config && etcd_)
    add_resource({.path = etcd_->source, .use = "says how etcd was started"});
  for (const auto* settings : all_settings()) {
    for (const auto& flag : profile_.resource_flags) {
      auto path = settings->file(flag.name);
      if (path.empty()) continue;
      auto named_in = std::format("--{} in {}", flag.name, settings->source);
      if (add_resource({path, NamedBy::flag, std::string(flag.use), named_in}))
        found("{} is archived, because {} names it", path, named_in);
    }
  }
  if (found_.resources.empty()) found("no host files to archive are known");
}

}  // namespace

std::string demand_for(const Root& root) {
  if (root.named_by != NamedBy::flag) return {};
  return escaped(root.named_in) + " names it; in a pod its directory must stand in hostPaths";
}

Result<Discovery> discover(const Host& host, std::string_view profile) {
  if (profile == "none") {
    Discovery nothing;
    nothing.profile = profile;
    nothing.findings = {"nothing was looked for: the profile is none"};
    return nothing;
  }
  for (const auto& row : profiles()) {
    Finder finder(host, row);
    bool recognised = finder.recognise();
    bool last_resort = row.recognised_by.empty();
    bool automatic = profile == "auto";
    if (row.name == profile || (automatic && (recognised || last_resort)))
      return finder.run(automatic);
  }
  auto names = profile_names();
  return fail(Code::invalid, std::format("no such profile: {}", escaped(profile)),
              "it may be " + join(names, ", "));
}

std::vector<std::string> profile_names() {
  std::vector<std::string> names = {"auto"};
  for (const auto& row : profiles()) names.emplace_back(row.name);
  names.emplace_back("none");
  return names;
}

std::string node_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "";
  return lower_case(name.data());
}

}  // namespace snap::node
