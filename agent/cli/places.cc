#include "cli/places.h"

#include <format>
#include <utility>

#include "cli/cluster.h"
#include "jobs/cluster_name.h"
#include "sets/name.h"

namespace snap::cli {

Result<Place> open_place(Context& context) {
  auto config = TRY(context.load(config::Need::sets));
  auto local = dest::open_local(config.local.directory, false);
  if (!local && local.error().code == Code::not_found) {
    local.error().hint =
        "no run has been made yet (start one: etcd-snapshot run), or local.directory is wrong or "
        "not mounted";
  }
  auto opened = TRY(std::move(local));
  for (const auto& warning : opened.warnings) context.log().warn(warning);
  return Place{std::move(config), std::move(opened)};
}

Result<void> name_cluster(Place& place, const std::optional<std::string>& set) {
  auto& cluster = place.config.cluster;
  if (!cluster.empty()) return {};
  if (auto name = sets::SetName::parse(set.value_or(""))) {
    cluster = name->cluster;
    return {};
  }
  auto inventory = TRY(jobs::read_inventory(*place.local.place));
  cluster = TRY(jobs::only_cluster_in(inventory, place.local.directory));
  return {};
}

std::vector<jobs::Place> all_places(const config::Config& config, const Context& context,
                                    const std::vector<std::string>& names) {
  auto directory = config.local.directory;
  std::vector<jobs::Place> places{
      {.name = "local",
       .type = "local",
       .label = directory,
       .open = [directory](const std::stop_token&) -> Result<std::unique_ptr<dest::Destination>> {
         return TRY(dest::open_local(directory, false)).place;
       }}};
  for (auto& place : places_in_cluster(config, context, names)) places.push_back(std::move(place));
  return places;
}

bool is_local(const jobs::Place& place) { return place.type == "local"; }

report::Exit exit_of(const jobs::Place& place, const Error& error) {
  return is_local(place) ? jobs::local_exit(error) : report::Exit::destination_failed;
}

std::expected<LockedPlace, jobs::Failure> open_and_lock(Context& context,
                                                        const std::optional<std::string>& set) {
  auto failed = [](report::Exit exit, const Error& error) {
    return std::unexpected(jobs::Failure{exit, "lock", error});
  };
  auto place = open_place(context);
  if (!place) return failed(jobs::local_exit(place.error()), place.error());
  auto named = name_cluster(*place, set);
  if (!named) return failed(jobs::local_exit(named.error()), named.error());
  auto name = sets::SetName::parse(set.value_or(""));
  if (name && name->cluster != place->config.cluster) {
    return failed(report::Exit::usage,
                  {Code::invalid,
                   std::format("{} is a set of cluster {}, the configuration is that of {}", *set,
                               name->cluster, place->config.cluster),
                   "name the configuration of that cluster with --config"});
  }
  auto lock = jobs::RunLock::acquire(place->local.directory, place->config.cluster, now_utc());
  if (!lock)
    return failed(lock.error().code == Code::unavailable ? report::Exit::locked
                                                         : jobs::local_exit(lock.error()),
                  lock.error());
  auto inventory = jobs::read_inventory(*place->local.place);
  if (!inventory) return failed(jobs::local_exit(inventory.error()), inventory.error());
  return LockedPlace{std::move(*place), std::move(*lock), std::move(*inventory)};
}

}  // namespace snap::cli
