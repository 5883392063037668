#include "config/keys.h"

#include <algorithm>
#include <array>
#include <format>
#include <utility>
#include <vector>

#include "base/names.h"
#include "base/text.h"
#include "config/setters.h"
#include "config/values.h"

namespace snap::config {
namespace {

// What else a key can do, by kind of value; Section and Field lead to the place in Config, as with
// setters.
template <auto Section, auto Field>
void clear_list(Config& config) {
  ((config.*Section).*Field).clear();
}

template <auto Section, auto Field>
std::string show_text(const Config& config) {
  return (config.*Section).*Field;
}

template <auto Section, auto Field>
std::string show_list(const Config& config) {
  return "[" + join((config.*Section).*Field, ", ") + "]";
}

template <auto Section, auto Field>
std::string show_count(const Config& config) {
  return std::format("{}", (config.*Section).*Field);
}

template <auto Section, auto Field>
std::string show_bytes(const Config& config) {
  return show_size((config.*Section).*Field);
}

template <auto Section, auto Field>
std::string show_time(const Config& config) {
  return show_duration((config.*Section).*Field);
}

// Values that only one key has.
Result<void> set_cluster(Config& config, const std::string& text) {
  if (!text.empty() && !is_cluster_name(text))
    return fail(Code::invalid, "is not a cluster name",
                "use 1 to 63 of a-z, 0-9, '.' and '-', the first and last a letter or digit");
  config.cluster = text;
  return {};
}

constexpr std::array<std::string_view, 7> kProfiles = {"auto", "openshift", "kubeadm", "rke2",
                                                       "k3s",  "plain",     "none"};
constexpr std::array<std::string_view, 3> kComparisons = {"off", "warn", "require"};
constexpr std::array<std::string_view, 3> kLevels = {"digest", "structure", "mvcc"};

Result<void> set_profile(Config& config, const std::string& text) {
  config.etcd.profile = kProfiles[TRY(choice(kProfiles, text))];
  return {};
}

std::string show_comparison(const Config& config) {
  return std::string(kComparisons[static_cast<size_t>(config.etcd.compare_members)]);
}

std::string show_level(const Config& config) { return std::string(name_of(config.verify.level)); }

template <auto Section, auto Field>
std::string show_bool(const Config& config) {
  return (config.*Section).*Field ? "true" : "false";
}

Result<std::string> parse_user(std::string_view text) {
  if (text.contains(':'))
    return fail(Code::invalid, "holds a colon",
                "a password does not belong here: name its file in etcd.passwordFile");
  return std::string(text);
}

constexpr std::array kKeys = std::to_array<Key>({
    {.name = "cluster",
     .set = set_cluster,
     .show = [](const Config& config) { return config.cluster; }},
    {.name = "etcd.profile", .set = set_profile, .show = show_text<&Config::etcd, &Etcd::profile>},
    {.name = "etcd.endpoints",
     .list = true,
     .print = Print::url,
     .set = append<parse_endpoint, &Config::etcd, &Etcd::endpoints>,
     .clear = clear_list<&Config::etcd, &Etcd::endpoints>,
     .show = show_list<&Config::etcd, &Etcd::endpoints>},
    {.name = "etcd.cacert",
     .print = Print::never,
     .set = set_or_none<parse_path, &Config::etcd, &Etcd::cacert>,
     .show = show_text<&Config::etcd, &Etcd::cacert>},
    {.name = "etcd.cert",
     .print = Print::never,
     .set = set_or_none<parse_path, &Config::etcd, &Etcd::cert>,
     .show = show_text<&Config::etcd, &Etcd::cert>},
    {.name = "etcd.key",
     .print = Print::never,
     .set = set_or_none<parse_path, &Config::etcd, &Etcd::key>,
     .show = show_text<&Config::etcd, &Etcd::key>},
    {.name = "etcd.serverName",
     .set = set_or_none<parse_host, &Config::etcd, &Etcd::server_name>,
     .show = show_text<&Config::etcd, &Etcd::server_name>},
    {.name = "etcd.username",
     .print = Print::never,
     .set = set_parsed<parse_user, &Config::etcd, &Etcd::username>,
     .show = show_text<&Config::etcd, &Etcd::username>},
    {.name = "etcd.passwordFile",
     .print = Print::never,
     .set = set_or_none<parse_path, &Config::etcd, &Etcd::password_file>,
     .show = show_text<&Config::etcd, &Etcd::password_file>},
    {.name = "etcd.stallTimeout",
     .set = set_parsed<parse_stall_limit, &Config::etcd, &Etcd::stall_timeout>,
     .show = show_time<&Config::etcd, &Etcd::stall_timeout>},
    {.name = "etcd.compareMembers",
     .set = set_choice<kComparisons, &Config::etcd, &Etcd::compare_members>,
     .show = show_comparison},
    {.name = "resources.include",
     .list = true,
     .set = append<parse_path, &Config::resources, &Resources::include>,
     .clear = clear_list<&Config::resources, &Resources::include>,
     .show = show_list<&Config::resources, &Resources::include>},
    {.name = "resources.exclude",
     .list = true,
     .set = append<parse_pattern, &Config::resources, &Resources::exclude>,
     .clear = clear_list<&Config::resources, &Resources::exclude>,
     .show = show_list<&Config::resources, &Resources::exclude>},
    {.name = "local.directory",
     .set = set_parsed<parse_path, &Config::local, &Local::directory>,
     .show = show_text<&Config::local, &Local::directory>},
    {.name = "local.reserve",
     .set = set_parsed<parse_size, &Config::local, &Local::reserve_bytes>,
     .show = show_bytes<&Config::local, &Local::reserve_bytes>},
    {.name = "verify.level",
     .set = set_choice<kLevels, &Config::verify, &Verify::level>,
     .show = show_level},
    {.name = "retention.keepLast",
     .set = set_parsed<parse_count, &Config::retention, &Retention::keep_last>,
     .show = show_count<&Config::retention, &Retention::keep_last>},
    {.name = "retention.keepWithin",
     .set = set_parsed<parse_duration, &Config::retention, &Retention::keep_within>,
     .show = show_time<&Config::retention, &Retention::keep_within>},
    {.name = "retention.keepHourly",
     .set = set_parsed<parse_count, &Config::retention, &Retention::keep_hourly>,
     .show = show_count<&Config::retention, &Retention::keep_hourly>},
    {.name = "retention.keepDaily",
     .set = set_parsed<parse_count, &Config::retention, &Retention::keep_daily>,
     .show = show_count<&Config::retention, &Retention::keep_daily>},
    {.name = "retention.keepWeekly",
     .set = set_parsed<parse_count, &Config::retention, &Retention::keep_weekly>,
     .show = show_count<&Config::retention, &Retention::keep_weekly>},
    {.name = "retention.keepMonthly",
     .set = set_parsed<parse_count, &Config::retention, &Retention::keep_monthly>,
     .show = show_count<&Config::retention, &Retention::keep_monthly>},
    {.name = "retention.keepYearly",
     .set = set_parsed<parse_count, &Config::retention, &Retention::keep_yearly>,
     .show = show_count<&Config::retention, &Retention::keep_yearly>},
    {.name = "retention.maxSize",
     .set = set_parsed<parse_size, &Config::retention, &Retention::max_size_bytes>,
     .show = show_bytes<&Config::retention, &Retention::max_size_bytes>},
    {.name = "kubernetes.kubeconfig",
     .set = set_or_none<parse_path, &Config::kubernetes, &Kubernetes::kubeconfig>,
     .show = show_text<&Config::kubernetes, &Kubernetes::kubeconfig>},
    {.name = "kubernetes.events",
     .set = set_parsed<parse_bool, &Config::kubernetes, &Kubernetes::events>,
     .show = show_bool<&Config::kubernetes, &Kubernetes::events>},
    {.name = "kubernetes.namespace",
     .set = set_or_none<parse_object_name, &Config::kubernetes, &Kubernetes::name_space>,
     .show = show_text<&Config::kubernetes, &Kubernetes::name_space>},
    {.name = "report.metricsFile",
     .set = set_or_none<parse_path, &Config::report, &Report::metrics_file>,
     .show = show_text<&Config::report, &Report::metrics_file>},
    {.name = "report.terminationMessage",
     .set = set_or_none<parse_path, &Config::report, &Report::termination_message>,
     .show = show_text<&Config::report, &Report::termination_message>},
    {.name = "report.pushgateway",
     .print = Print::url,
     .set = set_or_none<parse_base_url, &Config::report, &Report::pushgateway>,
     .show = show_text<&Config::report, &Report::pushgateway>},
});

// "retention." of "retention.keepLast", "" of "cluster".
std::string_view section_of(std::string_view name) {
  return name.substr(0, name.find('.') == std::string_view::npos ? 0 : name.find('.') + 1);
}

}  // namespace

std::string_view name_of(Level level) { return kLevels[static_cast<size_t>(level)]; }

std::span<const Key> keys() { return kKeys; }

const Key* find_key(std::string_view name) {
  auto found = std::ranges::find(kKeys, name, &Key::name);
  return found == kKeys.end() ? nullptr : &*found;
}

bool is_section(std::string_view name) {
  return std::ranges::any_of(kKeys, [&](const Key& key) {
    return !name.empty() && section_of(key.name) == std::string(name) + ".";
  });
}

std::optional<std::string> suggestion(std::string_view name) {
  auto section = section_of(name);
  std::vector<std::string_view> known;
  for (const auto& key : kKeys) {
    if (section.empty()) {
      auto first = key.name.substr(0, key.name.find('.'));
      if (known.empty() || known.back() != first) known.push_back(first);
    } else if (section_of(key.name) == section) {
      known.push_back(key.name.substr(section.size()));
    }
  }
  return nearest(name.substr(section.size()), known);
}

std::vector<Setting> describe(const Config& config) {
  std::vector<Setting> settings;
  for (const auto& key : kKeys) {
    auto origin = config.origins.find(std::string(key.name));
    settings.push_back({.key = std::string(key.name),
                        .value = key.show(config),
                        .origin = origin == config.origins.end() ? "default" : origin->second});
  }
  return settings;
}

bool is_cluster_name(std::string_view name) { return is_dns_name(name, 63); }

}  // namespace snap::config
