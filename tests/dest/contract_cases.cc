// The cases of contract.h. Every program that tests a place compiles this file and instantiates
// Contract.
#include <format>

#include "contract.h"

namespace snap::dest {
namespace {

using Names = std::vector<std::string>;

TEST_P(Contract, ShowsAGroupOnlyWhenItIsPublished) {
  auto place = open();
  auto incoming = place->begin("g").value();
  ASSERT_TRUE(write(*incoming, "data", "abc"));
  EXPECT_EQ(names(*place), Names{});
  EXPECT_FALSE(place->open("g", "data"));
  ASSERT_TRUE(incoming->publish());
  EXPECT_EQ(names(*place), Names{"g"});
  EXPECT_EQ(get(*place, "g", "data").value(), "abc");
}

TEST_P(Contract, ReadsAfterPublishSeeEveryByte) {
  std::string content(5'000'001, 'x');
  for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 7 + i / 4096);
  ASSERT_TRUE(put(*open(), "g", content));
  EXPECT_TRUE(get(*open(), "g", "data").value() == content);
}

TEST_P(Contract, ReadsBackWhatIsNotPublishedYet) {
  auto place = open();
  auto incoming = place->begin("g").value();
  ASSERT_TRUE(write(*incoming, "data", "abc"));
  auto source = incoming->open("data").value();
  EXPECT_EQ(stream::read_all(*source, 100).value(), "abc");
}

TEST_P(Contract, DerivesAFileFromAPublishedOneOrSaysThatItCannot) {
  struct Change {
    uint64_t skipped;
    std::string written;
    uint64_t skipped_then;
  };
  auto place = open();
  std::string content(300'001, 'x');
  for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 7 + i / 4096);
  ASSERT_TRUE(put(*place, "basis", content));
  auto incoming = place->begin("g").value();
  EXPECT_FALSE(incoming->derive("data", "basis", "../data").value_or(nullptr));
  int count = 0;
  for (const auto& change : std::vector<Change>{{4096, std::string(8192, 'y'), 287'713},  // as long
                                                {0, "y", 300'000},
                                                {300'001, "longer", 0},
                                                {100, "shorter", 50},
                                                {0, "", 0}}) {
    auto file = std::format("data-{}", count++);
    auto patch = incoming->derive(file, "basis", "data");
    ASSERT_TRUE(patch) << describe(patch.error());
    if (!*patch) {
      ASSERT_TRUE(write(*incoming, file, "whole"));
      continue;
    }
    auto wanted = content.substr(0, change.skipped) + change.written;
    ASSERT_TRUE((*patch)->skip(change.skipped));
    ASSERT_TRUE((*patch)->write(as_bytes(change.written)));
    if (change.skipped_then > 0) {
      wanted += content.substr(wanted.size(), change.skipped_then);
      ASSERT_TRUE((*patch)->skip(change.skipped_then));
    }
    auto finished = (*patch)->finish();
    ASSERT_TRUE(finished) << describe(finished.error());
    auto source = incoming->open(file).value();
    EXPECT_TRUE(stream::read_all(*source, 1 << 26).value() == wanted) << file;
    // What was derived may turn out to be wrong, and is created anew then.
    EXPECT_TRUE(write(*incoming, file, "whole"));
  }
  ASSERT_TRUE(incoming->publish());
  EXPECT_EQ(get(*place, "g", "data-0").value(), "whole");
  EXPECT_TRUE(get(*place, "basis", "data").value() == content);
}

TEST_P(Contract, AnUnfinishedDerivedFileIsTakenAway) {
  auto place = open();
  ASSERT_TRUE(put(*place, "basis", "content"));
  auto incoming = place->begin("g").value();
  auto patch = incoming->derive("data", "basis", "data").value();
  patch.reset();
  EXPECT_TRUE(incoming->files().value().empty());
}

TEST_P(Contract, NeverOverwritesAPublishedGroup) {
  auto place = open();
  ASSERT_TRUE(put(*place, "g", "first"));
  EXPECT_EQ(put(*place, "g", "second").error().code, Code::exists);
  EXPECT_EQ(get(*place, "g", "data").value(), "first");
}

TEST_P(Contract, AGroupPublishedMeanwhileStaysUntouched) {
  auto place = open();
  auto other = open();
  auto incoming = place->begin("g").value();
  ASSERT_TRUE(write(*incoming, "data", "late"));
  EXPECT_EQ(other->begin("g").error().code, Code::exists);
}

TEST_P(Contract, AnAbandonedGroupLeavesNothing) {
  auto place = open();
  {
    auto incoming = place->begin("g").value();
    ASSERT_TRUE(write(*incoming, "data", "abc"));
    auto unfinished = incoming->create("more").value();
    ASSERT_TRUE(unfinished->write(as_bytes("half")));
  }
  EXPECT_EQ(names(*place), Names{});
  EXPECT_TRUE(place->leftovers().value().empty());
  EXPECT_TRUE(put(*place, "g", "again"));
}

TEST_P(Contract, AnUnfinishedFileMayBeCreatedAnew) {
  auto place = open();
  auto incoming = place->begin("g").value();
  {
    ASSERT_TRUE(incoming->create("data").value()->write(as_bytes("first try")));
  }
  ASSERT_TRUE(write(*incoming, "data", "second"));
  ASSERT_TRUE(incoming->publish());
  EXPECT_EQ(get(*place, "g", "data").value(), "second");
  EXPECT_EQ(place->files("g").value().size(), 1U);
}

TEST_P(Contract, ListsTheFilesOfAGroupWithTheirSizes) {
  auto place = open();
  ASSERT_TRUE(put(*place, "g", "12345"));
  auto files = place->files("g").value();
  std::ranges::sort(files, {}, &FileInfo::name);
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].name, "data");
  EXPECT_EQ(files[0].size_bytes, 5U);
  EXPECT_EQ(files[1].name, "marker");
}

TEST_P(Contract, RemovalIsIdempotent) {
  auto place = open();
  ASSERT_TRUE(put(*place, "g", "abc"));
  EXPECT_EQ(place->remove("g", {"marker", "data"}).value(), Names{});
  EXPECT_EQ(names(*place), Names{});
  EXPECT_EQ(place->remove("g", {"marker", "data"}).value(), Names{});
}

TEST_P(Contract, RemovalLeavesFilesThatItWasNotTold) {
  auto place = open();
  ASSERT_TRUE(put(*place, "g", "abc"));
  EXPECT_EQ(place->remove("g", {"marker"}).value(), Names{"data"});
  EXPECT_EQ(get(*place, "g", "data").value(), "abc");
}

TEST_P(Contract, RefusesHostileNames) {
  auto place = open();
  for (const auto& name :
       Names{"", ".", "..", "../x", "a/b", "/abs", ".hidden", "a\nb", std::string(256, 'n')}) {
    EXPECT_EQ(place->begin(name).error().code, Code::invalid) << name;
    EXPECT_EQ(place->open("g", name).error().code, Code::invalid) << name;
    EXPECT_EQ(place->remove(name, {}).error().code, Code::invalid) << name;
    EXPECT_EQ(place->put_note("pins", name, "").error().code, Code::invalid) << name;
  }
}

TEST_P(Contract, KeepsNotesUntilTheyAreRemoved) {
  auto place = open();
  EXPECT_TRUE(place->notes("pins").value().empty());
  ASSERT_TRUE(place->put_note("pins", "a", "why"));
  ASSERT_TRUE(place->put_note("pins", "a", "another reason"));
  EXPECT_EQ(open()->notes("pins").value(), Names{"a"});
  EXPECT_EQ(names(*place), Names{});
  ASSERT_TRUE(place->remove_note("pins", "a"));
  ASSERT_TRUE(place->remove_note("pins", "a"));
  EXPECT_TRUE(place->notes("pins").value().empty());
}

TEST_P(Contract, FindsAndDiscardsWhatACrashLeft) {
  auto place = open();
  auto* lost = place->begin("g").value().release();
  ASSERT_TRUE(write(*lost, "data", "abc"));
  auto leftovers = open()->leftovers().value();
  ASSERT_EQ(leftovers.size(), 1U);
  EXPECT_EQ(leftovers[0].group, "g");
  ASSERT_TRUE(open()->discard("g"));
  ASSERT_TRUE(open()->discard("g"));
  EXPECT_TRUE(open()->leftovers().value().empty());
  delete lost;
}

TEST_P(Contract, TakesOverWhatACrashLeft) {
  auto place = open();
  auto* lost = place->begin("g").value().release();
  ASSERT_TRUE(write(*lost, "data", "abc"));
  auto second = open();
  EXPECT_EQ(second->begin("g").error().code, Code::exists);
  auto incoming = second->resume("g").value();
  auto files = incoming->files().value();
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(files[0].name, "data");
  EXPECT_EQ(files[0].size_bytes, 3U);
  ASSERT_TRUE(write(*incoming, "marker", "whole"));
  ASSERT_TRUE(incoming->publish());
  EXPECT_EQ(get(*second, "g", "data").value(), "abc");
  delete lost;
  EXPECT_EQ(names(*second), Names{"g"});
}

TEST_P(Contract, SyncsAFileOfAGroupThatWasTakenOver) {
  auto place = open();
  auto* lost = place->begin("g").value().release();
  ASSERT_TRUE(write(*lost, "data", "abc"));
  auto second = open();
  auto incoming = second->resume("g").value();
  auto synced = incoming->sync("data");
  EXPECT_TRUE(synced) << describe(synced.error());
  EXPECT_EQ(incoming->sync("../data").error().code, Code::invalid);
  ASSERT_TRUE(write(*incoming, "marker", "whole"));
  ASSERT_TRUE(incoming->publish());
  EXPECT_EQ(get(*second, "g", "data").value(), "abc");
  delete lost;
}

TEST_P(Contract, ReplacesAFileOfAGroupThatWasTakenOver) {
  auto place = open();
  auto* lost = place->begin("g").value().release();
  ASSERT_TRUE(write(*lost, "data", "bad"));
  auto second = open();
  auto incoming = second->resume("g").value();
  auto written = write(*incoming, "data", "good");
  ASSERT_TRUE(written) << describe(written.error());
  ASSERT_TRUE(write(*incoming, "marker", "whole"));
  ASSERT_TRUE(incoming->publish());
  EXPECT_EQ(get(*second, "g", "data").value(), "good");
  delete lost;
  EXPECT_EQ(get(*second, "g", "data").value(), "good");
}

TEST_P(Contract, TakesOverNothingButAnUnpublishedGroup) {
  auto place = open();
  EXPECT_EQ(place->resume("g").error().code, Code::not_found);
  ASSERT_TRUE(put(*place, "g", "abc"));
  EXPECT_EQ(place->resume("g").error().code, Code::exists);
}

TEST_P(Contract, SaysWhatIsInAGroupThatIsBeingWritten) {
  auto place = open();
  auto incoming = place->begin("g").value();
  EXPECT_TRUE(incoming->files().value().empty());
  ASSERT_TRUE(write(*incoming, "data", "abc"));
  EXPECT_EQ(incoming->files().value().size(), 1U);
}

// A place that computes digests computes those of the bytes that it stores.
TEST_P(Contract, ADigestFromThePlaceIsThatOfTheBytes) {
  auto place = open();
  ASSERT_TRUE(put(*place, "g", "abc"));
  auto digest = place->far_digest("g", "data").value();
  auto expected = stream::sha256(as_bytes("abc"));
  EXPECT_EQ(digest.value_or(expected), expected);
  EXPECT_EQ(get(*place, "g", "data").value(), "abc");
}

}  // namespace
}  // namespace snap::dest
