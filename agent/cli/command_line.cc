// The command line, by CLI11.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <format>
#include <iostream>
#include <memory>

#include "base/text.h"
#include "cli/command.h"
#include "cli/version.h"

namespace snap::cli {
namespace {

constexpr std::string_view kAbout =
    "Takes snapshots of etcd together with the host files a control plane needs, proves them, "
    "keeps them as backup sets.";

// The statuses that a verb of this version can end with.
std::string exit_table() {
  std::string text = "Exit status:\n";
  for (auto exit : report::all_exits()) {
    if (exit == report::Exit::destination_failed || exit == report::Exit::restore_failed) continue;
    text += std::format("  {}  {}\n", static_cast<int>(exit), report::meaning_of(exit));
  }
  return text;
}

void add_flag(CLI::App& app, const Flag& flag, const std::string& group) {
  auto name = "--" + flag.name;
  auto* option = std::visit(
      [&](auto* to) -> CLI::Option* {
        if constexpr (std::is_same_v<decltype(to), bool*>) {
          return app.add_flag(name, *to, flag.help);
        } else {
          // One value after each flag: what follows it is an argument of the verb.
          auto* added = app.add_option(name, *to, flag.help)->type_name(flag.value);
          if constexpr (std::is_same_v<decltype(to), std::vector<std::string>*>) {
            added->expected(1)
                ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
                ->allow_extra_args(false);
          }
          return added;
        }
      },
      flag.target);
  option->group(group);
  // An unset variable of a shell must not turn into "use the default".
  if (!flag.value.empty())
    option->check(
        [](const std::string& value) { return value.empty() ? "the value is empty" : ""; });
  if (!flag.choices.empty()) option->check(CLI::IsMember(flag.choices));
}

void add_common(CLI::App& app, CommonFlags& common) {
  const std::string kGroup = "Common flags";
  add_flag(
      app,
      {"config", "FILE", "configuration (default /etc/etcd-snapshot/config.yaml)", &common.config},
      kGroup);
  add_flag(
      app,
      {"set", "KEY=VALUE",
       "override a key of the configuration: retention.keepLast=7; may be repeated", &common.set},
      kGroup);
  app.add_option("-o,--output", common.output, "table or json")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"table", "json"}))
      ->group(kGroup);
  add_flag(app, {"quiet", "", "only warnings and errors", &common.quiet}, kGroup);
  add_flag(app, {"verbose", "", "say more about what is done", &common.verbose}, kGroup);
}

void add_etcd(CLI::App& app, CommonFlags& common) {
  const std::string kGroup = "etcd flags";
  add_flag(app, {"endpoints", "URL,...", "members to ask", &common.endpoints}, kGroup);
  add_flag(app, {"cacert", "FILE", "CA that signed the members' certificates", &common.cacert},
           kGroup);
  add_flag(app, {"cert", "FILE", "our client certificate", &common.cert}, kGroup);
  add_flag(app, {"key", "FILE", "its key", &common.key}, kGroup);
  add_flag(
      app,
      {"server-name", "NAME", "name to expect in the members' certificates", &common.server_name},
      kGroup);
  add_flag(app,
           {"user", "NAME", "user, where etcd's auth is on; needs the role root", &common.user},
           kGroup);
  add_flag(app,
           {"password-file", "FILE", "file that holds the user's password", &common.password_file},
           kGroup);
}

void add_command(CLI::App& app, const Command& command, CommonFlags& common) {
  auto* verb = app.add_subcommand(command.name, command.summary);
  for (const auto& flag : command.flags) add_flag(*verb, flag, "Flags");
  for (const auto& argument : command.arguments) {
    std::visit(
        [&](auto* to) {
          if constexpr (!std::is_same_v<decltype(to), bool*>) {
            auto* option = verb->add_option(argument.name, *to, argument.help);
            option->type_name("");
            if (argument.required) option->required();
          }
        },
        argument.target);
  }
  if (command.asks_etcd) add_etcd(*verb, common);
  add_common(*verb, common);
  verb->footer("Examples:\n" + command.examples + "\n" + exit_table());
}

// The argument that is no known verb, if that is the mistake.
std::string unknown_verb(int argc, char** argv, const std::vector<Command>& commands) {
  if (argc < 2 || argv[1][0] == '-') return "";
  auto same = [&](const Command& c) { return c.name == argv[1]; };
  return std::ranges::any_of(commands, same) ? "" : argv[1];
}

report::Exit explain(const CLI::ParseError& error, const CLI::App& app, int argc, char** argv,
                     const std::vector<Command>& commands) {
  if (error.get_exit_code() == 0) {
    app.exit(error, std::cout, std::cerr);  // --help, --version
    return report::Exit::done;
  }
  if (argc < 2) {
    std::cerr << app.help();
    return report::Exit::usage;
  }
  auto verb = unknown_verb(argc, argv, commands);
  if (!verb.empty()) {
    std::vector<std::string_view> names;
    for (const auto& command : commands) names.push_back(command.name);
    auto near = nearest(verb, names);
    std::cerr << std::format("etcd-snapshot: unknown verb '{}'{}\n", escaped(verb),
                             near ? std::format("; did you mean {}?", *near) : "");
    std::cerr << "See: etcd-snapshot --help\n";
    return report::Exit::usage;
  }
  auto chosen = app.get_subcommands();
  auto path =
      chosen.empty() ? std::string("etcd-snapshot") : "etcd-snapshot " + chosen.front()->get_name();
  std::cerr << std::format("{}: {}\nSee: {} --help\n", path, escaped(error.what()), path);
  return report::Exit::usage;
}

}  // namespace

Parsed parse_command_line(int argc, char** argv, const std::vector<Command>& commands,
                          CommonFlags& common) {
  CLI::App app{std::string(kAbout), "etcd-snapshot"};
  app.set_version_flag("--version", std::format("etcd-snapshot {}", kVersion));
  app.set_help_flag("-h,--help", "print this help");
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  app.footer(exit_table() + "\nMore about a verb: etcd-snapshot VERB --help");
  for (const auto& command : commands) add_command(app, command, common);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return {nullptr, explain(error, app, argc, argv, commands)};
  }
  auto name = app.get_subcommands().front()->get_name();
  auto found = std::ranges::find(commands, name, &Command::name);
  return {&*found, report::Exit::done};
}

}  // namespace snap::cli
