#include "base/text.h"

#include <gtest/gtest.h>

#include <array>

namespace snap {
namespace {

using namespace std::chrono_literals;

TEST(Escaped, LeavesPlainTextAndUtf8Alone) {
  EXPECT_EQ(escaped("prod-east/größe"), "prod-east/größe");
}

TEST(Escaped, ShowsWhatWouldMoveTheCursorOrHideText) {
  EXPECT_EQ(escaped("a\nb\x1b[31m\t\\"), "a\\nb\\x1b[31m\\t\\\\");
  EXPECT_EQ(escaped("\xff\xc0\x80"), "\\xff\\xc0\\x80");
  EXPECT_EQ(escaped("\xc2\x9b"), "\\xc2\\x9b");           // the one-byte form of ESC [
  EXPECT_EQ(escaped("\xe2\x80\xae"), "\\xe2\\x80\\xae");  // right-to-left override
  EXPECT_EQ(escaped(std::string_view("\0", 1)), "\\x00");
}

TEST(HumanSize, RoundsToWhatAPersonReads) {
  EXPECT_EQ(human_size(0), "0 B");
  EXPECT_EQ(human_size(999), "999 B");
  EXPECT_EQ(human_size(1000), "1.0 kB");
  EXPECT_EQ(human_size(999'999), "1.0 MB");
  EXPECT_EQ(human_size(118'784), "119 kB");
  EXPECT_EQ(human_size(1'360'000'000), "1.4 GB");
}

TEST(HumanDuration, UsesTheTwoLargestUnits) {
  EXPECT_EQ(human_duration(41s), "41s");
  EXPECT_EQ(human_duration(200s), "3m 20s");
  EXPECT_EQ(human_duration(18'720s), "5h 12m");
  EXPECT_EQ(human_duration(273'600s), "3d 4h");
}

TEST(Nearest, FindsASlipOfTheFingerAndNothingFarther) {
  constexpr std::array<std::string_view, 3> kKnown = {"keepLast", "keepWithin", "maxSize"};
  EXPECT_EQ(nearest("keeplast", kKnown), "keepLast");
  EXPECT_EQ(nearest("maxsise", kKnown), "maxSize");
  EXPECT_EQ(nearest("endpoints", kKnown), std::nullopt);
}

TEST(Split, KeepsEmptyParts) {
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string>{"a", "", "b"}));
  EXPECT_EQ(split("a,", ','), (std::vector<std::string>{"a", ""}));
  EXPECT_TRUE(split("", ',').empty());
}

TEST(RedactedUrl, DropsUserInfoAndQuery) {
  EXPECT_EQ(redacted_url("nfs://u:p@host/path?uid=0"), "nfs://host/path");
  EXPECT_EQ(redacted_url("https://key:a@b@s3.example.com:9000/b#f"),
            "https://s3.example.com:9000/b");
  EXPECT_EQ(redacted_url("https://host/a@b"), "https://host/a@b");
  EXPECT_EQ(redacted_url("user:secret@host"), "host");
}

}  // namespace
}  // namespace snap
