#include "jobs/everywhere.h"

#include <format>
#include <utility>

#include "base/exception.h"

namespace snap::jobs {
namespace {

void look(PlaceView& view, const std::stop_token& stop) {
  auto opened = view.place.open(stop);
  if (!opened) {
    view.inventory = std::unexpected(opened.error());
    return;
  }
  view.opened = std::move(*opened);
  view.place.label = view.opened->label();
  view.inventory = read_inventory(*view.opened).context(std::format("list {}", view.place.label));
}

}  // namespace

std::vector<PlaceView> look_everywhere(const std::vector<Place>& places,
                                       const std::stop_token& stop) {
  std::vector<PlaceView> views(places.size());
  for (size_t i = 0; i < places.size(); ++i) views[i].place = places[i];
  side_by_side(
      views.size(), [&](size_t i) { look(views[i], stop); },
      [&](size_t i, const std::exception& error) {
        views[i].inventory =
            Result<Inventory>(std::unexpected(error_of(error))).context(views[i].place.name);
      });
  return views;
}

}  // namespace snap::jobs
