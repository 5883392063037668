// Looking at all places at once.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "dest/destination.h"
#include "jobs/inventory.h"
#include "jobs/places.h"

namespace snap::jobs {

// What lies at one place, or why nobody knows.
struct PlaceView {
  Place place;
  std::unique_ptr<dest::Destination> opened;  // null: it could not be reached
  Result<Inventory> inventory;

  bool reached() const { return opened && inventory; }
};

// Opens and lists every place, side by side: a dead one delays no other. In their order.
std::vector<PlaceView> look_everywhere(const std::vector<Place>& places,
                                       const std::stop_token& stop);

}  // namespace snap::jobs
