// etcd-snapshot list: all sets in one table.
#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/command.h"
#include "cli/context.h"
#include "cli/places.h"
#include "report/table.h"

namespace snap::cli {
namespace {

using sets::State;

std::string verdict_of(const sets::SetInfo& set) {
  if (set.state != State::good) return std::string(sets::name_of(set.state));
  return set.proven ? "yes" : "NO";
}

std::string to_table(const jobs::Inventory& inventory, Seconds now) {
  using report::Align;
  report::Table table({{"SET"},
                       {"AGE", Align::right},
                       {"SIZE", Align::right},
                       {"REVISION", Align::right},
                       {"PROVEN"},
                       {"PINNED"},
                       {"WHERE"}});
  std::string problems;
  for (const auto& set : inventory.sets) {
    bool good = set.state == State::good;
    bool dated = set.state != State::foreign;
    table.add(
        {set.name,
         dated ? human_duration(std::max(now - set.parts.start, std::chrono::seconds(0))) : "-",
         good ? human_size(set.total_bytes) : "-", good ? std::to_string(set.revision) : "-",
         verdict_of(set), set.pinned ? "yes" : "", "local"});
    if (!set.problem.empty()) problems += std::format("{}: {}\n", escaped(set.name), set.problem);
  }
  if (table.empty()) return "no sets yet; make one: etcd-snapshot run\n";
  return problems.empty() ? table.text() : table.text() + "\n" + problems;
}

std::string to_json(const jobs::Inventory& inventory) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const auto& set : inventory.sets) {
    nlohmann::ordered_json row{{"set", set.name},
                               {"state", sets::name_of(set.state)},
                               {"pinned", set.pinned},
                               {"where", {"local"}}};
    if (set.state == State::good) {
      row["cluster"] = set.parts.cluster;
      row["cluster_id"] = to_hex(set.cluster_id);
      row["node"] = set.parts.node;
      row["started"] = to_rfc3339(set.parts.start);
      row["size"] = set.total_bytes;
      row["revision"] = set.revision;
      row["proven"] = set.proven;
    }
    if (!set.problem.empty()) row["problem"] = set.problem;
    rows.push_back(std::move(row));
  }
  return report::json_text(rows);
}

report::Exit run(Context& context) {
  auto place = open_place(context);
  if (!place) return context.fail(jobs::local_exit(place.error()), place.error());
  auto inventory = jobs::read_inventory(*place->local.place);
  if (!inventory) return context.fail(jobs::local_exit(inventory.error()), inventory.error());
  context.print(context.json() ? to_json(*inventory) : to_table(*inventory, now_utc()));
  return report::Exit::done;
}

}  // namespace

Command list_command() {
  return {.name = "list",
          .summary = "all sets in one table: age, size, revision, proven, pinned, where",
          .examples = {{"list"}, {"list -o json"}},
          .run = run};
}

}  // namespace snap::cli
