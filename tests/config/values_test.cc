// Sizes, durations, counts, endpoints: what is taken, and the near misses.
#include "config/values.h"

#include <gtest/gtest.h>

#include "base/result.h"

namespace snap::config {
namespace {

using namespace std::chrono_literals;

struct Size {
  std::string text;
  std::optional<uint64_t> bytes;
};
void PrintTo(const Size& c, std::ostream* out) { *out << c.text; }
class Sizes : public testing::TestWithParam<Size> {};
TEST_P(Sizes, AreReadOrRefused) {
  auto size = parse_size(GetParam().text);
  ASSERT_EQ(size.has_value(), GetParam().bytes.has_value()) << GetParam().text;
  EXPECT_EQ(size.value_or(0), GetParam().bytes.value_or(0)) << GetParam().text;
}
INSTANTIATE_TEST_SUITE_P(
    Table, Sizes,
    testing::Values(Size{"0", 0}, Size{"1048576", 1048576}, Size{"10GiB", 10ULL << 30},
                    Size{"10 GiB", 10ULL << 30}, Size{"10Gi", 10ULL << 30},
                    Size{"500MB", 500'000'000}, Size{"7B", 7}, Size{"2kB", 2000},
                    Size{"9223372036854775807", 9223372036854775807ULL},
                    Size{"9223372036854775808", {}}, Size{"18446744073709551616", {}},
                    Size{"8192PiB", {}}, Size{"8191PiB", 8191ULL << 50}, Size{"NaN", {}},
                    Size{"inf", {}}, Size{"-1", {}}, Size{"+1", {}}, Size{"1e400", {}},
                    Size{"1e3", {}}, Size{"1.5GiB", {}}, Size{"10G", {}}, Size{"10gib", {}},
                    Size{"GiB", {}}, Size{"", {}}, Size{" 1", {}}, Size{"0x10", {}},
                    Size{"1,000", {}}, Size{"1GiB1", {}}));

struct Time {
  std::string text;
  std::optional<std::chrono::seconds> seconds;
};
void PrintTo(const Time& c, std::ostream* out) { *out << c.text; }
class Durations : public testing::TestWithParam<Time> {};
TEST_P(Durations, AreReadOrRefused) {
  auto duration = parse_duration(GetParam().text);
  ASSERT_EQ(duration.has_value(), GetParam().seconds.has_value()) << GetParam().text;
  EXPECT_EQ(duration.value_or(0s), GetParam().seconds.value_or(0s)) << GetParam().text;
}
INSTANTIATE_TEST_SUITE_P(
    Table, Durations,
    testing::Values(Time{"0", 0s}, Time{"0s", 0s}, Time{"60s", 60s}, Time{"5d", 120h},
                    Time{"12h", 12h}, Time{"1h30m", 90min}, Time{"1d1h1m1s", 25h + 61s},
                    Time{"36500d", 876000h}, Time{"36501d", {}}, Time{"36500d1s", {}},
                    Time{"99999999999999999999d", {}}, Time{"18446744073709551615s", {}},
                    Time{"1y", {}}, Time{"1w", {}}, Time{"-1s", {}}, Time{"60", {}}, Time{"", {}},
                    Time{"s", {}}, Time{"1.5h", {}}, Time{"30m1h", {}}, Time{"1h1h", {}},
                    Time{"1 h", {}}, Time{"1h ", {}}, Time{"1ms", {}}, Time{"1h30", {}}));

TEST(Counts, AreWholeNumbersInReason) {
  EXPECT_EQ(parse_count("0").value(), 0u);
  EXPECT_EQ(parse_count("1000000").value(), 1'000'000u);
  for (auto* text : {"1000001", "-1", "1.0", "", "x", "1x", "18446744073709551617", "true"})
    EXPECT_FALSE(parse_count(text)) << text;
}

struct Url {
  std::string text;
  std::string result;  // the endpoint, or the message and hint
};
void PrintTo(const Url& c, std::ostream* out) { *out << c.text; }
class Endpoints : public testing::TestWithParam<Url> {};
TEST_P(Endpoints, AreReadOrRefused) {
  auto endpoint = parse_endpoint(GetParam().text);
  EXPECT_EQ(endpoint ? *endpoint : describe(endpoint.error()), GetParam().result);
}
constexpr auto kScheme =
    "does not begin with https:// or http:// (write it as https://127.0.0.1:2379)";
constexpr auto kUser = "carries a user or a password (use etcd.username and etcd.passwordFile)";
INSTANTIATE_TEST_SUITE_P(
    Table, Endpoints,
    testing::Values(Url{"https://127.0.0.1:2379", "https://127.0.0.1:2379"},
                    Url{"HTTP://m1.local:2379/", "http://m1.local:2379"},
                    Url{"https://[fe80::1]:2379", "https://[fe80::1]:2379"},
                    Url{"127.0.0.1:2379", kScheme}, Url{"ftp://a:1", kScheme}, Url{"", kScheme},
                    Url{"unix:///run/etcd.sock", "unix:///run/etcd.sock"},
                    Url{"unix://run/etcd.sock",
                        "is not an absolute path (write the whole path, beginning with a slash)"},
                    Url{"https://k:s@host:2379", kUser}, Url{"root:pw@host:2379", kUser},
                    Url{"https://::1:2379",
                        "holds an IPv6 address without brackets (write https://[::1]:2379)"},
                    Url{"https://[::1:2379", "holds no IPv6 address between its brackets"},
                    Url{"https://[host]:2379", "holds no IPv6 address between its brackets"},
                    Url{"https://[::1]2379", "names no port from 1 to 65535"},
                    Url{"https://host", "names no port (etcd's port is :2379)"},
                    Url{"https://host:0", "names no port from 1 to 65535"},
                    Url{"https://host:65536", "names no port from 1 to 65535"},
                    Url{"https://host:2379x", "names no port from 1 to 65535"},
                    Url{"https://:2379", "names no host"}, Url{"https://a b:2379", "names no host"},
                    Url{"https://h\xC3\xB6:2379", "names no host"},
                    Url{"https://host:2379/v3",
                        "has more than a host and a port (remove what follows the port)"},
                    Url{"https://host:2379?x=y",
                        "has more than a host and a port (remove what follows the port)"}));

struct Base {
  std::string text;
  std::string read;  // empty: refused
};
void PrintTo(const Base& c, std::ostream* out) { *out << c.text; }
class BaseUrls : public testing::TestWithParam<Base> {};
TEST_P(BaseUrls, AreReadOrRefused) {
  auto url = parse_base_url(GetParam().text);
  EXPECT_EQ(url.value_or(""), GetParam().read) << GetParam().text;
}
INSTANTIATE_TEST_SUITE_P(
    Table, BaseUrls,
    testing::Values(Base{"http://gateway:9091", "http://gateway:9091"},
                    Base{"https://push.example.com", "https://push.example.com"},
                    Base{"HTTP://a:1/", "http://a:1"}, Base{"http://a:1/push//", "http://a:1/push"},
                    Base{"http://[::1]:9091/a/b", "http://[::1]:9091/a/b"},
                    Base{"http://[::1]", "http://[::1]"}, Base{"gateway:9091", ""},
                    Base{"ftp://gateway", ""}, Base{"http://", ""}, Base{"http:///push", ""},
                    Base{"http://user:secret@gateway:9091", ""}, Base{"http://a:0", ""},
                    Base{"http://a:65536", ""}, Base{"http://a:", ""}, Base{"http://::1", ""},
                    Base{"http://a/b?c", ""}, Base{"http://a/b#c", ""}, Base{"http://a/b c", ""},
                    Base{"http://a\\b", ""}));

TEST(Loopback, IsThisHostAndNothingThatLooksLikeIt) {
  for (auto* here : {"http://127.0.0.1:1", "http://127.9.9.9:1", "http://[::1]:1",
                     "http://localhost:1", "http://LOCALHOST:1"})
    EXPECT_TRUE(is_loopback(here)) << here;
  for (auto* there : {"http://10.0.0.1:1", "http://127.evil.com:1", "http://localhost.evil.com:1",
                      "http://[::2]:1", "http://127.1:1", "http://128.0.0.1:1"})
    EXPECT_FALSE(is_loopback(there)) << there;
}

TEST(Paths, AreAbsoluteAndNotTheRoot) {
  EXPECT_EQ(parse_path("/a/b//").value(), "/a/b");
  for (auto* text : {"", "/", "//", "a", "./a", "~/a"}) EXPECT_FALSE(parse_path(text)) << text;
}

TEST(Patterns, AreAnAbsolutePathOrAName) {
  for (auto* text : {"*.bak", "/etc/*/old", "tmp"}) EXPECT_TRUE(parse_pattern(text)) << text;
  for (auto* text : {"", "/", "a/b"}) EXPECT_FALSE(parse_pattern(text)) << text;
}

TEST(Hosts, AreNamesOrAddresses) {
  for (auto* text : {"etcd.local", "10.0.0.1", "::1"}) EXPECT_TRUE(parse_host(text)) << text;
  for (auto* text : {"", "a b", "a/b", "https://a", "-a"}) EXPECT_FALSE(parse_host(text)) << text;
}

TEST(Show, WritesWhatCanBeReadAgain) {
  for (uint64_t bytes : {0ULL, 1ULL, 1234ULL, 10ULL << 30, 500'000'000ULL, (1ULL << 63) - 1})
    EXPECT_EQ(parse_size(show_size(bytes)).value(), bytes) << show_size(bytes);
  for (auto duration : {0s, 1s, 60s, 5400s, 432000s, 90061s})
    EXPECT_EQ(parse_duration(show_duration(duration)).value(), duration);
  EXPECT_EQ(show_size(10ULL << 30), "10GiB");
  EXPECT_EQ(show_duration(120h), "5d");
}

}  // namespace
}  // namespace snap::config
