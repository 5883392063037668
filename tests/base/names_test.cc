#include "base/names.h"

#include <gtest/gtest.h>

namespace snap {
namespace {

TEST(LowerCase, KnowsAsciiOnly) {
  EXPECT_EQ(lower_case("Content-TYPE z"), "content-type z");
  EXPECT_EQ(lower_case("\u00c4"), "\u00c4");
}

TEST(DnsName, IsTakenOrRefused) {
  for (const auto* good : {"a", "0", "prod-east", "a.b-c.9", "a..b"})
    EXPECT_TRUE(is_dns_name(good, 63)) << good;
  for (const auto* bad : {"", "-a", "a-", ".a", "a.", "A", "a_b", "a b", "a\n"})
    EXPECT_FALSE(is_dns_name(bad, 63)) << bad;
  EXPECT_TRUE(is_dns_name(std::string(63, 'a'), 63));
  EXPECT_FALSE(is_dns_name(std::string(64, 'a'), 63));
}

TEST(Ipv6, IsAnAddressWithoutBrackets) {
  for (const auto* good : {"::1", "fd00::1", "::ffff:10.0.0.1"}) EXPECT_TRUE(is_ipv6(good)) << good;
  for (const auto* bad : {"", "[::1]", "10.0.0.1", "fe80::1%eth0", "1::2::3"})
    EXPECT_FALSE(is_ipv6(bad)) << bad;
}

}  // namespace
}  // namespace snap
