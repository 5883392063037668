// etcd-snapshot: snapshots of etcd, proven, kept and restorable.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <format>

#include "base/exception.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/context.h"
#include "cli/process.h"
#include "cli/words.h"

namespace snap::cli {

namespace {

report::Level log_level(const CommonFlags& common) {
  if (common.quiet) return report::Level::warn;
  return common.verbose ? report::Level::debug : report::Level::info;
}

// Where the log goes. A container runtime reads standard output and standard error each by itself
// and mixes their lines: in a pod a verb that ends with an outcome line tells its story there too.
int log_descriptor(const Command& command) {
  bool in_pod = std::getenv("KUBERNETES_SERVICE_HOST") != nullptr;
  return in_pod && command.on_mistake ? STDOUT_FILENO : STDERR_FILENO;
}

// --help, --version or a mistake.
std::optional<report::Exit> answer(const Parsed& parsed, const std::vector<Command>& commands) {
  auto say = [](int fd, const std::string& text) { (void)write_full(fd, as_bytes(text), ""); };
  auto path = parsed.command ? "etcd-snapshot " + parsed.command->name : "etcd-snapshot";
  if (parsed.mistake) {
    say(STDERR_FILENO,
        std::format("{}: {}\nSee: {} --help\n", path, parsed.mistake->message, path));
    if (parsed.command && parsed.command->on_mistake)
      say(STDOUT_FILENO, parsed.command->on_mistake(*parsed.mistake));
    return report::Exit::usage;
  }
  if (parsed.version) {
    say(STDOUT_FILENO, version_line());
    return report::Exit::done;
  }
  if (!parsed.help) return {};
  say(STDOUT_FILENO, parsed.command ? help_of(*parsed.command) : help(commands));
  return report::Exit::done;
}

report::Exit execute(int argc, char** argv) {
  prepare_process();
  CommonFlags common;
  auto commands = all_commands();
  if (argc < 2) {
    (void)write_full(STDERR_FILENO, as_bytes(help(commands)), "");
    return report::Exit::usage;
  }
  std::vector<std::string_view> words(argv + 1, argv + argc);
  auto parsed = parse_command_line(words, commands, common);
  if (auto answered = answer(parsed, commands)) return *answered;
  StopOnSignal stop;
  report::Log log({.least = log_level(common),
                   .fd = log_descriptor(*parsed.command),
                   .terminal = {},
                   .colour = {},
                   .clock = {}});
  Context context(common, log, stop.token());
  auto names = context.bare_set_words();
  if (!names.empty() && !parsed.command->names_set) {
    return context.fail(report::Exit::usage,
                        {Code::invalid, std::format("--set {}: no value is given", names.front()),
                         "write it as --set KEY=VALUE, for example --set retention.keepLast=7"});
  }
  auto exit = parsed.command->run(context);
  if (!context.printed_all())
    log.warn("standard output could not be written: what was printed there is incomplete");
  return exit;
}

}  // namespace
}  // namespace snap::cli

int main(int argc, char** argv) {
  try {
    return static_cast<int>(snap::cli::execute(argc, argv));
  } catch (const std::exception& error) {
    auto text = std::format("etcd-snapshot: unexpected: {}\n", describe(snap::error_of(error)));
    std::fputs(text.c_str(), stderr);
    return static_cast<int>(snap::report::Exit::unexpected);
  }
}
