// A verb, as data: the command line, --help, the manual and the completion of shells are made from
// it.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "report/exit.h"

namespace snap::cli {

class Context;

// Where a flag or argument goes: a switch, a text (empty when not given), or several texts.
using Target = std::variant<bool*, std::string*, std::vector<std::string>*>;

// The word that stands for a value in --help says what it is, and shells complete by it: FILE, SET,
// FILE|SET; anything else is a text.
struct Flag {
  std::string name;   // without dashes: "dry-run"
  std::string value;  // "FILE"; empty for a switch
  std::string help;
  Target target;
  std::vector<std::string> choices = {};  // empty: any text
  std::string letter = {};                // "o" for -o; most have none
};

struct Argument {
  std::string name;  // "FILE", "SET"
  std::string help;
  Target target;
  bool required = true;
  std::vector<std::string> choices = {};
};

struct Example {
  std::string line;  // what follows "etcd-snapshot": "list -o json"
  std::string what = {};
};

struct Command {
  std::string name;
  std::string summary;  // one line
  std::vector<Example> examples = {};
  std::string notes = {};  // one paragraph
  std::vector<Flag> flags = {};
  std::vector<Argument> arguments = {};
  bool asks_etcd = false;     // takes --endpoints, --cacert and the like
  bool asks_cluster = false;  // takes --kubeconfig: it reaches destinations
  bool names_set = false;     // a word of --set without "=" is the name of a set
  bool bare = false;          // needs no configuration: of the common flags it takes --help only
  std::function<report::Exit(Context&)> run;
  // What goes to standard output when the command line itself is wrong; empty: nothing.
  std::function<std::string(const Error&)> on_mistake = {};
};

// Flags that every verb takes.
struct CommonFlags {
  std::string config;            // empty: /etc/etcd-snapshot/config.yaml
  std::vector<std::string> set;  // "retention.keepLast=7"
  std::string output = "table";  // or "json"
  bool quiet = false;
  bool verbose = false;
  bool help = false;
  std::string kubeconfig;  // asks_cluster only; empty when not given
  // asks_etcd only; empty when not given
  std::string endpoints, cacert, cert, key, server_name, user, password_file;
};

struct FlagGroup {
  std::string title;
  std::vector<Flag> flags;
};

// All flags of a verb: its own, those of etcd, the common ones; no group is empty.
std::vector<FlagGroup> flag_groups(const Command& command, CommonFlags& common);

// What a command line comes to.
struct Parsed {
  const Command* command = nullptr;  // null: none was named
  bool help = false;                 // is asked for, of the verb or of the program
  bool version = false;
  std::optional<Error> mistake = {};  // nothing else counts, but `command` may say whose it is
};

// `words`: without the program's name. Fills what flags and arguments point to.
Parsed parse_command_line(std::span<const std::string_view> words,
                          const std::vector<Command>& commands, CommonFlags& common);

// One file for each; all of them.
Command run_command();
Command save_command();
Command status_command();
Command verify_command();
Command list_command();
Command sync_command();
Command prune_command();
Command fetch_command();
Command remove_command();
Command pin_command();
Command unpin_command();
Command check_command();
Command completion_command();
Command man_command();

std::vector<Command> all_commands();

}  // namespace snap::cli
