// Help, manual, docs/cli.md and completion: all from the table of verbs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "base/text.h"
#include "cli/words.h"
#include "support/agent.h"

namespace snap::cli {
namespace {

using test::Agent;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

// SNAP_TEST_ACCEPT=1 rewrites it.
TEST(Docs, AreTheTableOfVerbs) {
  auto file = std::string(SNAP_SOURCE_DIR) + "/docs/cli.md";
  auto text = markdown(all_commands());
  if (std::getenv("SNAP_TEST_ACCEPT") != nullptr) test::write_file(file, text);
  EXPECT_EQ(test::read_file(file), text) << "SNAP_TEST_ACCEPT=1 rewrites docs/cli.md";
}

TEST(Help, FitsATerminalAndHasNoDoubledBlankLines) {
  auto commands = all_commands();
  std::vector<std::string> texts{help(commands)};
  for (const auto& command : commands) texts.push_back(help_of(command));
  for (const auto& text : texts) {
    EXPECT_THAT(text, Not(HasSubstr("\n\n\n")));
    EXPECT_THAT(text, Not(HasSubstr(" \n")));
    bool examples = false;  // lines to copy are not broken
    for (const auto& line : split(text, '\n')) {
      if (line.empty()) examples = false;
      EXPECT_TRUE(examples || line.size() <= 80) << line;
      if (line == "Examples:") examples = true;
    }
  }
}

TEST(Man, IsAPageWithoutFault) {
  Agent agent;
  auto page = agent.run({"man"});
  ASSERT_EQ(page.exit_code, 0) << page.text();
  EXPECT_EQ(page.out, man_page(all_commands()));
  auto lint = test::run({.argv = {"mandoc", "-T", "lint", "-W", "warning"}, .input = page.out});
  EXPECT_EQ(lint.exit_code, 0) << "Debian's package mandoc brings it; " << lint.text();
  auto read = test::run({.argv = {"man", "-l", "-"},
                         .env = {{"MANWIDTH", "200"}, {"LC_ALL", "C"}},
                         .input = page.out});
  EXPECT_EQ(read.exit_code, 0) << "Debian's package man-db brings it; " << read.text();
  for (const auto* text : {"etcd-snapshot verify [FILE|SET...] [flags]", "--endpoints URL,...",
                           "save - | ssh vault 'cat > etcd.db'", "EXIT STATUS", "NO_COLOR"})
    EXPECT_THAT(read.out, HasSubstr(text));
}

struct Line {
  std::string name;
  std::string line;  // unfinished
  std::vector<std::string> offered;
  std::vector<std::string> not_offered;
};

void PrintTo(const Line& c, std::ostream* out) { *out << c.name; }

class CompletionTable : public testing::TestWithParam<Line> {
 protected:
  CompletionTable() {
    agent.configure({.endpoints = {"http://127.0.0.1:9"}});
    std::filesystem::create_directories(agent.set_path("prod-east_2026-11-21T013000Z_node-1"));
    test::write_file(agent.path("snapshot.db"), "");
    for (const auto* shell : {"bash", "zsh", "fish"}) {
      auto script = agent.run({"completion", shell});
      EXPECT_EQ(script.exit_code, 0) << script.text();
      test::write_file(agent.path(shell), script.out);
    }
  }

  // What the shell prints, without descriptions (behind a tab) and the blank that closes a word.
  std::vector<std::string> offered_by(std::vector<std::string> argv) {
    auto program = std::filesystem::path(agent.command({"man"}).argv[0]).parent_path().string();
    auto said = test::run({.argv = std::move(argv),
                           .env = {{"PATH", program + ":" + std::getenv("PATH")},
                                   {"HOME", agent.directory()},
                                   {"TERM", "dumb"}},
                           .directory = agent.directory()});
    EXPECT_EQ(said.exit_code, 0) << said.text();
    std::vector<std::string> words;
    for (const auto& line : split(said.out, '\n'))
      words.emplace_back(trim(std::string_view(line).substr(0, line.find('\t'))));
    return words;
  }

  std::string line() const {
    auto text = GetParam().line;
    if (auto at = text.find("CONFIG"); at != std::string::npos)
      text.replace(at, 6, agent.config_file());
    return text;
  }

