#include "wire/protobuf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace snap::wire {
namespace {

using namespace std::string_literals;

// "1=150 2=abc", or the error: the whole of a message in one line.
std::string shown(Bytes message) {
  Reader reader(message);
  std::string out;
  for (;;) {
    auto field = reader.next();
    if (!field) return field.error().message;
    if (!*field) return out;
    out += (out.empty() ? "" : " ") + std::to_string((*field)->number) + "=";
    out += (*field)->type == WireType::bytes ? (*field)->text() : std::to_string((*field)->value);
  }
}

struct Case {
  std::string name, message, shown;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
class Read : public testing::TestWithParam<Case> {};
TEST_P(Read, Gives) { EXPECT_EQ(shown(as_bytes(GetParam().message)), GetParam().shown); }

INSTANTIATE_TEST_SUITE_P(
    Messages, Read,
    testing::Values(
        Case{"empty", "", ""}, Case{"the_varint_of_the_manual", "\x08\x96\x01", "1=150"},
        Case{"bytes", "\x12\x03"s + "abc", "2=abc"}, Case{"empty_bytes", "\x12\x00"s, "2="},
        Case{"fixed", "\x0d\x01\x00\x00\x00\x11\x02\x00\x00\x00\x00\x00\x00\x00"s, "1=1 2=2"},
        Case{"largest_number", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
             "1=18446744073709551615"},
        Case{"bit_65", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "a number is too long"},
        Case{"eleven_bytes", "\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
             "a number is too long"},
        Case{"number_cut", "\x08\x96", "the message ends inside a number"},
        Case{"tag_without_value", "\x08", "the message ends inside a number"},
        Case{"one_byte_past_the_end", "\x12\x04"s + "abc", "a field runs past the message's end"},
        Case{"length_near_2_to_64", "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s + "abc",
             "a field runs past the message's end"},
        Case{"fixed_cut", "\x0d\x01\x00\x00"s, "a field runs past the message's end"},
        Case{"group", "\x0b", "a field of an unknown kind"},
        Case{"wire_type_6", "\x0e", "a field of an unknown kind"},
        Case{"field_number_0", "\x00\x01"s, "a field of an unknown kind"},
        Case{"largest_field_number", "\xf8\xff\xff\xff\x0f\x01", "536870911=1"},
        Case{"field_number_2_to_29", "\x80\x80\x80\x80\x10\x01", "a field of an unknown kind"}),
    [](const auto& test) { return test.param.name; });

TEST(Writer, WritesWhatReaderReads) {
  Writer writer;
  writer.number(1, 150).number(2, 0).bytes(3, "abc").bytes(4, "").message(5, "").number(6, ~0ULL);
  EXPECT_EQ(shown(as_bytes(writer.text())), "1=150 3=abc 5= 6=18446744073709551615");
}

TEST(Reader, EndsOnAnyBytes) {
  std::mt19937 random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::string message(random() % 40, '\0');
    for (auto& c : message) c = static_cast<char>(random());
    // The copy has exactly this size, so that a sanitizer sees any byte read past it.
    std::vector<std::byte> exact(as_bytes(message).begin(), as_bytes(message).end());
    Reader reader(exact);
    for (size_t fields = 0;; ++fields) {
      auto field = reader.next();
      if (!field || !*field) break;
      ASSERT_LE(fields, message.size());
    }
  }
}

}  // namespace
}  // namespace snap::wire
