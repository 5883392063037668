// etcd-snapshot completion bash|zsh|fish.
//
// What a word may be follows from the table of verbs: names of flags, choices, and by the word that
// stands for a value: FILE, SET (asked of `etcd-snapshot list`), FILE|SET. Anything else is a text
// that no shell can know.
#include <format>
#include <memory>

#include "base/text.h"
#include "cli/context.h"
#include "cli/words.h"

namespace snap::cli {
namespace {

enum class Kind { text, file, set, file_or_set };

Kind kind_of(const std::string& value) {
  if (value == "FILE") return Kind::file;
  if (value == "SET") return Kind::set;
  return value == "FILE|SET" ? Kind::file_or_set : Kind::text;
}

std::vector<Flag> all_flags(const Command& command) {
  CommonFlags common;
  std::vector<Flag> flags;
  for (auto& group : flag_groups(command, common))
    flags.insert(flags.end(), group.flags.begin(), group.flags.end());
  return flags;
}

// All forms of a flag, for a pattern of a shell.
std::vector<std::string> forms(const Flag& flag) {
  std::vector<std::string> all{"--" + flag.name};
  if (!flag.letter.empty()) all.push_back("-" + flag.letter);
  return all;
}

// For single quotes: '\'' closes them, adds one, opens them.
std::string sh_quoted(std::string_view text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// bash: one function sets COMPREPLY.
std::string bash_reply(Kind kind, const std::vector<std::string>& choices) {
  if (!choices.empty()) return "_etcd_snapshot_words " + sh_quoted(join(choices, " "));
  switch (kind) {
    case Kind::file: return "_etcd_snapshot_files";
    case Kind::set: return "_etcd_snapshot_sets";
    case Kind::file_or_set: return "_etcd_snapshot_files; _etcd_snapshot_sets";
    case Kind::text: break;
  }
  return ":";
}

constexpr std::string_view kBashHead =
    R"sh(# Completion of etcd-snapshot for bash. Made by: etcd-snapshot completion bash
_etcd_snapshot_words() {
  local word
  while read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$1" -- "$cur")
}
_etcd_snapshot_files() {
  local file
  compopt -o filenames 2>/dev/null
  while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen -f -- "$cur")
}
_etcd_snapshot_sets() {
  local i config=()
  # bash takes "--config=FILE" for three words.
  for ((i = 2; i + 1 < COMP_CWORD; i++)); do
    [[ ${COMP_WORDS[i]} == --config ]] || continue
    [[ ${COMP_WORDS[i + 1]} != '=' ]] || ((i++))
    config=(--config "${COMP_WORDS[i + 1]}")
  done
  _etcd_snapshot_words "$("${COMP_WORDS[0]}" list "${config[@]}" 2>/dev/null | awk 'NF == 0 { exit } NR > 1 { print $1 }')"
}
_etcd_snapshot() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} verb=${COMP_WORDS[1]}
  COMPREPLY=()
  # bash takes "--flag=value" for three words.
  if [[ $cur == '=' ]]; then
    cur=''
  elif [[ $prev == '=' ]]; then
    prev=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  if ((COMP_CWORD == 1)); then
    _etcd_snapshot_words )sh";

std::string bash(const std::vector<Command>& commands) {
  std::string verbs;
  std::string values;
  std::string rest;
  for (const auto& command : commands) {
    verbs += command.name + " ";
    std::vector<std::string> names;
    for (const auto& flag : all_flags(command)) {
      names.push_back("--" + flag.name);
      if (flag.value.empty()) continue;
      std::vector<std::string> patterns;
      for (const auto& form : forms(flag)) patterns.push_back(sh_quoted(command.name + " " + form));
      values += std::format("    {}) {}; return ;;\n", join(patterns, " | "),
                            bash_reply(kind_of(flag.value), flag.choices));
    }
    auto argument = command.arguments.empty() ? std::string(":")
                                              : bash_reply(kind_of(command.arguments[0].name),
                                                           command.arguments[0].choices);
    rest += std::format(
        "    {})\n      if [[ $cur == -* ]]; then _etcd_snapshot_words {}; else {}; fi ;;\n",
        command.name, sh_quoted(join(names, " ")), argument);
  }
  return std::format(
      "{}{}\n    return\n  fi\n  case \"$verb $prev\" in\n{}  esac\n"
      "  case $verb in\n{}  esac\n}}\ncomplete -F _etcd_snapshot etcd-snapshot\n",
      kBashHead, sh_quoted(verbs + "--help --version"), values, rest);
}

// zsh: text inside a specification of _arguments, or of _describe.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == ':' || c == '[' || c == ']' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_action(Kind kind, const std::vector<std::string>& choices) {
  if (!choices.empty()) return std::format("({})", join(choices, " "));
  switch (kind) {
    case Kind::file: return "_files";
    case Kind::set: return "_etcd-snapshot_sets";
    case Kind::file_or_set:
      return "_alternative \"files:file:_files\" \"sets:set:_etcd-snapshot_sets\"";
    case Kind::text: break;
  }
  return " ";
}

