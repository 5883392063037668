// etcd-snapshot.8 and docs/cli.md.
#include <format>
#include <memory>

#include "base/text.h"
#include "cli/context.h"
#include "cli/version.h"
#include "cli/words.h"

namespace snap::cli {
namespace {

constexpr std::string_view kDate = "2026-11-21";  // of the release; changes with the version

// Text for man(7): no backslash, and no full stop or quote at the start of a line that would make
// it a request.
std::string roff(std::string_view text) {
  std::string out;
  if (text.starts_with('.') || text.starts_with('\'')) out = "\\&";
  for (char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '`') {
      out += "\\(ga";
    } else if (c == '\'') {
      out += "\\(aq";
    } else {
      out += c;
    }
  }
  return out;
}

std::string roff_term(const std::string& name, const std::string& what) {
  return std::format(".TP\n.B {}\n{}\n", roff(name), roff(what));
}

std::string roff_verb(const Command& command) {
  CommonFlags common;
  auto text = std::format(".SS {}\n{}.\n.PP\n.B {}\n", roff(command.name), roff(command.summary),
                          roff(usage_of(command)));
  for (const auto& argument : command.arguments) text += roff_term(argument.name, argument.help);
  for (const auto& flag : command.flags) text += roff_term(shown(flag), flag.help);
  if (command.asks_etcd) text += ".PP\nTakes the etcd flags too.\n";
  if (!command.notes.empty()) text += ".PP\n" + roff(command.notes) + "\n";
  text += ".PP\nExamples:\n.PP\n.nf\n.RS\n";
  for (const auto& example : command.examples) {
    if (!example.what.empty()) text += std::format("# {}\n", roff(example.what));
    text += std::format("etcd\\-snapshot {}\n", roff(example.line));
  }
  return text + ".RE\n.fi\n";
}

// The groups that are the same for all verbs.
std::vector<FlagGroup> shared_groups() {
  CommonFlags common;
  return flag_groups(
      {.name = "", .summary = "", .asks_etcd = true, .asks_cluster = true, .run = {}}, common);
}

struct Word {
  std::string name;
  std::string what;
};

const std::vector<Word>& environment() {
  static const std::vector<Word> kWords = {
      {"ETCDCTL_ENDPOINTS, ETCDCTL_CACERT, ETCDCTL_CERT, ETCDCTL_KEY",
       "count for save, as for etcdctl; flags win"},
      {"NODE_NAME", "name of this node in the names of sets; else the host name"},
      {"KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT",
       "where a pod finds the cluster's API, unless there is a kubeconfig"},
      {"JOB_NAME, JOB_UID, POD_NAME",
       "what an Event is about and whom it is from, where kubernetes.events is on; else the "
       "namespace and the node"},
      {"NO_COLOR",
       "set to anything: no colours. There are none either off a terminal, and where TERM "
       "is dumb or not set"}};
  return kWords;
}

const std::vector<Word>& files() {
  static const std::vector<Word> kWords = {
      {"/etc/etcd-snapshot/config.yaml", "the configuration, unless --config names another"},
      {"local.directory", "backup sets, a directory each; names with a dot are the program's own"},
      {"report.metricsFile", "Prometheus' text format, for the node exporter"}};
  return kWords;
}

}  // namespace

std::string man_page(const std::vector<Command>& commands) {
  auto text = std::format(
      ".TH ETCD\\-SNAPSHOT 8 {} \"etcd\\-snapshot {}\" \"System Administration\"\n"
      ".SH NAME\netcd\\-snapshot \\- snapshots of etcd, proven, kept and restorable\n"
      ".SH SYNOPSIS\n.B etcd\\-snapshot\n.I VERB\n[flags]\n"
      ".SH DESCRIPTION\n{}\n.SH VERBS\n",
      kDate, kVersion, roff(kAbout));
  for (const auto& command : commands) text += roff_verb(command);
  for (const auto& group : shared_groups()) {
    text += group.title == "etcd flags" ? ".SH ETCD FLAGS\n" : ".SH COMMON FLAGS\n";
    for (const auto& flag : group.flags) text += roff_term(shown(flag), flag.help);
  }
  text += ".SH EXIT STATUS\nThe same table for all verbs.\n";
  for (auto exit : exits())
    text +=
        roff_term(std::to_string(static_cast<int>(exit)), std::string(report::meaning_of(exit)));
  text += ".SH ENVIRONMENT\n";
  for (const auto& word : environment()) text += roff_term(word.name, word.what);
  text += ".SH FILES\n";
  for (const auto& word : files()) text += roff_term(word.name, word.what);
  return text + ".SH SEE ALSO\n.BR etcdctl (1),\n.BR etcdutl (1)\n";
}

namespace {

// Inside a cell of a table.
std::string cell(std::string_view text) {
  std::string out;
  for (char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string table_of(const std::vector<Flag>& flags) {
  std::string text = "\n| flag | meaning |\n|---|---|\n";
  for (const auto& flag : flags)
    text += std::format("| `{}` | {} |\n", cell(shown(flag)), cell(flag.help));
  return text;
}

std::string markdown_of(const Command& command) {
  auto text =
      std::format("\n## {}\n\n{}.\n\n    {}\n", command.name, command.summary, usage_of(command));
  if (!command.arguments.empty()) {
    text += "\n| argument | meaning |\n|---|---|\n";
    for (const auto& argument : command.arguments)
      text += std::format("| `{}` | {} |\n", cell(argument.name), cell(argument.help));
  }
  if (!command.flags.empty()) text += table_of(command.flags);
  if (command.asks_etcd) text += "\nTakes the [etcd flags](#etcd-flags) too.\n";
  if (!command.notes.empty()) text += "\n" + command.notes + "\n";
  text += "\n```sh\n";
  for (const auto& example : command.examples) {
    if (!example.what.empty()) text += std::format("# {}\n", example.what);
    text += std::format("etcd-snapshot {}\n", example.line);
  }
  return text + "```\n";
}

}  // namespace

std::string markdown(const std::vector<Command>& commands) {
  auto text = std::format(
      "# The command line\n\n{}\n\n    etcd-snapshot VERB [flags]\n\n"
      "The same as `etcd-snapshot man | man -l -`; `etcd-snapshot VERB --help` shows one verb.\n\n"
      "| verb | does |\n|---|---|\n",
      kAbout);
  for (const auto& command : commands)
    text += std::format("| [{0}](#{0}) | {1} |\n", command.name, cell(command.summary));
  for (const auto& command : commands) text += markdown_of(command);
  for (const auto& group : shared_groups())
    text += std::format("\n## {}\n", group.title) + table_of(group.flags);
  text += "\n## Exit status\n\n| exit | meaning |\n|---|---|\n";
  for (auto exit : exits())
    text += std::format("| {} | {} |\n", static_cast<int>(exit), report::meaning_of(exit));
  text += "\n## Environment\n\n| variable | meaning |\n|---|---|\n";
  for (const auto& word : environment()) text += std::format("| {} | {} |\n", word.name, word.what);
  text += "\n## Files\n\n| file | holds |\n|---|---|\n";
  for (const auto& word : files()) text += std::format("| {} | {} |\n", word.name, word.what);
  return text;
}

Command man_command() {
  return {.name = "man",
          .summary = "print the manual, as a page for man",
          .examples = {{"man | man -l -", "read it"},
                       {"man > /usr/local/share/man/man8/etcd-snapshot.8", "install it"}},
          .bare = true,
          .run = [](Context& context) {
            context.print(man_page(all_commands()));
            return report::Exit::done;
          }};
}

}  // namespace snap::cli
