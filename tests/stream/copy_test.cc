#include "stream/copy.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <stdexcept>

#include "stream/file.h"
#include "stream/memory.h"
#include "stream/sha256.h"
#include "support/temp_dir.h"

namespace snap::stream {
namespace {

class StringSink : public Sink {
 public:
  Result<void> write(Bytes data) override {
    if (content.size() >= fail_at) return fail(Code::no_space, "full");
    content += as_text(data);
    return {};
  }
  Result<void> finish() override { return {}; }
  std::string content;
  size_t fail_at = SIZE_MAX;
};

class CutSource : public Source {
 public:
  explicit CutSource(size_t good) : left_(good) {}
  Result<size_t> read(MutableBytes into) override {
    if (left_ == 0) return fail(Code::unavailable, "cut");
    auto n = std::min(left_, into.size());
    left_ -= n;
    return n;
  }

 private:
  size_t left_;
};

std::string pattern(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 1000);
  return text;
}

TEST(Copy, DeliversEveryByteInOrderToTapAndSink) {
  for (size_t size : {0UL, 1UL, (1UL << 20) - 1, 1UL << 20, (1UL << 20) + 1, 9'000'001UL}) {
    auto text = pattern(size);
    StringSource source(text);
    StringSink sink;
    std::string seen;
    uint64_t progress = 0;
    auto total = copy(source, sink,
                      {.tap = [&](Bytes b) { seen += as_text(b); },
                       .progress = [&](uint64_t n) { progress = n; },
                       .stop = {}});
    EXPECT_EQ(total.value(), size);
    EXPECT_TRUE(sink.content == text) << size;
    EXPECT_TRUE(seen == text) << size;
    EXPECT_EQ(progress, size);
  }
}

TEST(Copy, NeedsNoTap) {
  auto text = pattern(9'000'001);
  StringSource source(text);
  StringSink sink;
  EXPECT_EQ(copy(source, sink).value(), text.size());
  EXPECT_TRUE(sink.content == text);
}

TEST(ReadThrough, ShowsTheTapEveryByteInOrder) {
  auto text = pattern(9'000'001);
  StringSource source(text);
  std::string seen;
  uint64_t progress = 0;
  auto total = read_through(source, {.tap = [&](Bytes b) { seen += as_text(b); },
                                     .progress = [&](uint64_t n) { progress = n; },
                                     .stop = {}});
  EXPECT_EQ(total.value(), text.size());
  EXPECT_EQ(progress, text.size());
  EXPECT_TRUE(seen == text);
}

TEST(Copy, ReturnsTheErrorOfTheSource) {
  CutSource source(5'000'000);
  StringSink sink;
  EXPECT_EQ(copy(source, sink).error().code, Code::unavailable);
}

TEST(Copy, ReturnsTheErrorOfTheSink) {
  StringSource source(pattern(20'000'000));
  StringSink sink;
  sink.fail_at = 3 << 20;
  EXPECT_EQ(copy(source, sink).error().code, Code::no_space);
}

TEST(Copy, StopsWhenAsked) {
  std::stop_source stop;
  StringSource source(pattern(20'000'000));
  StringSink sink;
  auto result = copy(source, sink,
                     {.tap = {},
                      .progress =
                          [&](uint64_t n) {
                            if (n > 5'000'000) stop.request_stop();
                          },
                      .stop = stop.get_token()});
  EXPECT_EQ(result.error().code, Code::cancelled);
}

TEST(Copy, TurnsWhatASinkOrTapThrowsIntoAnError) {
  class ThrowingSink : public StringSink {
   public:
    Result<void> write(Bytes) override { throw std::runtime_error("broken"); }
  };
  StringSource source(pattern(20'000'000));
  ThrowingSink broken;
  EXPECT_EQ(copy(source, broken).error().message, "copy: broken");
  StringSource again(pattern(20'000'000));
  StringSink sink;
  auto tap = [](Bytes) { throw std::runtime_error("broken tap"); };
  EXPECT_EQ(copy(again, sink, {.tap = tap}).error().message, "copy: broken tap");
}

TEST(Copy, EndsItsThreadsWhenTheSourceThrows) {
  class ThrowingSource : public Source {
   public:
    Result<size_t> read(MutableBytes) override { throw std::runtime_error("broken"); }
  };
  ThrowingSource source;
  StringSink sink;
  EXPECT_THROW((void)copy(source, sink), std::runtime_error);
}

TEST(Copy, StopsWhileTheSinkStandsStill) {
  std::stop_source stop;
  class StuckSink : public StringSink {
   public:
    explicit StuckSink(std::stop_source& source) : stop_(source) {}
    Result<void> write(Bytes) override {
      stop_.request_stop();  // from here on nobody takes a buffer away
      return {};
    }

   private:
    std::stop_source& stop_;
  };
  StringSource source(pattern(20'000'000));
  StuckSink sink(stop);
  EXPECT_EQ(copy(source, sink, {.stop = stop.get_token()}).error().code, Code::cancelled);
}

class FileOnDisk : public testing::TestWithParam<Caching> {};
TEST_P(FileOnDisk, HoldsWhatWasWrittenAndIsReadBack) {
  test::TempDir dir;
  auto text = pattern(20'000'001);
  StringSource source(text);
  auto sink = file_sink(open_file(dir.path("f"), O_WRONLY | O_CREAT | O_EXCL, 0600).value(), "f",
                        GetParam());
  ASSERT_TRUE(copy(source, *sink));
  ASSERT_TRUE(sink->finish());
  auto back = open_file_source(dir.path("f")).value();
  EXPECT_TRUE(read_all(*back, 1 << 30).value() == text);
  auto disk = disk_source(open_file(dir.path("f"), O_RDONLY).value(), "f");
  EXPECT_TRUE(read_all(*disk, 1 << 30).value() == text) << "into memory that is not aligned";
  disk = disk_source(open_file(dir.path("f"), O_RDONLY).value(), "f");
  StringSink copied;
  ASSERT_TRUE(copy(*disk, copied));
  EXPECT_TRUE(copied.content == text);
}
INSTANTIATE_TEST_SUITE_P(Written, FileOnDisk, testing::Values(Caching::bypass, Caching::keep),
                         [](const auto& test) {
                           return test.param == Caching::keep ? "keep" : "bypass";
                         });

TEST(OpenFileSource, RefusesADirectory) {
  test::TempDir dir;
  EXPECT_EQ(open_file_source(dir.path()).error().code, Code::invalid);
}

TEST(Sha256, MatchesThePublishedVectorAndMayGoOn) {
  Sha256 hash;
  hash.update(as_bytes("ab"));
  Sha256 other(hash);
  hash.update(as_bytes("c"));
  EXPECT_EQ(to_hex(hash.digest()),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  other.update(as_bytes("c"));
  EXPECT_EQ(other.digest(), hash.digest());
}

}  // namespace
}  // namespace snap::stream