  void expect_offers(const std::vector<std::string>& words) {
    for (const auto& word : GetParam().offered) EXPECT_THAT(words, Contains(word));
    for (const auto& word : GetParam().not_offered) EXPECT_THAT(words, Not(Contains(word)));
  }

  Agent agent;
};

TEST_P(CompletionTable, InBash) {
  // As bash splits it: "=" is a word of its own, a blank at the end begins an empty one.
  auto script = std::format(
      "source '{}'\nread -ra COMP_WORDS <<< '{}'\n[[ '{}' == *' ' ]] && COMP_WORDS+=('')\n"
      "words=()\nfor word in \"${{COMP_WORDS[@]}}\"; do\n"
      "  if [[ $word == *=* ]]; then words+=(\"${{word%%=*}}\" '=')\n"
      "    [[ ${{word#*=}} ]] && words+=(\"${{word#*=}}\")\n  else words+=(\"$word\"); fi\ndone\n"
      "COMP_WORDS=(\"${{words[@]}}\")\nCOMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n"
      "complete -p etcd-snapshot | grep -q -- '-F _etcd_snapshot ' || exit 9\n"
      "_etcd_snapshot\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
      agent.path("bash"), line(), line());
  expect_offers(offered_by({"bash", "--norc", "-c", script}));
}

TEST_P(CompletionTable, InZsh) {
  expect_offers(offered_by({"zsh", "-f", std::string(SNAP_SOURCE_DIR) + "/tests/cli/complete.zsh",
                            agent.path("zsh"), line()}));
}

TEST_P(CompletionTable, InFish) {
  auto words =
      offered_by({"fish", "--no-config", "-c",
                  std::format("source '{}'; complete -C '{}'", agent.path("fish"), line())});
  // fish shows the whole word with its flag.
  for (auto& word : words) {
    if (word.starts_with("--") && word.contains('=')) word.erase(0, word.find('=') + 1);
  }
  expect_offers(words);
}

INSTANTIATE_TEST_SUITE_P(
    Lines, CompletionTable,
    testing::Values(
        Line{"verbs", "etcd-snapshot p", {"prune", "pin"}, {"save", "snapshot.db"}},
        Line{"flags_of_a_verb", "etcd-snapshot verify --le", {"--level"}, {"--dry-run"}},
        Line{"flags_of_etcd", "etcd-snapshot save --ca", {"--cacert"}, {"--level"}},
        Line{"no_flags_of_etcd_offline", "etcd-snapshot list --c", {"--config"}, {"--cacert"}},
        Line{"choices",
             "etcd-snapshot verify --level ",
             {"digest", "structure", "mvcc"},
             {"snapshot.db"}},
        Line{
            "choices_after_a_letter", "etcd-snapshot list -o ", {"table", "json"}, {"snapshot.db"}},
        Line{"choices_after_equals",
             "etcd-snapshot list --output=",
             {"table", "json"},
             {"snapshot.db"}},
        Line{"choices_of_an_argument",
             "etcd-snapshot completion ",
             {"bash", "zsh", "fish"},
             {"snapshot.db"}},
        Line{"files", "etcd-snapshot status sn", {"snapshot.db"}, {"list"}},
        Line{"files_of_a_flag", "etcd-snapshot list --config sn", {"snapshot.db"}, {"list"}},
        Line{"sets",
             "etcd-snapshot pin --config CONFIG ",
             {"prod-east_2026-11-21T013000Z_node-1"},
             {"snapshot.db"}},
        Line{"sets_after_equals",
             "etcd-snapshot verify --config=CONFIG --level digest ",
             {"prod-east_2026-11-21T013000Z_node-1", "snapshot.db"},
             {"list"}},
        Line{"files_and_sets",
             "etcd-snapshot verify --config CONFIG ",
             {"prod-east_2026-11-21T013000Z_node-1", "snapshot.db"},
             {"list"}}),
    [](const auto& test) { return test.param.name; });

TEST(Completion, IsCleanShell) {
  Agent agent;
  auto script = agent.run({"completion", "bash"});
  auto checked = test::run({.argv = {"shellcheck", "-s", "bash", "-"}, .input = script.out});
  EXPECT_EQ(checked.exit_code, 0) << checked.text();
}

}  // namespace
}  // namespace snap::cli
