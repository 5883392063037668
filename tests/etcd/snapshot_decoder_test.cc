#include "etcd/snapshot_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "support/fake_grpc.h"

namespace snap::etcd {
namespace {

using namespace std::string_literals;
using test::snapshot_body;
using test::snapshot_message;
using wire::frame;
using wire::Writer;

class Collect : public SnapshotDecoder::Out {
 public:
  void take(Bytes bytes) override { text += as_text(bytes); }
  std::string text;
};

// What came out, or the Error.
Result<std::string> decode(const std::string& stream, size_t piece_bytes) {
  SnapshotDecoder decoder;
  Collect out;
  for (size_t at = 0; at < stream.size(); at += piece_bytes) {
    std::string piece = stream.substr(at, piece_bytes);  // of exactly this size
    TRY(decoder.feed(as_bytes(piece), out));
  }
  TRY(decoder.finish());
  EXPECT_EQ(decoder.delivered_bytes(), decoder.total_bytes());
  return out.text;
}

TEST(SnapshotDecoder, DecodesPiecesOfAnySize) {
  auto database = test::some_database(12288);
  auto stream = snapshot_body(database, 5000);
  for (size_t piece : {1UL, 2UL, 3UL, 7UL, 100UL, 4999UL, stream.size()}) {
    auto out = decode(stream, piece);
    ASSERT_TRUE(out) << describe(out.error());
    EXPECT_EQ(out->substr(0, database.size()), database);
    EXPECT_EQ(out->size(), database.size() + 32);
  }
}

TEST(SnapshotDecoder, TakesFieldsInAnyOrderAndSkipsUnknownOnes) {
  auto first = Writer().bytes(3, "abcd").number(7, 5).bytes(1, "header").number(2, 4).text();
  auto second = "\x0d"s + "1234" + "\x11"s + "12345678" + Writer().bytes(3, "efgh").text();
  auto out = decode(frame(first) + frame(second) + snapshot_message(0, std::string(32, 't')), 1);
  ASSERT_TRUE(out) << describe(out.error());
  EXPECT_EQ(*out, "abcdefgh" + std::string(32, 't'));
}

TEST(SnapshotDecoder, KnowsTheTotalWithTheFirstBytes) {
  SnapshotDecoder decoder;
  Collect out;
  auto message = snapshot_message(1000, std::string(100, 'x'), "3.6.0");
  ASSERT_TRUE(decoder.feed(as_bytes(message).first(20), out));
  EXPECT_GT(out.text.size(), 0U);
  EXPECT_EQ(decoder.total_bytes(), 1132U);
}

struct Case {
  std::string name, stream, error;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
class Inconsistent : public testing::TestWithParam<Case> {};
TEST_P(Inconsistent, IsCorrupt) {
  for (size_t piece : {1UL, 1UL << 20}) {
    auto out = decode(GetParam().stream, piece);
    ASSERT_FALSE(out);
    EXPECT_EQ(out.error().code, Code::corrupt);
    EXPECT_EQ(out.error().message, GetParam().error);
  }
}

const auto kFirst = snapshot_message(8, "abcd");
const auto kTrailer = snapshot_message(0, std::string(32, 't'));
const auto kWhole = kFirst + snapshot_message(0, "efghijkl") + kTrailer;

INSTANTIATE_TEST_SUITE_P(
    Streams, Inconsistent,
    testing::Values(
        Case{"remaining_grows", kFirst + snapshot_message(9, "ef"),
             "inconsistent stream: 9 bytes are said to remain where 6 do"},
        Case{"remaining_falls_too_fast", kFirst + snapshot_message(5, "ef"),
             "inconsistent stream: 5 bytes are said to remain where 6 do"},
        Case{"blob_too_long", kFirst + snapshot_message(0, "efghijklm"),
             "inconsistent stream: a blob of 9 bytes where 8 remain"},
        Case{"trailer_too_short",
             kFirst + snapshot_message(0, "efghijkl") + snapshot_message(0, std::string(31, 't')),
             "inconsistent stream: a trailer of 31 bytes instead of 32"},
        Case{"trailer_too_early", kFirst + kTrailer,
             "inconsistent stream: a blob of 32 bytes where 8 remain"},
        Case{"trailer_with_remaining",
             kFirst + snapshot_message(0, "efghijkl") + snapshot_message(1, std::string(32, 't')),
             "inconsistent stream: 1 bytes are said to remain where 0 do"},
        Case{"empty_message_after_the_trailer", kWhole + frame(""),
             "inconsistent stream: a message after the SHA-256 trailer"},
        Case{"half_a_frame_after_the_trailer", kWhole + "\0\0"s,
             "inconsistent stream: it ended inside a message"},
        Case{"no_data", "", "inconsistent stream: it ended with 0 bytes still to come"},
        Case{"no_trailer", kFirst + snapshot_message(0, "efghijkl"),
             "stream ended without the SHA-256 trailer"},
        Case{"empty_database", frame(""), "inconsistent stream: an empty database"},
        Case{"impossible_size", snapshot_message(~0ULL, "abcd"),
             "inconsistent stream: an impossible size"},
        Case{"two_blobs", frame(Writer().number(2, 9).bytes(3, "a").bytes(3, "b").text()),
             "inconsistent stream: two blobs in one message"},
        Case{"field_past_the_end", frame(Writer().number(2, 9).text() + "\x1a\x05"s + "abcd"),
             "inconsistent stream: a field runs past its message's end"},
        Case{"length_near_2_to_64", frame("\x1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s + "abcd"),
             "inconsistent stream: a field runs past its message's end"},
        Case{"fixed_past_the_end", frame("\x11\x01\x02"s),
             "inconsistent stream: a field runs past its message's end"},
        Case{"tag_without_value", frame("\x10"),
             "inconsistent stream: a message ends inside a field"},
        Case{"number_cut", frame("\x10\x80"),
             "inconsistent stream: a message ends inside a number"},
        Case{"tag_cut", frame("\x80"), "inconsistent stream: a message ends inside a number"},
        Case{"group", frame("\x1b"), "inconsistent stream: a field of an unknown kind"},
        Case{"compressed", "\1\0\0\0\1x"s,
             "inconsistent stream: a compressed or damaged message, which was not asked for"}),
    [](const auto& test) { return test.param.name; });

TEST(SnapshotDecoder, EndsOnAnyBytes) {
  std::mt19937 random(3);
  auto good = snapshot_body(test::some_database(8192), 1000);
  for (int round = 0; round < 2'000; ++round) {
    auto stream = good;
    for (int flips = 0; flips < 3; ++flips)
      stream[random() % stream.size()] = static_cast<char>(random());
    stream.resize(random() % (stream.size() + 1));
    auto out = decode(stream, 1 + random() % 600);
    if (out) {
      EXPECT_EQ(out->size(), 8192U + 32U);
    }
  }
}

TEST(SnapshotDecoder, KeepsOfAnEndlessVersionOnlyTheStart) {
  SnapshotDecoder decoder;
  Collect out;
  auto message = frame(Writer().number(2, 9).bytes(4, std::string(1 << 20, 'v')).text());
  for (size_t at = 0; at < message.size(); at += 10)
    ASSERT_TRUE(
        decoder.feed(as_bytes(message).subspan(at, std::min(10UL, message.size() - at)), out));
  EXPECT_LE(decoder.version().size(), 64U);
}

}  // namespace
}  // namespace snap::etcd
