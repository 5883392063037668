// --help.
#include <algorithm>
#include <format>

#include "base/text.h"
#include "cli/version.h"
#include "cli/words.h"

namespace snap::cli {
namespace {

constexpr size_t kWidth = 80;
constexpr size_t kFlagColumn = 28;

// `text` broken at spaces into lines that begin with `indent` spaces, the first of which is already
// there.
std::string wrapped(std::string_view text, size_t indent) {
  std::string out;
  size_t column = indent;
  for (const auto& word : split(text, ' ')) {
    if (column > indent && column + 1 + word.size() > kWidth) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    }
    if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out + "\n";
}

// "  name        what it is".
std::string row(const std::string& name, const std::string& what, size_t column) {
  auto head = "  " + name;
  if (head.size() + 2 > column)
    return head + "\n" + std::string(column, ' ') + wrapped(what, column);
  return head + std::string(column - head.size(), ' ') + wrapped(what, column);
}

std::string examples_of(const Command& command) {
  std::string text = "\nExamples:\n";
  for (const auto& example : command.examples) {
    auto line = "  etcd-snapshot " + example.line;
    if (!example.what.empty()) text += std::format("  # {}\n", example.what);
    text += line + "\n";
  }
  return text;
}

}  // namespace

std::string version_line() { return std::format("etcd-snapshot {}\n", kVersion); }

std::string usage_of(const Command& command) {
  auto text = "etcd-snapshot " + command.name;
  for (const auto& argument : command.arguments) {
    bool many = std::holds_alternative<std::vector<std::string>*>(argument.target);
    auto name = argument.choices.empty() ? argument.name : join(argument.choices, "|");
    if (many) name += "...";
    text += argument.required ? " " + name : " [" + name + "]";
  }
  return command.bare ? text : text + " [flags]";
}

std::string shown(const Flag& flag) {
  auto text = "--" + flag.name;
  if (!flag.value.empty()) text += " " + flag.value;
  return flag.letter.empty() ? text : std::format("-{}, {}", flag.letter, text);
}

std::vector<report::Exit> exits() {
  std::vector<report::Exit> all;
  for (auto exit : report::all_exits()) {
    if (exit != report::Exit::restore_failed) all.push_back(exit);
  }
  return all;
}

std::string help(const std::vector<Command>& commands) {
  auto text = wrapped(kAbout, 0) + "\nUsage: etcd-snapshot VERB [flags]\n\nVerbs:\n";
  for (const auto& command : commands) text += row(command.name, command.summary, 14);
  text += "\nExit status of all verbs:\n";
  for (auto exit : exits())
    text += std::format("  {}  {}\n", static_cast<int>(exit), report::meaning_of(exit));
  text +=
      "\nMore about a verb: etcd-snapshot VERB --help\n"
      "The whole manual:  etcd-snapshot man | man -l -\n"
      "The version:       etcd-snapshot --version\n";
  return text;
}

std::string help_of(const Command& command) {
  CommonFlags common;
  auto text = wrapped(command.summary, 0) + "\nUsage: " + usage_of(command) + "\n";
  if (!command.arguments.empty()) {
    text += "\n";
    for (const auto& argument : command.arguments)
      text += row(argument.name, argument.help, kFlagColumn);
  }
  text += examples_of(command);
  if (!command.notes.empty()) text += "\n" + wrapped(command.notes, 0);
  for (const auto& group : flag_groups(command, common)) {
    text += "\n" + group.title + ":\n";
    for (const auto& flag : group.flags) text += row(shown(flag), flag.help, kFlagColumn);
  }
  return text;
}

}  // namespace snap::cli