constexpr std::string_view kZshHead = R"sh(#compdef etcd-snapshot
# Completion of etcd-snapshot for zsh. Made by: etcd-snapshot completion zsh
_etcd-snapshot_sets() {
  local -a sets config
  local at=${words[(I)--config(|=*)]}
  (( at )) && config=($words[at] $words[at+1])
  [[ $config[1] == --config=* ]] && config=($config[1])
  sets=(${(f)"$($service list $config 2>/dev/null | awk 'NF == 0 { exit } NR > 1 { print $1 }')"})
  compadd -a sets
}
_etcd-snapshot() {
  local -a verbs
  local service=$words[1]
  verbs=(
)sh";

std::string zsh(const std::vector<Command>& commands) {
  std::string verbs;
  std::string cases;
  for (const auto& command : commands) {
    verbs += "    " + sh_quoted(command.name + ":" + zsh_text(command.summary)) + "\n";
    cases += std::format("    {}) _arguments -s -S", command.name);
    for (const auto& flag : all_flags(command)) {
      bool many = std::holds_alternative<std::vector<std::string>*>(flag.target);
      for (const auto& form : forms(flag)) {
        bool is_long = form.starts_with("--");
        auto name = (many ? "*" : "") + form;
        if (!flag.value.empty()) name += is_long ? "=" : "+";
        auto text = std::format("{}[{}]", name, zsh_text(flag.help));
        if (!flag.value.empty())
          text += std::format(":{}:{}", zsh_text(flag.value),
                              zsh_action(kind_of(flag.value), flag.choices));
        cases += " \\\n      " + sh_quoted(text);
      }
    }
    for (const auto& argument : command.arguments) {
      bool many = std::holds_alternative<std::vector<std::string>*>(argument.target);
      cases += " \\\n      " +
               sh_quoted(std::format("{}:{}:{}", many ? "*" : "1", zsh_text(argument.name),
                                     zsh_action(kind_of(argument.name), argument.choices)));
    }
    cases += " ;;\n";
  }
  return std::format(
      "{}{}  )\n"
      "  if (( CURRENT == 2 )); then\n"
      "    _describe verb verbs\n"
      "    return\n  fi\n"
      "  local verb=$words[2]\n  shift words\n  (( CURRENT-- ))\n"
      "  case $verb in\n{}  esac\n}}\n"
      "if [[ $funcstack[1] == _etcd-snapshot ]]; then\n"
      "  _etcd-snapshot \"$@\"\nelse\n"
      "  compdef _etcd-snapshot etcd-snapshot\nfi\n",
      kZshHead, verbs, cases);
}

constexpr std::string_view kFishHead =
    R"sh(# Completion of etcd-snapshot for fish. Made by: etcd-snapshot completion fish
function __etcd_snapshot_verb
    set -l words (commandline -opc)
    test (count $words) -ge 2; and contains -- $words[2] $argv
end
function __etcd_snapshot_no_verb
    test (count (commandline -opc)) -eq 1
end
function __etcd_snapshot_sets
    set -l words (commandline -opc)
    set -l config
    if set -l at (contains -i -- --config $words); and test (count $words) -gt $at
        set config --config $words[(math $at + 1)]
    else
        set config (string match -- '--config=*' $words)
    end
    $words[1] list $config 2>/dev/null | awk 'NF == 0 { exit } NR > 1 { print $1 }'
end
complete -c etcd-snapshot -f
complete -c etcd-snapshot -n __etcd_snapshot_no_verb -s h -l help -d 'print this help'
complete -c etcd-snapshot -n __etcd_snapshot_no_verb -l version -d 'print the version'
)sh";

// fish has \' inside single quotes.
std::string fish_quoted(std::string_view text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' || c == '\\' ? std::string{'\\', c} : std::string(1, c);
  return out + "'";
}

// -x: a value, and it is no file.
std::string fish_values(Kind kind, const std::vector<std::string>& choices) {
  if (!choices.empty()) return std::format(" -x -a {}", fish_quoted(join(choices, " ")));
  switch (kind) {
    case Kind::file: return " -r -F";
    case Kind::set: return " -x -a '(__etcd_snapshot_sets)'";
    case Kind::file_or_set: return " -r -F -a '(__etcd_snapshot_sets)'";
    case Kind::text: break;
  }
  return " -x";
}

std::string fish(const std::vector<Command>& commands) {
  std::string text(kFishHead);
  for (const auto& command : commands) {
    text += std::format("complete -c etcd-snapshot -n __etcd_snapshot_no_verb -a {} -d {}\n",
                        command.name, fish_quoted(command.summary));
    auto start =
        std::format("complete -c etcd-snapshot -n '__etcd_snapshot_verb {}'", command.name);
    for (const auto& flag : all_flags(command)) {
      text += start;
      if (!flag.letter.empty()) text += " -s " + flag.letter;
      text += " -l " + flag.name;
      if (!flag.value.empty()) text += fish_values(kind_of(flag.value), flag.choices);
      text += " -d " + fish_quoted(flag.help) + "\n";
    }
    for (const auto& argument : command.arguments) {
      text += start + fish_values(kind_of(argument.name), argument.choices) + "\n";
    }
  }
  return text;
}

}  // namespace

std::string completion(Shell shell, const std::vector<Command>& commands) {
  switch (shell) {
    case Shell::bash: return bash(commands);
    case Shell::zsh: return zsh(commands);
    case Shell::fish: return fish(commands);
  }
  return "";
}

Command completion_command() {
  auto shell = std::make_shared<std::string>();
  return {
      .name = "completion",
      .summary = "print what makes a shell complete verbs, flags and sets",
      .examples = {{"completion bash > /etc/bash_completion.d/etcd-snapshot"},
                   {"completion zsh > /usr/local/share/zsh/site-functions/_etcd-snapshot"},
                   {"completion fish > /etc/fish/completions/etcd-snapshot.fish"}},
      .arguments = {{"SHELL", "bash, zsh or fish", shell.get(), true, {"bash", "zsh", "fish"}}},
      .bare = true,
      .run = [shell](Context& context) {
        auto which = *shell == "bash" ? Shell::bash : *shell == "zsh" ? Shell::zsh : Shell::fish;
        context.print(completion(which, all_commands()));
        return report::Exit::done;
      }};
}

}  // namespace snap::cli
