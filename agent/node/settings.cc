#include "node/settings.h"

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <format>
#include <optional>

#include "base/text.h"

namespace snap::node {
namespace {

// yaml-cpp reports what it cannot parse by exceptions; they end here.
template <class Parse>
auto without_exceptions(Parse parse) -> decltype(parse()) {
  try {
    return parse();
  } catch (const YAML::Exception& error) {
    return fail(Code::invalid, std::format("line {}: {}", error.mark.line + 1, escaped(error.msg)));
  }
}

std::string scalar(const YAML::Node& node) { return node.IsScalar() ? node.Scalar() : ""; }

// "a"/"b" below `node`; a node that is not defined when one is missing on the way.
YAML::Node child(const YAML::Node& node, const char* key) {
  return node.IsMap() ? node[key] : YAML::Node(YAML::NodeType::Undefined);
}

// "ETCD_LISTEN_CLIENT_URLS" as "listen-client-urls"; nothing for other variables.
std::optional<std::string> flag_of_variable(std::string_view name) {
  std::string flag;
  if (name.starts_with("ETCDCTL_")) {
    flag = "etcdctl-";
    name.remove_prefix(8);
  } else if (name.starts_with("ETCD_")) {
    name.remove_prefix(5);
  } else {
    return std::nullopt;
  }
  for (char c : name) {
    flag += c == '_' ? '-' : (c >= 'A' && c <= 'Z') ? static_cast<char>(c - 'A' + 'a') : c;
  }
  if (name.empty()) return std::nullopt;
  return flag;
}

using Environment = std::map<std::string, std::string, std::less<>>;

// What the container's environment is, without the values that only its pod knows.
Environment environment_of(const YAML::Node& container) {
  Environment environment;
  auto list = child(container, "env");
  if (!list.IsDefined() || !list.IsSequence()) return environment;
  for (const auto& variable : list) {
    auto name = child(variable, "name");
    auto value = child(variable, "value");
    if (name.IsDefined() && value.IsDefined()) environment[scalar(name)] = scalar(value);
  }
  return environment;
}

// $(NAME) and ${NAME} by their values; what is not known stays as it is.
std::string expanded(std::string_view text, const Environment& environment) {
  std::string result;
  while (!text.empty()) {
    bool opens = text.size() > 1 && text[0] == '$' && (text[1] == '{' || text[1] == '(');
    auto end = opens ? text.find(text[1] == '{' ? '}' : ')') : text.npos;
    auto value = end == text.npos ? environment.end() : environment.find(text.substr(2, end - 2));
    if (value == environment.end()) {
      result += text.front();
      text.remove_prefix(1);
      continue;
    }
    result += value->second;
    text.remove_prefix(end + 1);
  }
  return result;
}

// The words of a shell script, as far as a flag's value needs it: quotes are dropped, and none
// holds a space.
void add_script(std::string script, std::vector<std::string>& words) {
  std::erase_if(script, [](char c) { return c == '"' || c == '\'' || c == '\\' || c == ';'; });
  for (char& c : script) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  for (auto& word : split(script, ' ')) {
    if (!word.empty()) words.push_back(std::move(word));
  }
}

// Command and arguments; a script for a shell as its words.
std::vector<std::string> command_of(const YAML::Node& container, const Environment& environment) {
  std::vector<std::string> given, words;
  for (const char* key : {"command", "args"}) {
    auto list = child(container, key);
    if (!list.IsDefined() || !list.IsSequence()) continue;
    for (const auto& word : list) given.push_back(expanded(scalar(word), environment));
  }
  bool shell = !given.empty() && given.front().ends_with("sh");
  for (size_t i = 0; i < given.size(); ++i) {
    bool script = shell && i > 0 && given[i - 1].starts_with('-') && given[i - 1].ends_with('c');
    if (script) {
      add_script(given[i], words);
    } else {
      words.push_back(given[i]);
    }
  }
  return words;
}

// "--name=value", "--name value", and "--name" alone, which means true.
void add_flags(const std::vector<std::string>& words, Settings& settings) {
  for (size_t i = 0; i < words.size(); ++i) {
    std::string_view word = words[i];
    if (!word.starts_with('-')) continue;
    word.remove_prefix(word.starts_with("--") ? 2 : 1);
    auto equals = word.find('=');
    if (equals != word.npos) {
      settings.values[std::string(word.substr(0, equals))] = word.substr(equals + 1);
    } else if (i + 1 < words.size() && !words[i + 1].starts_with('-')) {
      settings.values[std::string(word)] = words[++i];
    } else {
      settings.values[std::string(word)] = "true";
    }
  }
}

void add_environment(const Environment& environment, Settings& settings) {
  for (const auto& [name, value] : environment) {
    if (auto flag = flag_of_variable(name)) settings.values[*flag] = value;
  }
}

void add_mounts(const YAML::Node& spec, const YAML::Node& container, Settings& settings) {
  std::map<std::string, std::string> host_paths;
  auto volumes = child(spec, "volumes");
  auto mounts = child(container, "volumeMounts");
  if (!volumes.IsDefined() || !volumes.IsSequence() || !mounts.IsDefined() || !mounts.IsSequence())
    return;
  for (const auto& volume : volumes) {
    auto name = child(volume, "name");
    auto host_path = child(volume, "hostPath");
    if (!name.IsDefined() || !host_path.IsDefined()) continue;
    auto path = child(host_path, "path");
    if (path.IsDefined()) host_paths[scalar(name)] = scalar(path);
  }
  for (const auto& mount : mounts) {
    auto name = child(mount, "name");
    auto in_pod = child(mount, "mountPath");
    if (!name.IsDefined() || !in_pod.IsDefined()) continue;
    auto on_host = host_paths.find(scalar(name));
    if (on_host != host_paths.end()) settings.mounts.push_back({scalar(in_pod), on_host->second});
  }
}

YAML::Node find_container(const YAML::Node& spec, std::string_view name) {
  auto containers = child(spec, "containers");
  if (!containers.IsDefined() || !containers.IsSequence()) return containers;
  for (const auto& container : containers) {
    auto its_name = child(container, "name");
    if (its_name.IsDefined() && scalar(its_name) == name) return container;
  }
  return containers.size() == 1 ? containers[0] : YAML::Node(YAML::NodeType::Undefined);
}

// Without quotes around it and, when it has none, without a comment behind it.
std::string unquoted(std::string_view value) {
  value = trim(value);
  if (!value.empty() && (value.front() == '"' || value.front() == '\'')) {
    auto end = value.find(value.front(), 1);
    return std::string(value.substr(1, end == value.npos ? value.npos : end - 1));
  }
  return std::string(trim(value.substr(0, value.find(" #"))));
}

}  // namespace

std::string Settings::get(std::string_view name) const {
  auto found = values.find(name);
  return found == values.end() ? "" : found->second;
}

std::string Settings::on_host(std::string_view path) const {
  const HostPathMount* best = nullptr;
  for (const auto& mount : mounts) {
    std::string_view at = mount.in_pod;
    while (at.size() > 1 && at.ends_with('/')) at.remove_suffix(1);
    bool holds = path == at || (path.starts_with(at) && (at == "/" || path[at.size()] == '/'));
    if (holds && (!best || best->in_pod.size() < mount.in_pod.size())) best = &mount;
  }
  if (!best) return std::string(path);
  std::string_view host = best->on_host, at = best->in_pod;
  while (host.ends_with('/')) host.remove_suffix(1);
  while (at.ends_with('/')) at.remove_suffix(1);
  return std::string(host) + std::string(path.substr(at.size()));
}

std::string Settings::file(std::string_view name) const {
  auto path = get(name);
  if (!path.starts_with('/')) return "";
  return std::filesystem::path(on_host(path)).lexically_normal();
}

Result<Settings> parse_static_pod(std::string_view yaml, std::string_view container) {
  return without_exceptions([&]() -> Result<Settings> {
    auto pod = YAML::Load(std::string(yaml));
    auto spec = child(pod, "spec");
    if (!spec.IsDefined()) return fail(Code::invalid, "no pod manifest: it has no spec");
    auto found = find_container(spec, container);
    if (!found.IsDefined() || !found.IsMap())
      return fail(Code::invalid, std::format("the pod has no container named {}", container));
    Settings settings;
    auto environment = environment_of(found);
    add_environment(environment, settings);
    add_flags(command_of(found, environment),
              settings);  // etcd lets flags win over the environment
    add_mounts(spec, found, settings);
    return settings;
  });
}

Settings parse_environment(std::string_view text) {
  Settings settings;
  for (const auto& raw : split(text, '\n')) {
    auto line = trim(raw);
    if (line.starts_with("export ")) line = trim(line.substr(7));
    auto equals = line.find('=');
    if (equals == line.npos) continue;
    if (auto flag = flag_of_variable(trim(line.substr(0, equals))))
      settings.values[*flag] = unquoted(line.substr(equals + 1));
  }
  return settings;
}

Result<Settings> parse_etcd_yaml(std::string_view yaml) {
  return without_exceptions([&]() -> Result<Settings> {
    auto top = YAML::Load(std::string(yaml));
    if (!top.IsMap()) return fail(Code::invalid, "not a YAML mapping");
    Settings settings;
    for (const auto& item : top) {
      auto key = scalar(item.first);
      if (key.empty()) continue;
      if (item.second.IsScalar()) settings.values[key] = item.second.Scalar();
      if (!item.second.IsMap()) continue;
      bool peer = key == "peer-transport-security";
      if (!peer && key != "client-transport-security") continue;
      for (const auto& inner : item.second) {
        auto name = scalar(inner.first);
        if (!name.empty()) settings.values[(peer ? "peer-" : "") + name] = scalar(inner.second);
      }
    }
    return settings;
  });
}

Result<Settings> parse_openshift_config(std::string_view yaml) {
  return without_exceptions([&]() -> Result<Settings> {
    auto top = YAML::Load(std::string(yaml));
    if (!top.IsMap()) return fail(Code::invalid, "not a YAML mapping");
    Settings settings;
    auto arguments = child(top, "apiServerArguments");
    if (!arguments.IsDefined() || !arguments.IsMap()) return settings;
    for (const auto& item : arguments) {
      bool list = item.second.IsSequence() && item.second.size() > 0;
      settings.values[scalar(item.first)] = scalar(list ? item.second[0] : item.second);
    }
    return settings;
  });
}

}  // namespace snap::node
