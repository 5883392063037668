#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <format>
#include <fstream>
#include <random>

#include "snapshot/etcd_image.h"
#include "snapshot/verify.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace snap::snapshot {
namespace {

using test::BoltImage;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Damage : public testing::Test {
 protected:
  std::vector<std::string> findings(const std::string& content, Level level = Level::structure) {
    test::write_file(file_, content);
    auto report = verify(file_, {.level = level});
    EXPECT_TRUE(report) << describe(report.error());
    return texts(report->findings);
  }
  std::vector<std::string> status_findings(const std::string& content) {
    test::write_file(file_, content);
    auto report = read_status(file_);
    EXPECT_TRUE(report) << describe(report.error());
    EXPECT_EQ(report->status.has_value(), report->sound());
    return texts(report->findings);
  }
  static std::vector<std::string> texts(const std::vector<Finding>& findings) {
    std::vector<std::string> texts;
    for (const auto& finding : findings) {
      auto text = describe(finding);
      texts.push_back(text.substr(text.find("s.db: ") + 6));
    }
    return texts;
  }
  static BoltImage sound() {
    BoltImage::Pairs rows;
    for (int i = 0; i < 40; ++i)
      rows.push_back(test::row(i + 2, 0, std::format("key-{}", i), std::string(60, 'v')));
    auto image = test::etcd_image(rows, {{"storageVersion", "3.6.0"}}, 1024);
    return image;
  }

  test::TempDir directory_;
  std::string file_ = directory_.path("s.db");
};

TEST_F(Damage, IsNotFoundInASoundSnapshot) {
  EXPECT_THAT(findings(sound().snapshot()), IsEmpty());
  EXPECT_THAT(findings(sound().snapshot(), Level::digest), IsEmpty());
  EXPECT_THAT(status_findings(sound().snapshot()), IsEmpty());
  EXPECT_THAT(status_findings(sound().database()), IsEmpty());
}

// Two leaves of four rows each in pages 2 and 3, then a branch, a leaf with the buckets, two free
// pages and the freelist that names them: every kind of place that a bit can flip in. Pages of 1024
// bytes.
constexpr size_t kPage = 1024, kKeyBytes = 17, kValueBytes = 75;
BoltImage every_kind_of_place() {
  BoltImage::Pairs rows;
  for (int i = 0; i < 8; ++i)
    rows.push_back(test::row(i + 2, 0, std::format("key-{}", i), std::string(60, 'v')));
  auto image = test::etcd_image(rows, {}, kPage);
  auto root = image.pages() - 1;
  auto free = image.blank(2);
  image.freelist({free, free + 1});
  image.finish(root);
  return image;
}

struct Place {
  std::string name;
  std::function<size_t(std::mt19937_64&, size_t size)> byte;
};
void PrintTo(const Place& c, std::ostream* out) { *out << c.name; }
class OneBit : public Damage, public testing::WithParamInterface<Place> {};

// F-V01: a thousand bits in each kind of place, and a look at the undamaged file after each tenth.
TEST_P(OneBit, IsAlwaysFoundWhereverItFlips) {
  auto good = every_kind_of_place().snapshot();
  test::write_file(file_, good);
  Fd fd(::open(file_.c_str(), O_RDWR | O_CLOEXEC));
  std::mt19937_64 random(20261121);
  for (int i = 0; i < 1'000; ++i) {
    auto at = GetParam().byte(random, good.size());
    ASSERT_LT(at, good.size());
    auto bad = static_cast<char>(good[at] ^ 1 << random() % 8);
    ASSERT_EQ(::pwrite(fd.get(), &bad, 1, static_cast<off_t>(at)), 1);
    auto report = verify(fd, file_, {.threads = 1});
    ASSERT_TRUE(report) << describe(report.error());
    ASSERT_THAT(texts(report->findings), Contains(HasSubstr("SHA-256"))) << "bit in byte " << at;
    ASSERT_EQ(::pwrite(fd.get(), &good[at], 1, static_cast<off_t>(at)), 1);
    if (i % 10 == 0) {
      auto undamaged = verify(fd, file_, {.threads = 1});
      ASSERT_TRUE(undamaged->sound()) << describe(undamaged->findings[0]);
    }
  }
}

// A byte in the body of a meta page, but not where page and file size follow from it: those change
// what else can be said, which DamageTable of the bolt room has.
std::function<size_t(std::mt19937_64&, size_t)> within(size_t begin, size_t bytes) {
  return [=](auto& random, size_t) { return begin + random() % bytes; };
}
INSTANTIATE_TEST_SUITE_P(
    Places, OneBit,
    testing::Values(
        Place{"page_header",
              [](auto& random, size_t) { return (2 + random() % 4) * kPage + random() % 16; }},
        Place{"meta_0", within(16, 64)}, Place{"meta_1", within(kPage + 16, 64)},
        Place{"element_table",
              [](auto& random, size_t) { return (2 + random() % 2) * kPage + 16 + random() % 64; }},
        Place{"key",
              [](auto& random, size_t) {
                return 2 * kPage + 80 + random() % 4 * (kKeyBytes + kValueBytes) +
                       random() % kKeyBytes;
              }},
        Place{"value",
              [](auto& random, size_t) {
                return 2 * kPage + 80 + random() % 4 * (kKeyBytes + kValueBytes) + kKeyBytes +
                       random() % kValueBytes;
              }},
        Place{"page_slack",
              [](auto& random, size_t) {
                auto end = 80 + 4 * (kKeyBytes + kValueBytes);
                return 2 * kPage + end + random() % (kPage - end);
              }},
        Place{"free_page", within(6 * kPage, 2 * kPage)},
        Place{"trailer", [](auto& random, size_t size) { return size - 1 - random() % 32; }}),
    [](const auto& test) { return test.param.name; });

// F-V02: with the trailer that the stream had, and, F-V03, with one made to fit afterwards.
TEST_F(Damage, OfAWholePageIsFoundByDigestAndByStructure) {
  auto good = every_kind_of_place().database();
  auto trailer = BoltImage::with_trailer(good).substr(good.size());
  auto page = [&](size_t number) { return good.substr(number * kPage, kPage); };
  for (size_t number = 2; number < 6; ++number) {
    auto zeroed = good, swapped = good, repeated = good;
    zeroed.replace(number * kPage, kPage, kPage, '\0');
    swapped.replace(number * kPage, kPage, page(number + 1));
    swapped.replace((number + 1) * kPage, kPage, page(number));
    repeated.replace((number + 1) * kPage, kPage, page(number));
    for (const auto& bad : {zeroed, swapped, repeated}) {
      EXPECT_THAT(findings(bad + trailer, Level::digest), Contains(HasSubstr("SHA-256"))) << number;
      EXPECT_THAT(findings(bad + trailer), Contains(HasSubstr("SHA-256"))) << number;
      if (number == 5 && bad != zeroed) continue;  // what follows page 5 is free: nobody's loss
      EXPECT_THAT(findings(BoltImage::with_trailer(bad)), Contains(HasSubstr("page header names")))
          << number;
    }
  }
}

// F-V03: under a trailer made to fit, no structure can tell what a value was. The look that found
// nothing says how deep it went, and no more.
TEST_F(Damage, OfAValueUnderATrailerMadeToFitIsNotClaimedToBeFound) {
  auto bad = every_kind_of_place().database();
  auto& byte = bad[2 * kPage + 80 + kKeyBytes + kValueBytes - 5];
  ASSERT_EQ(byte, 'v');
  byte = 'w';
  test::write_file(file_, BoltImage::with_trailer(bad));
  for (auto level : {Level::digest, Level::structure}) {
    auto report = verify(file_, {.level = level});
    EXPECT_TRUE(report->sound());
    EXPECT_EQ(report->level, level);
  }
}

// F-V03
TEST_F(Damage, UnderATrailerMadeToFitIsSurvivedByTheStructureCheck) {
  auto good = sound().database();
  std::mt19937_64 random(7);
  int found = 0;
  for (int i = 0; i < 2'000; ++i) {
    auto bad = good;
    for (int bits = i % 3; bits >= 0; --bits) {
      auto at = random() % bad.size() / 1024 * 1024 + random() % 128;
      bad[at] = static_cast<char>(bad[at] ^ 1 << random() % 8);
    }
    auto what = findings(BoltImage::with_trailer(bad));
    found += what.empty() ? 0 : 1;
    ASSERT_THAT(what, Not(Contains(HasSubstr("SHA-256"))));
  }
  EXPECT_GT(found, 1'000);
}

// F-V02
TEST_F(Damage, OfTheLengthIsFoundWithTheLengthInWords) {
  auto good = sound().snapshot();
  for (size_t cut : {1, 31, 33, 100}) {
    auto size = good.size() - cut;
    EXPECT_THAT(findings(good.substr(0, size)),
                Contains(std::format("file is {} bytes: not a whole number of pages plus the "
                                     "32-byte trailer",
                                     size)))
        << cut;
  }
  EXPECT_THAT(findings(good.substr(0, good.size() - 32)),
              ElementsAre(testing::HasSubstr("--skip-hash-check")));
  EXPECT_THAT(findings(good.substr(0, good.size() - 512)), Contains(HasSubstr("SHA-256 of the")));
  EXPECT_THAT(findings(good.substr(0, good.size() - 4096)), Contains(HasSubstr("it was cut")));
  EXPECT_THAT(findings(good.substr(0, good.size() / 2)), Not(IsEmpty()));
  EXPECT_THAT(findings(good + "x"), Contains(HasSubstr("not a whole number of pages")));
  EXPECT_THAT(findings(""), ElementsAre("file is empty"));
  EXPECT_THAT(status_findings(""), ElementsAre(HasSubstr("no valid meta page")));
  EXPECT_THAT(status_findings(good.substr(0, 4096)), ElementsAre(HasSubstr("it was cut")));
}

TEST_F(Damage, OfOneMetaPageLeavesTheSpare) {
  auto image = sound();
  image.put<uint8_t>(0, 20, 9);
  EXPECT_THAT(findings(image.snapshot()),
              ElementsAre(HasSubstr("page 0 (byte 0): meta page is damaged: format version is 9, "
                                    "expected 2; its spare, page 1, is sound")));
}

TEST_F(Damage, NamesPageAndByte) {
  auto image = sound();
  image.put<uint16_t>(3, 8, 0x40);
  EXPECT_THAT(findings(image.snapshot()),
              ElementsAre("page 3 (byte 3072): page type is 0x40, expected branch (0x1) or leaf "
                          "(0x2)"));
  auto report = verify(file_, {});
  EXPECT_FALSE(report->status.has_value());
  EXPECT_EQ(report->findings[0].page, 3U);
  EXPECT_EQ(report->findings[0].byte, 3072U);
}

TEST_F(Damage, OfBucketsAndRowsIsFound) {
  BoltImage no_meta;
  no_meta.finish({{"key", BoltImage::inline_bucket({})}});
  EXPECT_THAT(findings(no_meta.snapshot()),
              ElementsAre("bucket 'meta' is missing: no database of etcd"));
  BoltImage no_key;
  no_key.finish({{"meta", BoltImage::inline_bucket({})}});
  EXPECT_THAT(findings(no_key.snapshot()),
              ElementsAre("bucket 'key' is missing: no database of etcd"));
  EXPECT_THAT(findings(test::etcd_image({{"abc", ""}}).snapshot()),
              ElementsAre(HasSubstr("bucket 'key' holds a key that is no revision: 616263")));
  EXPECT_THAT(findings(test::etcd_image({{test::row_key(2, 0), "\x0a\x7fx"}}).snapshot()),
              ElementsAre(HasSubstr("the value of revision 2 is no KeyValue")));
}

TEST_F(Damage, BeyondAHundredFindingsIsCounted) {
  BoltImage::Pairs rows;
  for (int i = 0; i < 250; ++i) rows.emplace_back(test::row_key(i, 0), "\x0a\x7fx");
  test::write_file(file_, test::etcd_image(rows).snapshot());
  auto report = verify(file_, {});
  EXPECT_EQ(report->findings.size(), Report::kMaxFindings);
  EXPECT_EQ(report->more_findings, 150U);

  auto content = test::etcd_image(rows).snapshot();
  content.back() = static_cast<char>(content.back() ^ 1);
  test::write_file(file_, content);
  report = verify(file_, {});
  EXPECT_EQ(report->findings.size(), Report::kMaxFindings);
  EXPECT_EQ(report->more_findings, 151U) << "the trailer's is one more";
  EXPECT_THAT(report->findings.front().what, HasSubstr("SHA-256"));
}

// F-V10: the progress callback stands for the writer, in the middle of the reading.
TEST_F(Damage, ByAWriterWhileWeReadIsFound) {
  auto good = sound().snapshot();
  auto during = [&](const std::function<void()>& write) {
    test::write_file(file_, good);
    auto report = verify(file_, {.threads = 1, .progress = [&](uint64_t, uint64_t) { write(); }});
    EXPECT_TRUE(report) << describe(report.error());
    return texts(report->findings);
  };
  EXPECT_THAT(during([] {}), IsEmpty());
  EXPECT_THAT(during([&] { std::ofstream(file_, std::ios::app) << "x"; }),
              Contains(HasSubstr("changed while reading: it was")));
  EXPECT_THAT(during([&] { std::filesystem::resize_file(file_, 5000); }),
              Contains(HasSubstr("changed while reading: it was")));
  EXPECT_THAT(during([&] {
                auto in_place = std::fstream(file_, std::ios::in | std::ios::out);
                in_place.seekp(3000) << "x";
              }),
              Contains(HasSubstr("changed while reading: it was written to")));
  EXPECT_THAT(during([&] {
                test::write_file(file_ + ".new", good);
                std::filesystem::rename(file_ + ".new", file_);
              }),
              ElementsAre("changed while reading: its name was removed or given to another file"));
}

// F-V11
TEST_F(Damage, IsNotClaimedOfWhatIsNoFile) {
  auto fifo = directory_.path("fifo");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  for (const auto& path : {fifo, directory_.path(), std::string("/dev/zero")}) {
    auto report = verify(path, {});
    ASSERT_FALSE(report) << path;
    EXPECT_EQ(report.error().code, Code::invalid) << path;
    EXPECT_EQ(read_status(path).error().code, Code::invalid) << path;
  }
  EXPECT_EQ(verify(directory_.path("none"), {}).error().code, Code::not_found);
  EXPECT_EQ(verify(directory_.path(), {}).error().message, directory_.path() + ": is a directory");
}

TEST_F(Damage, IsLookedForThroughASymlink) {
  test::write_file(file_, sound().snapshot());
  std::filesystem::create_symlink(file_, directory_.path("link"));
  EXPECT_TRUE(verify(directory_.path("link"), {})->sound());
}

TEST_F(Damage, IsLookedForPastThePageCache) {
  test::write_file(file_, sound().snapshot());
  auto report = verify(file_, {.past_page_cache = true});
  ASSERT_TRUE(report) << describe(report.error());
  EXPECT_TRUE(report->sound());
  EXPECT_EQ(report->sha256, to_hex(stream::sha256(as_bytes(sound().snapshot()))));
}

TEST_F(Damage, IsNoLongerLookedForAfterAStop) {
  test::write_file(file_, sound().snapshot());
  std::stop_source stop;
  stop.request_stop();
  for (unsigned threads : {1, 2}) {
    auto report = verify(file_, {.threads = threads, .stop = stop.get_token(), .progress = {}});
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, Code::cancelled);
  }
}

}  // namespace
}  // namespace snap::snapshot
