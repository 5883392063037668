#include "net/http_date.h"

#include <gtest/gtest.h>

namespace snap::net {
namespace {

using namespace std::chrono_literals;

TEST(HttpDate, IsReadOrNothing) {
  EXPECT_EQ(from_http_date("Sat, 21 Nov 2026 01:30:05 GMT"),
            std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + 1h + 30min + 5s);
  for (const auto* bad : {"", "2026-11-21T01:30:05Z", "Sat, 21 Nov 2026 01:30:05 CET",
                          "Sat, 31 Feb 2026 01:30:05 GMT"})
    EXPECT_FALSE(from_http_date(bad)) << bad;
}

}  // namespace
}  // namespace snap::net
