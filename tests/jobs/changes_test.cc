// What is written into a copy of an older version of a file.
#include "jobs/changes.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "stream/memory.h"

namespace snap::jobs {
namespace {

constexpr size_t kPage = 4096;

// A copy of a text.
class TextPatch : public dest::Patch {
 public:
  explicit TextPatch(std::string before) : before_(std::move(before)) {}
  Result<void> skip(uint64_t bytes) override {
    EXPECT_LE(text.size() + bytes, before_.size()) << "skipped past the end of the copy";
    text += before_.substr(text.size(), bytes);
    return {};
  }
  Result<void> write(Bytes data) override {
    text += as_text(data);
    ++writes;
    return {};
  }
  Result<void> finish() override {
    ADD_FAILURE() << "finished";
    return {};
  }
  std::string text;
  int writes = 0;

 private:
  std::string before_;
};

std::string pages(size_t bytes) {
  std::string text(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(i * 31 + i / kPage);
  return text;
}

struct Row {
  std::string name, before, now;
  uint64_t changed_bytes;
  int writes;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
class WrittenChanges : public testing::TestWithParam<Row> {};

TEST_P(WrittenChanges, MakeTheCopyWhatTheNewOneIs) {
  const auto& row = GetParam();
  stream::StringSource before(row.before), now(row.now);
  TextPatch patch(row.before);
  uint64_t told = 0;
  auto changes = write_changes(before, now, patch, [&](uint64_t bytes) { told = bytes; }, {});
  ASSERT_TRUE(changes) << describe(changes.error());
  EXPECT_TRUE(patch.text == row.now);
  EXPECT_EQ(changes->bytes, row.now.size());
  EXPECT_EQ(changes->changed_bytes, row.changed_bytes);
  EXPECT_EQ(patch.writes, row.writes);
  EXPECT_EQ(told, row.now.size());
}

std::vector<Row> rows() {
  const auto old = pages((3 << 20) + 32);  // with the trailer of a snapshot, as etcd's
  auto same = old, byte = old, two = old, neighbours = old, tail = old;
  byte[5 * kPage + 7] ^= 1;
  two[0] ^= 1, two[2 * kPage] ^= 1;
  neighbours[7 * kPage] ^= 1, neighbours[8 * kPage + 4095] ^= 1;
  tail.back() ^= 1;
  auto shorter = old.substr(0, 1 << 20), longer = old + pages(10 * kPage);
  auto across = old;  // the blocks that are read at once
  across[(1 << 20) - 1] ^= 1, across[1 << 20] ^= 1;
  return {{"the_same", old, same, 0, 0},
          {"a_byte", old, byte, kPage, 1},
          {"two_pages", old, two, 2 * kPage, 2},
          {"neighbours_at_once", old, neighbours, 2 * kPage, 1},
          {"across_two_blocks", old, across, 2 * kPage, 2},
          {"the_last_bytes", old, tail, 32, 1},
          {"shorter", old, shorter, 0, 0},
          // From the page on whose end is new.
          {"longer", old, longer, longer.size() - old.size() + 32, 1},
          {"of_nothing", "", byte, byte.size(), 4},
          {"empty", old, "", 0, 0}};
}
INSTANTIATE_TEST_SUITE_P(Rows, WrittenChanges, testing::ValuesIn(rows()),
                         [](const auto& test) { return test.param.name; });

// At every size around a page and a block, with a change at random places.
TEST(WriteChanges, HoldAtEveryLength) {
  for (size_t bytes : {1UL, 4095UL, 4096UL, 4097UL, 1048575UL, 1048576UL, 1048577UL, 1052672UL}) {
    for (size_t other : {0UL, 4095UL, 4096UL, 4097UL, 1048576UL, 2100000UL}) {
      auto now = pages(bytes), before = pages(other);
      now[bytes / 2] ^= 1;
      stream::StringSource old_source(before), source(now);
      TextPatch patch(before);
      ASSERT_TRUE(write_changes(old_source, source, patch, {}, {}));
      EXPECT_TRUE(patch.text == now) << other << " to " << bytes;
    }
  }
}

class Broken : public stream::Source {
 public:
  Result<size_t> read(MutableBytes) override { return fail(Code::internal, "it broke"); }
};

TEST(WriteChanges, EndWithTheSourcesError) {
  auto text = pages(100);
  for (bool new_one : {false, true}) {
    Broken broken;
    stream::StringSource whole(text);
    TextPatch patch(text);
    auto changes = new_one ? write_changes(whole, broken, patch, {}, {})
                           : write_changes(broken, whole, patch, {}, {});
    ASSERT_FALSE(changes);
    EXPECT_EQ(changes.error().message, "it broke");
  }
}

TEST(WriteChanges, StopWhenToldTo) {
  auto text = pages(100);
  stream::StringSource before(text), now(text);
  TextPatch patch(text);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(write_changes(before, now, patch, {}, stop.get_token()).error().code, Code::cancelled);
}

}  // namespace
}  // namespace snap::jobs
