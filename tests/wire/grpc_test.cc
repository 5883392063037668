#include "wire/grpc.h"

#include <gtest/gtest.h>

namespace snap::wire {
namespace {

using namespace std::string_literals;

TEST(Frame, HasAZeroByteAndALength) {
  EXPECT_EQ(frame(""), "\0\0\0\0\0"s);
  EXPECT_EQ(frame(std::string(258, 'x')), "\0\0\0\1\2"s + std::string(258, 'x'));
}

TEST(UnaryMessage, ComesInAnyPieces) {
  auto bytes = frame("hello");
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    UnaryMessage message(100);
    for (size_t at = 0; at < bytes.size(); at += piece)
      ASSERT_TRUE(message.feed(as_bytes(bytes).subspan(at, std::min(piece, bytes.size() - at))));
    EXPECT_EQ(std::move(message).finish(), "hello");
  }
}

TEST(UnaryMessage, MayBeEmpty) {
  UnaryMessage message(100);
  ASSERT_TRUE(message.feed(as_bytes(frame(""))));
  EXPECT_EQ(std::move(message).finish(), "");
}

struct Case {
  std::string name, body, error;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
class Refused : public testing::TestWithParam<Case> {};
TEST_P(Refused, WithItsReason) {
  UnaryMessage message(10);
  auto fed = message.feed(as_bytes(GetParam().body));
  auto error = fed ? std::move(message).finish().error() : fed.error();
  EXPECT_EQ(error.code, Code::corrupt);
  EXPECT_EQ(error.message, GetParam().error);
}
INSTANTIATE_TEST_SUITE_P(
    Bodies, Refused,
    testing::Values(
        Case{"nothing", "", "the answer ends before its message does"},
        Case{"half_a_header", "\0\0"s, "the answer ends before its message does"},
        Case{"half_a_message", "\0\0\0\0\5abc"s, "the answer ends before its message does"},
        Case{"two_messages", frame("a") + frame("b"), "a second message where one was expected"},
        Case{"compressed", "\1\0\0\0\1a"s,
             "a compressed or damaged message, which was not asked for"},
        Case{"too_long", "\0\0\0\0\x0b"s,
             "a message of 11 bytes, more than the 10 that are accepted"},
        Case{"four_gigabytes", "\0\xff\xff\xff\xff"s,
             "a message of 4294967295 bytes, more than the 10 that are accepted"}),
    [](const auto& test) { return test.param.name; });

TEST(PercentDecoded, LeavesWhatIsNoEscape) {
  EXPECT_EQ(percent_decoded("no%20leader%0A"), "no leader\n");
  EXPECT_EQ(percent_decoded("100%"), "100%");
  EXPECT_EQ(percent_decoded("%4"), "%4");
  EXPECT_EQ(percent_decoded("%zz%+1%41"), "%zz%+1A");
  EXPECT_EQ(percent_decoded(""), "");
}

}  // namespace
}  // namespace snap::wire
