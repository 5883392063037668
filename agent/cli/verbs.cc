// All verbs, in the order of --help; and the flags that verbs share.
#include "cli/command.h"

namespace snap::cli {
namespace {

std::vector<Flag> etcd_flags(CommonFlags& common) {
  return {
      {"endpoints", "URL,...", "members to ask", &common.endpoints},
      {"cacert", "FILE", "CA that signed the members' certificates", &common.cacert},
      {"cert", "FILE", "our client certificate", &common.cert},
      {"key", "FILE", "its key", &common.key},
      {"server-name", "NAME", "name to expect in the members' certificates", &common.server_name},
      {"user", "NAME", "user, where etcd's auth is on; needs the role root", &common.user},
      {"password-file", "FILE", "file that holds the user's password", &common.password_file}};
}

std::vector<Flag> common_flags(const Command& command, CommonFlags& common) {
  Flag help{"help", "", "print this help", &common.help, {}, "h"};
  if (command.bare) return {help};
  std::vector<Flag> flags = {
      {"config", "FILE", "configuration (default /etc/etcd-snapshot/config.yaml)", &common.config},
      {"set", "KEY=VALUE",
       "override a key of the configuration, as in retention.keepLast=7; may be repeated",
       &common.set},
      {"output", "FORMAT", "table or json", &common.output, {"table", "json"}, "o"},
      {"quiet", "", "only warnings and errors", &common.quiet},
      {"verbose", "", "say more about what is done", &common.verbose},
      help};
  if (command.asks_cluster)
    flags.insert(flags.begin() + 1,
                 {"kubeconfig", "FILE",
                  "how verbs that reach destinations ask the cluster for nodes and volumes "
                  "(default: the pod's service account)",
                  &common.kubeconfig});
  return flags;
}

}  // namespace

std::vector<FlagGroup> flag_groups(const Command& command, CommonFlags& common) {
  std::vector<FlagGroup> groups;
  if (!command.flags.empty()) groups.push_back({"Flags", command.flags});
  if (command.asks_etcd) groups.push_back({"etcd flags", etcd_flags(common)});
  groups.push_back({"Common flags", common_flags(command, common)});
  return groups;
}

std::vector<Command> all_commands() {
  return {run_command(),   save_command(),  status_command(), verify_command(),    list_command(),
          sync_command(),  prune_command(), fetch_command(),  remove_command(),    pin_command(),
          unpin_command(), check_command(), man_command(),    completion_command()};
}

}  // namespace snap::cli
