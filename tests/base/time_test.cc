#include "base/time.h"

#include <gtest/gtest.h>

namespace snap {
namespace {

using namespace std::chrono_literals;
constexpr Seconds kAt = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + 1h + 30min + 5s;

TEST(Time, IsWrittenInUtcInThreeForms) {
  EXPECT_EQ(to_rfc3339(kAt), "2026-11-21T01:30:05Z");
  EXPECT_EQ(to_set_stamp(kAt), "2026-11-21T013005Z");
  EXPECT_EQ(to_file_stamp(kAt), "2026-11-21_013005");
}

TEST(Time, ReadsWhatItWrote) {
  EXPECT_EQ(from_rfc3339(to_rfc3339(kAt)), kAt);
  EXPECT_EQ(from_set_stamp(to_set_stamp(kAt)), kAt);
}

TEST(Time, RefusesWhatIsNoTime) {
  for (auto text : {"", "2026-11-21T013005", "2026-13-21T013005Z", "2026-02-30T013005Z",
                    "2026-11-21T243005Z", "2026-11-21T016005Z", "2026-11-21T013060Z",
                    "+026-11-21T013005Z", "2026-11-21T013005Zx", "2026-11-21t013005Z"}) {
    EXPECT_FALSE(from_set_stamp(text)) << text;
  }
  EXPECT_FALSE(from_rfc3339("2026-11-21T01:30:05+01:00"));
  EXPECT_FALSE(from_rfc3339("2026-11-21T01:30:05.5Z"));
}

}  // namespace
}  // namespace snap
