#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <string>

namespace snap {
namespace {

TEST(Crc32c, MatchesThePublishedVector) {
  EXPECT_EQ(crc32c(0, as_bytes("123456789")), 0xE3069283U);
}

TEST(Crc32c, ContinuesOverAnySplit) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += static_cast<char>(i * 37);
  auto whole = crc32c(0, as_bytes(text));
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    auto view = std::string_view(text);
    EXPECT_EQ(crc32c(crc32c(0, as_bytes(view.substr(0, cut))), as_bytes(view.substr(cut))), whole)
        << cut;
  }
}

TEST(Crc32c, IsTheSameBytewiseAndInBlocksOfAnyLength) {
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += static_cast<char>(i * 31 + i / 251);
  for (size_t start : {0, 1, 7}) {
    uint32_t bytewise = 0;
    for (size_t end = start; end < text.size(); ++end) {
      auto view = std::string_view(text).substr(start, end - start);
      if (end % 61 == 0 || view.size() % 128 < 2) {
        ASSERT_EQ(crc32c(0, as_bytes(view)), bytewise) << start << ' ' << end;
      }
      bytewise = crc32c(bytewise, as_bytes(std::string_view(text).substr(end, 1)));
    }
  }
}

TEST(Crc32c, CombinesWhatWasComputedApart) {
  std::string a(5000, 'a');
  std::string b = "b";
  for (int i = 0; i < 12; ++i) {
    auto whole = crc32c(0, as_bytes(a + b));
    EXPECT_EQ(crc32c_combine(crc32c(0, as_bytes(a)), crc32c(0, as_bytes(b)), b.size()), whole)
        << b.size();
    b += b + "x";
  }
  EXPECT_EQ(crc32c_combine(crc32c(0, as_bytes(a)), 0, 0), crc32c(0, as_bytes(a)));
}

}  // namespace
}  // namespace snap
