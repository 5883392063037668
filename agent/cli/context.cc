#include "cli/context.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <format>

#include "base/file.h"
#include "node/discover.h"

namespace snap::cli {
namespace {

std::string absolute(const std::string& path) {
  std::error_code error;
  auto directory = std::filesystem::current_path(error);
  return error ? path : (directory / path).lexically_normal().string();
}

Result<config::Overrides> overrides_of(const CommonFlags& flags, bool environment) {
  config::Overrides overrides;
  if (environment)
    overrides = config::etcdctl_environment([](const char* name) { return std::getenv(name); });
  for (const auto& word : flags.set) {
    if (word.contains('=')) overrides.push_back(TRY(config::parse_set(word)));
  }
  struct Row {
    const std::string& value;
    std::string_view key, flag;
  };
  const Row kRows[] = {{flags.endpoints, "etcd.endpoints", "--endpoints"},
                       {flags.cacert, "etcd.cacert", "--cacert"},
                       {flags.cert, "etcd.cert", "--cert"},
                       {flags.key, "etcd.key", "--key"},
                       {flags.server_name, "etcd.serverName", "--server-name"},
                       {flags.user, "etcd.username", "--user"},
                       {flags.password_file, "etcd.passwordFile", "--password-file"},
                       {flags.kubeconfig, "kubernetes.kubeconfig", "--kubeconfig"}};
  for (const auto& row : kRows) {
    if (!row.value.empty())
      overrides.push_back({std::string(row.key), row.value, std::string(row.flag)});
  }
  // On the command line a path is relative to where one stands, as with etcdctl; in the file it
  // would be a trap.
  constexpr std::string_view kPaths[] = {"etcd.cacert", "etcd.cert", "etcd.key",
                                         "etcd.passwordFile", "kubernetes.kubeconfig"};
  for (auto& override : overrides) {
    bool is_path = std::ranges::contains(kPaths, override.key) && !override.value.empty();
    if (is_path && !override.value.starts_with('/') && override.origin != "--set")
      override.value = absolute(override.value);
  }
  // etcdctl takes NAME:PASSWORD; a password on a command line is seen by every user of the host.
  if (flags.user.contains(':')) {
    return fail(Code::invalid, "--user: a password must not stand on the command line",
                "write it into a file and give --password-file FILE");
  }
  return overrides;
}

}  // namespace

void Context::print(std::string_view text) {
  if (!write_full(STDOUT_FILENO, as_bytes(text), "standard output")) printed_all_ = false;
}

Result<config::Config> Context::load(config::Need need, bool environment) const {
  auto overrides = TRY(overrides_of(flags_, environment));
  auto path = flags_.config.empty() ? std::nullopt : std::optional(flags_.config);
  auto config = config::load(path, overrides, need);
  // A file that is missing or not ours to read is a mistake like any other in the configuration.
  if (!config) config.error().code = Code::invalid;
  auto loaded = TRY(std::move(config));
  for (const auto& warning : loaded.warnings) log_.warn(warning);
  return loaded;
}

Result<jobs::Settings> Context::settle(config::Need need, bool environment) const {
  auto config = TRY(load(need, environment));
  return jobs::settle(std::move(config), node::Host{}, stop_);
}

std::vector<std::string> Context::bare_set_words() const {
  std::vector<std::string> words;
  for (const auto& word : flags_.set) {
    if (!word.contains('=')) words.push_back(word);
  }
  return words;
}

report::Exit Context::fail(const jobs::Failure& failure) const {
  return fail(failure.exit, failure.error);
}

report::Exit Context::fail(report::Exit exit, const Error& error) const {
  log_.error(error);
  return exit;
}

}  // namespace snap::cli
