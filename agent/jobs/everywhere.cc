#include "jobs/everywhere.h"

#include <exception>
#include <format>
#include <thread>
#include <utility>

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
  std::vector<std::jthread> threads;
  for (size_t i = 0; i < places.size(); ++i) {
    views[i].place = places[i];
    threads.emplace_back([&view = views[i], &stop] {
      // Nothing may be thrown out of a thread.
      try {
        look(view, stop);
      } catch (const std::exception& error) {
        view.inventory = fail(Code::internal, std::format("{}: {}", view.place.name, error.what()));
      }
    });
  }
  threads.clear();  // waits for them
  return views;
}

}  // namespace snap::jobs
