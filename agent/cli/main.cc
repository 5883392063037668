// etcd-snapshot: snapshots of etcd, proven, kept and restorable.
#include <cstdio>
#include <exception>
#include <format>

#include "cli/command.h"
#include "cli/context.h"
#include "cli/process.h"

namespace snap::cli {

std::vector<Command> all_commands() {
  return {run_command(),   save_command(),   status_command(), verify_command(), list_command(),
          prune_command(), remove_command(), pin_command(),    unpin_command(),  check_command()};
}

namespace {

report::Level log_level(const CommonFlags& common) {
  if (common.quiet) return report::Level::warn;
  return common.verbose ? report::Level::debug : report::Level::info;
}

report::Exit execute(int argc, char** argv) {
  prepare_process();
  CommonFlags common;
  auto commands = all_commands();
  auto parsed = parse_command_line(argc, argv, commands, common);
  if (parsed.command == nullptr) return parsed.exit;
  StopOnSignal stop;
  report::Log log({.least = log_level(common), .terminal = {}, .colour = {}, .clock = {}});
  Context context(common, log, stop.token());
  auto words = context.bare_set_words();
  if (!words.empty() && !parsed.command->names_set) {
    return context.fail(report::Exit::usage,
                        {Code::invalid, std::format("--set {}: no value is given", words.front()),
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
    std::fputs(std::format("etcd-snapshot: unexpected: {}\n", error.what()).c_str(), stderr);
    return static_cast<int>(snap::report::Exit::unexpected);
  }
}
