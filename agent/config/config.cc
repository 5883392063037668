#include "config/config.h"

#include <sys/stat.h>

#include <algorithm>
#include <format>
#include <set>

#include "base/file.h"
#include "base/text.h"
#include "config/destinations.h"
#include "config/keys.h"
#include "config/problems.h"
#include "config/values.h"
#include "config/yaml.h"

namespace snap::config {
namespace {

bool may_print(const Key& key, std::string_view value) {
  return key.print == Print::yes ||
         (key.print == Print::url && value.find_first_of("@?") == std::string_view::npos);
}

void report_unknown(const std::string& where, const std::string& name, Problems& problems) {
  auto near = suggestion(name);
  std::string hint;
  if (find_key(name)) {  // a whole name in a file
    auto dot = name.find('.');
    hint = std::format("write {} below a line {}:", name.substr(dot + 1), name.substr(0, dot));
  } else if (near) {
    hint = std::format("did you mean {}?", *near);
  } else if (name.contains("assword") || name.contains("ecret")) {
    hint = "secrets are read from files: use etcd.passwordFile";
  }
  problems.add(where, "unknown key " + shown(name), hint);
}

// Puts values into a Config, noting where each is from.
class Builder {
 public:
  Builder(Config& config, Problems& problems) : config_(config), problems_(problems) {}

  void set(const Key& key, const std::string& text, const std::string& where) {
    auto done = has_control(text) ? control_refused() : key.set(config_, text);
    if (!done) problems_.refuse(where, key.name, text, may_print(key, text), done.error());
  }

  void clear(const Key& key) {
    if (key.list) key.clear(config_);
  }

  void came_from(const Key& key, std::string origin) {
    config_.origins[std::string(key.name)] = std::move(origin);
  }

  Problems& problems() { return problems_; }
  Config& config() { return config_; }

