#include "jobs/room.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jobs/failure.h"

namespace snap::jobs {
namespace {

using testing::HasSubstr;
constexpr uint64_t kGib = 1ULL << 30;

struct ReserveCase {
  std::string name;
  std::optional<uint64_t> total_bytes;
  uint64_t configured;
  uint64_t expected;
};
void PrintTo(const ReserveCase& c, std::ostream* out) { *out << c.name; }
class Reserve : public testing::TestWithParam<ReserveCase> {};
TEST_P(Reserve, Is) {
  dest::Space space{.total_bytes = GetParam().total_bytes, .free_bytes = {}, .free_files = {}};
  EXPECT_EQ(reserve_bytes(space, GetParam().configured), GetParam().expected);
}
INSTANTIATE_TEST_SUITE_P(
    Rules, Reserve,
    testing::Values(ReserveCase{"two_gib_of_a_small_disk", 10 * kGib, 0, 2 * kGib},
                    ReserveCase{"two_gib_at_40_gib", 40 * kGib, 0, 2 * kGib},
                    ReserveCase{"five_percent_above_40_gib", 100 * kGib, 0, 5 * kGib},
                    ReserveCase{"two_gib_where_the_size_is_unknown", {}, 0, 2 * kGib},
                    ReserveCase{"configured_more", 10 * kGib, 3 * kGib, 3 * kGib},
                    ReserveCase{"configured_less", 100 * kGib, 1, 1}),
    [](const auto& test) { return test.param.name; });

struct RoomCase {
  std::string name;
  dest::Space space;
  uint64_t db_bytes;
  std::optional<uint64_t> room;  // what is returned where it fits
};
void PrintTo(const RoomCase& c, std::ostream* out) { *out << c.name; }

class Fits : public testing::TestWithParam<RoomCase> {};
TEST_P(Fits, AndSaysHowMuchMore) {
  auto room = room_for_snapshot(GetParam().space, kGib, GetParam().db_bytes, "/b");
  ASSERT_TRUE(room) << room.error().message;
  EXPECT_EQ(*room, GetParam().room);
}
INSTANTIATE_TEST_SUITE_P(
    Rules, Fits,
    testing::Values(RoomCase{"exactly", {10 * kGib, 2 * kGib, 8}, kGib, kGib},
                    RoomCase{"empty_database", {10 * kGib, kGib, 8}, 0, 0},
                    RoomCase{"free_space_not_known", {10 * kGib, {}, 8}, 100 * kGib, {}},
                    RoomCase{"inodes_not_known", {10 * kGib, 2 * kGib, {}}, 1, kGib}),
    [](const auto& test) { return test.param.name; });

class DoesNotFit : public testing::TestWithParam<RoomCase> {};
TEST_P(DoesNotFit, AndNamesTheNumbers) {  // F-L01
  auto room = room_for_snapshot(GetParam().space, kGib, GetParam().db_bytes, "/backups");
  ASSERT_FALSE(room);
  EXPECT_EQ(room.error().code, Code::no_space);
  EXPECT_EQ(local_exit(room.error()), Exit::no_space);
  EXPECT_THAT(room.error().message, HasSubstr("not enough space at /backups"));
  EXPECT_THAT(room.error().hint, HasSubstr("local.reserve"));
}
INSTANTIATE_TEST_SUITE_P(
    Rules, DoesNotFit,
    testing::Values(RoomCase{"one_byte_too_little", {10 * kGib, 2 * kGib - 1, 8}, kGib, {}},
                    RoomCase{"less_than_the_reserve", {10 * kGib, kGib - 1, 8}, 0, {}},
                    RoomCase{"nothing_free", {10 * kGib, 0, 8}, 0, {}},
                    RoomCase{"a_size_that_overflows", {10 * kGib, 2 * kGib, 8}, ~0ULL, {}}),
    [](const auto& test) { return test.param.name; });

TEST(Room, SaysNeedHaveAndWhatMustStay) {  // F-L01
  auto room =
      room_for_snapshot({10'000'000'000, 3'000'000'000, 8}, 2'500'000'000, 740'000'000, "/b");
  EXPECT_EQ(room.error().message,
            "not enough space at /b: 3.0 GB are free, the snapshot needs 740 MB and 2.5 GB must "
            "stay free");
}

TEST(Room, TellsNoInodesFromNoSpace) {  // F-L01
  auto room = room_for_snapshot({10 * kGib, 9 * kGib, 7}, 1, 1, "/b");
  ASSERT_FALSE(room);
  EXPECT_EQ(room.error().code, Code::no_space);
  EXPECT_EQ(room.error().message, "no inodes left at /b: 7 are free");
}

}  // namespace
}  // namespace snap::jobs
