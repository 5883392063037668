#include "jobs/room.h"

#include <algorithm>
#include <format>

#include "base/text.h"

namespace snap::jobs {
namespace {

constexpr uint64_t kLeastReserve = 2ULL << 30;
constexpr uint64_t kFilesNeeded = 8;  // a directory, four files, notes

}  // namespace

uint64_t reserve_bytes(const dest::Space& space, uint64_t configured) {
  return configured != 0 ? configured : std::max(kLeastReserve, space.total_bytes.value_or(0) / 20);
}

Result<std::optional<uint64_t>> room_for_snapshot(const dest::Space& space,
                                                  uint64_t configured_reserve, uint64_t db_bytes,
                                                  const std::string& path) {
  if (space.free_files && *space.free_files < kFilesNeeded) {
    return fail(Code::no_space,
                std::format("no inodes left at {}: {} are free", path, *space.free_files),
                "remove small files there");
  }
  if (!space.free_bytes) return std::nullopt;
  auto reserve = reserve_bytes(space, configured_reserve);
  if (*space.free_bytes < reserve || *space.free_bytes - reserve < db_bytes) {
    return fail(
        Code::no_space,
        std::format(
            "not enough space at {}: {} are free, the snapshot needs {} and {} must stay free",
            path, human_size(*space.free_bytes), human_size(db_bytes), human_size(reserve)),
        "free some space, or lower local.reserve");
  }
  return std::optional(*space.free_bytes - reserve);
}

}  // namespace snap::jobs