 private:
  Config& config_;
  Problems& problems_;
};

void read_value(const Key& key, int line, const Node& node, std::string_view file,
                Builder& builder) {
  auto where = at_line(file, line);
  builder.came_from(key, std::format("{}:{}", file, line));
  if (node.kind == Node::Kind::null) {
    builder.problems().add(where, std::format("{} has no value", key.name),
                           "write one, or remove the key");
    return;
  }
  if (!key.list) {
    if (node.kind == Node::Kind::scalar) return builder.set(key, node.text, where);
    builder.problems().add(where, std::format("{} must be a single value", key.name));
    return;
  }
  if (node.kind != Node::Kind::list) {
    builder.problems().add(where, std::format("{} must be a list", key.name),
                           "write it in brackets, as in [first, second]");
    return;
  }
  for (const auto& item : node.items) {
    if (item.kind == Node::Kind::scalar) {
      builder.set(key, item.text, at_line(file, item.line));
    } else {
      builder.problems().add(at_line(file, item.line),
                             std::format("{} must be a list of texts", key.name));
    }
  }
}

// The keys of one map; `prefix` is "" or "retention.".
void read_map(const Node& map, const std::string& prefix, std::string_view file, Builder& builder) {
  for (size_t i = 0; i < map.items.size(); ++i) {
    auto name = prefix + map.keys[i].text;
    const auto& node = map.items[i];
    if (name == "destinations") {
      read_destinations(node, map.keys[i].line, file, builder.config(), builder.problems());
    } else if (const auto* key = map.keys[i].text.contains('.') ? nullptr : find_key(name)) {
      read_value(*key, map.keys[i].line, node, file, builder);
    } else if (!prefix.empty() || !is_section(name)) {
      report_unknown(at_line(file, map.keys[i].line), name, builder.problems());
    } else if (node.kind == Node::Kind::map) {
      read_map(node, name + ".", file, builder);
    } else if (node.kind != Node::Kind::null) {  // a section whose keys are all commented out
      builder.problems().add(at_line(file, node.line),
                             std::format("{} must be a section with keys below it", name));
    }
  }
}

// etcdctl takes endpoints without a scheme, and uses TLS when it was given certificates.
std::string with_scheme(const std::string& endpoint, const Config& config) {
  if (endpoint.contains("://")) return endpoint;
  bool tls = !config.etcd.cacert.empty() || !config.etcd.cert.empty();
  return (tls ? "https://" : "http://") + endpoint;
}

void apply(const Override& override, Builder& builder) {
  auto where = override.origin + ": ";
  const auto* key = find_key(override.key);
  if (!key) return report_unknown(where, override.key, builder.problems());
  builder.came_from(*key, override.origin);
  builder.clear(*key);
  if (!key->list) return builder.set(*key, override.value, where);
  for (const auto& item : split(override.value, ',')) {
    auto text = std::string(trim(item));
    builder.set(*key, key->name == "etcd.endpoints" ? with_scheme(text, builder.config()) : text,
                where);
  }
}

// Environment before flags, so that flags win; endpoints last, since certificates decide on their
// scheme.
void apply_all(const Overrides& overrides, Builder& builder) {
  for (bool environment : {true, false}) {
    std::set<std::string> seen;
    for (bool endpoints : {false, true}) {
      for (const auto& override : overrides) {
        if (override.from_environment != environment ||
            (override.key == "etcd.endpoints") != endpoints)
          continue;
        if (!seen.insert(override.key).second) {
          builder.problems().add(override.origin + ": ", shown(override.key) + " is given twice");
        } else {
          apply(override, builder);
        }
      }
    }
  }
}

std::string where_of(const Config& config, const std::string& key) {
  auto origin = config.origins.find(key);
  return origin == config.origins.end() ? "" : origin->second + ": ";
}

// Rules between values.
void check_pairs(const Config& config, Problems& problems) {
  auto pair = [&](const std::string& a_key, const std::string& a, const std::string& b_key,
                  const std::string& b) {
    if (a.empty() == b.empty()) return;
    const auto& there = a.empty() ? b_key : a_key;
    const auto& lacking = a.empty() ? a_key : b_key;
    problems.add(where_of(config, there), std::format("{} without {}", there, lacking),
                 "give both or none");
  };
  const auto& etcd = config.etcd;
  pair("etcd.cert", etcd.cert, "etcd.key", etcd.key);
  pair("etcd.username", etcd.username, "etcd.passwordFile", etcd.password_file);
  if (auto safe = check_password_transport(etcd); !safe)
    problems.add(where_of(config, "etcd.endpoints"), safe.error().message, safe.error().hint);
}

void check_needed(const Config& config, std::string_view file, Problems& problems) {
  if (config.origins.contains("local.directory")) return;
  problems.add(std::format("{}: ", file), "local.directory is missing",
               "add the directory for the backup sets, such as /var/lib/etcd-snapshot");
}

std::vector<std::string> warnings_of(const Config& config) {
  std::vector<std::string> warnings;
  const auto& keep = config.retention;
  if (keep.keep_last + keep.keep_hourly + keep.keep_daily + keep.keep_weekly + keep.keep_monthly +
              keep.keep_yearly ==
          0 &&
      keep.keep_within.count() == 0)
    warnings.emplace_back(
        "retention: no rule keeps anything, only the newest proven set will stay");
  if (!config.report.metrics_file.empty() && !config.report.metrics_file.ends_with(".prom"))
    warnings.emplace_back(
        "report.metricsFile: the node exporter reads only files whose names end in .prom");
  return warnings;
}

// `file`: names the text, or where it would have been. `root` null: there is no file.
Result<Config> build(const Node* root, std::string_view file, const Overrides& overrides,
                     Need need) {
  Config config;
  Problems problems;
  Builder builder(config, problems);
  if (root && root->kind == Node::Kind::map) {
    read_map(*root, "", file, builder);
  } else if (root) {
    problems.add(at_line(file, root->line), "the file must hold keys and values",
                 "write lines such as cluster: prod-east");
  }
  apply_all(overrides, builder);
  TRY(problems.result());
  check_pairs(config, problems);
  if (need == Need::sets) check_needed(config, file, problems);
  TRY(problems.result());
  config.warnings = warnings_of(config);
  return config;
}

}  // namespace

Result<Config> parse(std::string_view text, std::string_view file, const Overrides& overrides,
                     Need need) {
  auto name = escaped(file);
  auto root = TRY(read_yaml(text, name));
  return build(&root, name, overrides, need);
}

Result<Config> load(const std::optional<std::string>& path, const Overrides& overrides, Need need) {
  auto file = path.value_or(std::string(kDefaultFile));
  auto text = read_small_file(file, kMaxFileBytes);
  if (!text) {
    bool missing = text.error().code == Code::not_found;
    bool has_directory = std::ranges::contains(overrides, "local.directory", &Override::key);
    if (missing && !path && need == Need::sets && !has_directory) {
      return fail(Code::invalid, std::format("there is no configuration: {} does not exist", file),
                  "write `local: {directory: /var/lib/etcd-snapshot}` into it, then try "
                  "etcd-snapshot check; or name another file with --config");
    }
    if (missing && !path) {
      auto config = build(nullptr, escaped(file), overrides, need);
      if (!config && need == Need::sets)
        config.error().message = std::format("there is no {}; {}", file, config.error().message);
      return config;
    }
    auto error = std::move(text).error();
    error.message = "configuration: " + escaped(error.message);
    if (error.hint.empty() && missing) error.hint = "name another one with --config";
    return std::unexpected(std::move(error));
  }
  auto config = TRY(parse(*text, file, overrides, need));
  struct stat info{};
  if (::stat(file.c_str(), &info) == 0 && (info.st_mode & S_IWOTH) != 0)
    config.warnings.push_back(
        std::format("{}: everybody may change it; run chmod o-w", escaped(file)));
  return config;
}

Result<void> check_password_transport(const Etcd& etcd) {
  if (etcd.username.empty()) return {};
  for (const auto& endpoint : etcd.endpoints) {
    if (endpoint.starts_with("http://") && !is_loopback(endpoint))
      return fail(Code::invalid,
                  std::format("the password of {} would travel in clear to {}",
                              escaped(etcd.username), escaped(redacted_url(endpoint))),
                  "use https://");
  }
  return {};
}

}  // namespace snap::config
