// etcd-snapshot list: all sets of all places in one table.
#include <algorithm>
#include <format>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"
#include "cli/command.h"
#include "cli/context.h"
#include "cli/places.h"
#include "jobs/everywhere.h"
#include "report/table.h"

namespace snap::cli {
namespace {

using sets::State;

// One set, wherever it lies.
struct Row {
  // Of the best copy: a proven one before one that is not, a whole one before any other.
  const sets::SetInfo* info = nullptr;
  bool pinned = false;
  std::vector<std::string> where;  // a whole copy
  std::vector<std::pair<std::string, State>>
      others;                        // a copy that cannot be used, and what is wrong
  std::vector<std::string> missing;  // places that were asked and have none
  std::vector<std::string> problems;
};

int worth(const sets::SetInfo& set) {
  if (set.state != State::good) return 0;
  return set.proven ? 2 : 1;
}

std::vector<Row> rows_of(const std::vector<jobs::PlaceView>& views) {
  std::map<std::string, Row> by_name;
  for (const auto& view : views) {
    if (!view.reached()) continue;
    for (const auto& set : view.inventory->sets) {
      auto [found, fresh] = by_name.try_emplace(set.name, Row{.info = &set});
      auto& row = found->second;
      if (!fresh && worth(set) > worth(*row.info)) row.info = &set;
      row.pinned = row.pinned || set.pinned;
      if (set.state == State::good) {
        row.where.push_back(view.place.name);
      } else {
        row.others.emplace_back(view.place.name, set.state);
      }
      if (!set.problem.empty())
        row.problems.push_back(
            std::format("{}: {}: {}", view.place.name, escaped(set.name), set.problem));
    }
  }
  std::vector<Row> rows;
  for (auto& [name, row] : by_name) {
    for (const auto& view : views) {
      const auto& place = view.place.name;
      bool has = std::ranges::contains(row.where, place) ||
                 std::ranges::contains(row.others, place, &std::pair<std::string, State>::first);
      if (view.reached() && worth(*row.info) == 2 && !has) row.missing.push_back(place);
    }
    rows.push_back(std::move(row));
  }
  std::ranges::sort(rows,
                    [](const Row& a, const Row& b) { return sets::newer_first(*a.info, *b.info); });
  return rows;
}

std::string verdict_of(const sets::SetInfo& set) {
  if (set.state != State::good) return std::string(sets::name_of(set.state));
  return set.proven ? "yes" : "NO";
}

std::string where_of(const Row& row) {
  auto text = join(row.where, ", ");
  for (const auto& [place, state] : row.others)
    text += std::format("{}{} ({})", text.empty() ? "" : ", ", place, sets::name_of(state));
  return text;
}

std::string to_table(const std::vector<Row>& rows, const std::vector<jobs::PlaceView>& views,
                     Seconds now) {
  using report::Align;
  std::vector<report::Column> columns{{"SET"},
                                      {"AGE", Align::right},
                                      {"SIZE", Align::right},
                                      {"REVISION", Align::right},
                                      {"PROVEN"},
                                      {"PINNED"},
                                      {"WHERE"}};
  bool many = views.size() > 1;
  if (many) columns.push_back({"MISSING AT"});
  report::Table table(columns);
  std::string problems;
  for (const auto& row : rows) {
    const auto& set = *row.info;
    bool good = set.state == State::good;
    bool dated = set.state != State::foreign;
    std::vector<std::string> cells{
        set.name,
        dated ? human_duration(std::max(now - set.parts.start, std::chrono::seconds(0))) : "-",
        good ? human_size(set.total_bytes) : "-",
        good ? std::to_string(set.revision) : "-",
        verdict_of(set),
        row.pinned ? "yes" : "",
        where_of(row)};
    if (many) cells.push_back(join(row.missing, ", "));
    table.add(std::move(cells));
    for (const auto& problem : row.problems) problems += problem + "\n";
  }
  auto text =
      table.empty() ? std::string("no sets yet; make one: etcd-snapshot run\n") : table.text();
  return problems.empty() ? text : text + "\n" + problems;
}

std::vector<std::string> damaged_places(const Row& row) {
  std::vector<std::string> names;
  for (const auto& [place, state] : row.others) names.push_back(place);
  return names;
}

std::string to_json(const std::vector<Row>& rows, const std::vector<jobs::PlaceView>& views) {
  nlohmann::ordered_json sets = nlohmann::ordered_json::array();
  for (const auto& row : rows) {
    const auto& set = *row.info;
    nlohmann::ordered_json json{
        {"set", set.name},    {"state", sets::name_of(set.state)}, {"pinned", row.pinned},
        {"where", row.where}, {"damaged", damaged_places(row)},    {"missing", row.missing}};
    if (set.state == State::good) {
      json["cluster"] = set.parts.cluster;
      json["cluster_id"] = to_hex(set.cluster_id);
      json["node"] = set.parts.node;
      json["started"] = to_rfc3339(set.parts.start);
      json["size"] = set.total_bytes;
      json["revision"] = set.revision;
      json["proven"] = set.proven;
    }
    if (!row.problems.empty()) json["problem"] = join(row.problems, "; ");
    sets.push_back(std::move(json));
  }
  nlohmann::ordered_json places = nlohmann::ordered_json::array();
  for (const auto& view : views) {
    places.push_back({{"name", view.place.name},
                      {"type", view.place.type},
                      {"label", view.place.label},
                      {"reached", view.reached()},
                      {"problem", view.reached() ? "" : view.inventory.error().message}});
  }
  return report::json_text(nlohmann::ordered_json{{"sets", sets}, {"places", places}});
}

report::Exit run(Context& context) {
  auto config = context.load(config::Need::sets);
  if (!config) return context.fail(jobs::local_exit(config.error()), config.error());
  // Without destinations there is nothing to show but the local directory. With some, its loss is
  // the very moment when the others are looked for.
  if (config->destinations.empty()) {
    auto place = open_place(context);
    if (!place) return context.fail(jobs::local_exit(place.error()), place.error());
  }
  auto views = jobs::look_everywhere(all_places(*config, context), context.stop());
  auto rows = rows_of(views);
  context.print(context.json() ? to_json(rows, views) : to_table(rows, views, now_utc()));
  auto exit = report::Exit::done;
  for (const auto& view : views) {
    if (view.reached()) continue;
    auto error = view.inventory.error();
    error.message = std::format("{} is UNREACHABLE, its sets are not shown: {}", view.place.name,
                                error.message);
    exit = report::graver(exit, context.fail(exit_of(view.place, error), error));
  }
  return exit;
}

}  // namespace

Command list_command() {
  return {
      .name = "list",
      .summary =
          "all sets at all destinations in one table: age, size, revision, proven, pinned, where",
      .examples = {{"list"}, {"list -o json"}},
      .notes =
          "A set is missing at a place that was asked and has none; a place that cannot be reached "
          "is named, "
          "and ends the command with status 5.",
      .asks_cluster = true,
      .run = run};
}

}  // namespace snap::cli
