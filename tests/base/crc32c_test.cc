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
