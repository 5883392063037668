#include "jobs/check_places.h"

#include <algorithm>
#include <format>
#include <utility>

#include "base/exception.h"
#include "base/file.h"
#include "base/text.h"
#include "jobs/inventory.h"
#include "stream/memory.h"

namespace snap::jobs {
namespace {

CheckRow failed(const Place& place, const Error& error) {
  return {.verdict = Verdict::failed,
          .subject = place.name,
          .text = error.message,
          .hint = error.hint,
          .exit = Exit::destination_failed};
}

// Writes, reads back and takes away.
Result<void> try_probe(dest::Destination& place, const std::string& group, bool may_remove) {
  const std::string kFile = "probe";
  const std::string content(1024, 'p');
  {
    auto incoming = TRY(place.begin(group));
    auto sink = TRY(incoming->create(kFile));
    TRY(sink->write(as_bytes(content)));
    TRY(sink->finish());
    auto source = TRY(incoming->open(kFile));
    auto back = TRY(stream::read_all(*source, content.size() + 1));
    if (back != content)
      return fail(Code::corrupt,
                  std::format("{} does not give back what it was sent", place.label()),
                  "look at the network and at the disk of that place");
  }
  if (!may_remove) return {};
  auto left = TRY(place.leftovers());
  if (std::ranges::contains(left, group, &dest::Leftover::group))
    return fail(
        Code::denied, std::format("the probe {} cannot be removed from {}", group, place.label()),
        "without the right to delete, prune cannot work there: grant it, or set prune: false");
  return {};
}

std::string room_of(dest::Destination& place) {
  auto space = place.space();
  if (!space || !space->free_bytes) return "";
  return std::format(", {} free", human_size(*space->free_bytes));
}

std::vector<CheckRow> check_one(const Place& place, const std::string& node,
                                const std::stop_token& stop) {
  auto opened = place.open(stop);
  // Of a new destination, as a rule; a check leaves nothing behind, so it makes none.
  if (!opened && opened.error().hint == dest::kWouldBeMade) {
    auto row = failed(place, opened.error());
    row.verdict = Verdict::warning;
    row.exit = Exit::done;
    return {row};
  }
  if (!opened) return {failed(place, opened.error())};
  auto& there = **opened;
  auto inventory = read_inventory(there);
  if (!inventory) return {failed(place, inventory.error())};
  auto probe = std::format("probe-{}-", node);
  auto left = there.leftovers().value_or(std::vector<dest::Leftover>{});
  for (const auto& old : left)
    if (old.group.starts_with(probe)) (void)there.discard(old.group);  // of a check that was cut
  auto probed = try_probe(there, probe + random_token(), place.prune);
  if (!probed) return {failed(place, probed.error())};
  auto sets = std::ranges::count(inventory->sets, sets::State::good, &sets::SetInfo::state);
  std::vector<CheckRow> rows{
      {.verdict = Verdict::ok,
       .subject = place.name,
       .text = std::format("{}: a probe was written, read back and removed; {} sets{}",
                           there.label(), sets, room_of(there))}};
  for (const auto& remark : there.remarks())
    rows.push_back({.verdict = Verdict::warning, .subject = place.name, .text = remark});
  return rows;
}

}  // namespace

std::vector<CheckRow> check_places(const std::vector<Place>& places, const std::string& node,
                                   const std::stop_token& stop) {
  std::vector<std::vector<CheckRow>> found(places.size());
  side_by_side(
      places.size(), [&](size_t i) { found[i] = check_one(places[i], node, stop); },
      [&](size_t i, const std::exception& error) {
        found[i] = {failed(places[i], error_of(error))};
      });
  std::vector<CheckRow> rows;
  for (auto& some : found) std::ranges::move(some, std::back_inserter(rows));
  return rows;
}

}  // namespace snap::jobs
