// What the program says about itself, made from the table of verbs. Private to this room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"

namespace snap::cli {

inline constexpr std::string_view kAbout =
    "Takes snapshots of etcd together with the host files a control plane needs, proves them, "
    "keeps them as backup sets.";

// "etcd-snapshot save [FILE] [flags]".
std::string usage_of(const Command& command);
// "-o, --output FORMAT".
std::string shown(const Flag& flag);
// The statuses that verbs of this version end with.
std::vector<report::Exit> exits();

std::string version_line();

// For a terminal, at most 80 columns wide.
std::string help(const std::vector<Command>& commands);
std::string help_of(const Command& command);

// etcd-snapshot.8 in man(7), and the same for docs/cli.md.
std::string man_page(const std::vector<Command>& commands);
std::string markdown(const std::vector<Command>& commands);

enum class Shell { bash, zsh, fish };
std::string completion(Shell shell, const std::vector<Command>& commands);

}  // namespace snap::cli
