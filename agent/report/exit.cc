#include "report/exit.h"

#include <algorithm>
#include <array>

namespace snap::report {
namespace {

struct Row {
  Exit exit;
  std::string_view name;
  std::string_view meaning;
};

constexpr std::array<Row, 10> kRows = {{
    {Exit::done, "done", "done, everything proven"},
    {Exit::unexpected, "unexpected", "unexpected error"},
    {Exit::usage, "usage", "usage or configuration error"},
    {Exit::etcd, "etcd", "etcd unreachable, unhealthy or refused us"},
    {Exit::damaged, "damaged", "snapshot or set is damaged or incomplete"},
    {Exit::destination_failed, "destination_failed", "good locally, a destination failed"},
    {Exit::prune_failed, "prune_failed", "prune failed"},
    {Exit::locked, "locked", "another run holds the lock"},
    {Exit::no_space, "no_space", "no space"},
    {Exit::restore_failed, "restore_failed",
     "restore, drill or recovery failed; what ran before runs again, or the message says what does "
     "not"},
}};

// From the gravest on.
constexpr std::array kOrder = {
    Exit::usage,        Exit::locked,     Exit::etcd,           Exit::no_space,
    Exit::damaged,      Exit::unexpected, Exit::restore_failed, Exit::destination_failed,
    Exit::prune_failed, Exit::done};

const Row& row_of(Exit exit) {
  auto found = std::ranges::find(kRows, exit, &Row::exit);
  return found == kRows.end() ? kRows[1] : *found;
}

}  // namespace

std::string_view name_of(Exit exit) { return row_of(exit).name; }

std::string_view meaning_of(Exit exit) { return row_of(exit).meaning; }

std::span<const Exit> all_exits() {
  static constexpr auto kAll = [] {
    std::array<Exit, kRows.size()> all{};
    std::ranges::transform(kRows, all.begin(), &Row::exit);
    return all;
  }();
  return kAll;
}

Exit graver(Exit a, Exit b) {
  return std::ranges::find(kOrder, a) <= std::ranges::find(kOrder, b) ? a : b;
}

}  // namespace snap::report
