#include "base/encode.h"

#include <gtest/gtest.h>

#include <array>

namespace snap {
namespace {

TEST(PercentEncoded, LeavesWhatIsUnreserved) {
  EXPECT_EQ(percent_encoded("Az09-._~"), "Az09-._~");
  EXPECT_EQ(percent_encoded("a b/c+d=%"), "a%20b%2Fc%2Bd%3D%25");
  EXPECT_EQ(percent_encoded("a/b", "/"), "a/b");
  EXPECT_EQ(percent_encoded(std::string_view("\xC3\xA4\0\n", 4)), "%C3%A4%00%0A");
  EXPECT_EQ(percent_encoded(""), "");
}

struct Pair {
  std::string_view bytes, text;
};

// RFC 4648, section 10, and the two digits in which the alphabets differ.
constexpr std::array kPairs = {Pair{"", ""},
                               Pair{"f", "Zg=="},
                               Pair{"fo", "Zm8="},
                               Pair{"foo", "Zm9v"},
                               Pair{"foob", "Zm9vYg=="},
                               Pair{"fooba", "Zm9vYmE="},
                               Pair{"foobar", "Zm9vYmFy"},
                               Pair{"\xFB\xFF\xFE", "+//+"}};

TEST(Base64, PadsAsItMust) {
  for (const auto& [bytes, text] : kPairs) EXPECT_EQ(base64(as_bytes(bytes)), text);
}

TEST(Base64, ForUrlsHasOtherDigitsAndNoPadding) {
  EXPECT_EQ(base64url(as_bytes("\xFB\xFF\xFE")), "-__-");
  EXPECT_EQ(base64url(as_bytes("f")), "Zg");
  EXPECT_EQ(base64url(as_bytes("fo")), "Zm8");
}

TEST(FromBase64, GivesTheBytesBack) {
  for (const auto& [bytes, text] : kPairs) {
    EXPECT_EQ(from_base64(text), bytes);
    EXPECT_EQ(from_base64(text.substr(0, text.find('='))), bytes) << "without padding";
  }
  EXPECT_EQ(from_base64("Zm9v\r\nYg=\n=\n"), "foob");
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(from_base64(base64(as_bytes(all))), all);
}

TEST(FromBase64, RefusesWhatIsNone) {
  for (const auto* text : {"Z", "Zg==Zg==", "Zm9v!", "Zm-_", "Zm9v\tYg"})
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
}

}  // namespace
}  // namespace snap
