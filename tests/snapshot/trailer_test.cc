#include "snapshot/trailer.h"

#include <gtest/gtest.h>

#include <string>

#include "snapshot/report.h"

namespace snap::snapshot {
namespace {

std::string body_of(size_t bytes) {
  std::string body;
  for (size_t i = 0; i < bytes; ++i) body += static_cast<char>(i * 131 + i / 256);
  return body;
}

std::string with_trailer(std::string body) {
  auto digest = stream::sha256(as_bytes(body));
  return body + std::string(as_text(digest));
}

TEST(TrailerDigest, ProvesASnapshotCutIntoPiecesOfAnySize) {
  auto file = with_trailer(body_of(1024));
  for (size_t piece = 1; piece <= file.size(); ++piece) {
    TrailerDigest digest;
    for (size_t at = 0; at < file.size(); at += piece)
      digest.update(as_bytes(std::string_view(file).substr(at, piece)));
    auto result = digest.finish();
    ASSERT_TRUE(result.matches()) << piece;
    EXPECT_EQ(result.size_bytes, file.size());
    EXPECT_EQ(result.whole, stream::sha256(as_bytes(file)));
    EXPECT_EQ(result.body, stream::sha256(as_bytes(file).first(1024)));
  }
}

TEST(TrailerDigest, MatchesWithPiecesOfMixedSizes) {
  auto file = with_trailer(body_of(2048));
  TrailerDigest digest;
  size_t at = 0;
  for (size_t step = 0; at < file.size(); ++step) {
    auto piece = std::string_view(file).substr(at, step * 7 % 61);
    digest.update(as_bytes(piece));
    at += piece.size();
  }
  EXPECT_TRUE(digest.finish().matches());
}

TEST(TrailerDigest, RefusesWhatIsCutGrownOrChanged) {
  auto matches = [](const std::string& file) {
    TrailerDigest digest;
    digest.update(as_bytes(file));
    return digest.finish().matches();
  };
  auto good = with_trailer(body_of(1024));
  ASSERT_TRUE(matches(good));
  for (size_t cut : {1, 31, 32, 33, 512, 1024, 1055, 1056})
    EXPECT_FALSE(matches(good.substr(0, good.size() - cut))) << cut;
  EXPECT_FALSE(matches(good + 'x'));
  EXPECT_FALSE(matches(with_trailer(body_of(1000))));  // right digest, no length of a database
  for (size_t at : {0, 1023, 1024, 1055}) {
    auto bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    EXPECT_FALSE(matches(bad)) << at;
  }
}

TEST(TrailerDigest, KnowsTheWholeOfShortInput) {
  TrailerDigest digest;
  digest.update(as_bytes("abc"));
  auto result = digest.finish();
  EXPECT_EQ(result.whole, stream::sha256(as_bytes("abc")));
  EXPECT_EQ(result.size_bytes, 3U);
  EXPECT_FALSE(result.matches());
}

TEST(Finding, IsDescribedWithFilePageAndByte) {
  Finding finding{.level = Level::structure,
                  .file = "a\n.db",
                  .page = 1234,
                  .byte = 5054464,
                  .what = "key of element 3 is not above the one before it"};
  EXPECT_EQ(describe(finding),
            "a\\n.db: page 1234 (byte 5054464): key of element 3 is not above the one before it");
  EXPECT_EQ(describe({.file = "x", .page = {}, .byte = 7, .what = "w"}), "x: byte 7: w");
  EXPECT_EQ(describe({.file = "x", .page = {}, .byte = {}, .what = "w"}), "x: w");
}

TEST(Level, IsFoundByItsName) {
  EXPECT_EQ(level_named("digest"), Level::digest);
  EXPECT_EQ(level_named("structure"), Level::structure);
  EXPECT_EQ(level_named("mvcc"), Level::mvcc);
  EXPECT_EQ(level_named("kubernetes"), std::nullopt);
  EXPECT_EQ(level_named("Digest"), std::nullopt);
  EXPECT_EQ(level_named(""), std::nullopt);
}

}  // namespace
}  // namespace snap::snapshot
