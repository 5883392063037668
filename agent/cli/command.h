// A subcommand, as data: the command line, --help and everything else that lists verbs are made
// from it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "report/exit.h"

namespace snap::cli {

class Context;

// Where a flag or argument goes: a switch, a text (empty when not given), or several texts.
using Target = std::variant<bool*, std::string*, std::vector<std::string>*>;

struct Flag {
  std::string name;   // without dashes: "dry-run"
  std::string value;  // what stands for the value in --help: "FILE"; empty for a switch
  std::string help;
  Target target;
  std::vector<std::string> choices = {};  // empty: any text
};

struct Argument {
  std::string name;  // "FILE", "SET"
  std::string help;
  Target target;
  bool required = true;
};

struct Command {
  std::string name;
  std::string summary;   // one line
  std::string examples;  // lines of "  etcd-snapshot ...    what it does"
  std::vector<Flag> flags = {};
  std::vector<Argument> arguments = {};
  bool asks_etcd = false;  // takes --endpoints, --cacert and the like
  bool names_set = false;  // a word of --set without "=" is the name of a set
  std::function<report::Exit(Context&)> run;
};

// Flags that every verb takes.
struct CommonFlags {
  std::string config;            // empty: /etc/etcd-snapshot/config.yaml
  std::vector<std::string> set;  // "retention.keepLast=7"
  std::string output = "table";  // or "json"
  bool quiet = false;
  bool verbose = false;
  // asks_etcd only; empty when not given
  std::string endpoints, cacert, cert, key, server_name, user, password_file;
};

// What a command line comes to: a verb to run, or an exit status with everything already printed
// (--help, --version, a mistake).
struct Parsed {
  const Command* command = nullptr;
  report::Exit exit = report::Exit::done;
};

Parsed parse_command_line(int argc, char** argv, const std::vector<Command>& commands,
                          CommonFlags& common);

// One file for each; all of them.
Command run_command();
Command save_command();
Command status_command();
Command verify_command();
Command list_command();
Command prune_command();
Command remove_command();
Command pin_command();
Command unpin_command();
Command check_command();

std::vector<Command> all_commands();

}  // namespace snap::cli
