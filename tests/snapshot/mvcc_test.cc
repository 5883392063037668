// Level mvcc: databases that are sound pages with a correct trailer, but nothing etcd would write.
#include <gmock/gmock.h>

#include <format>

#include "snapshot/etcd_image.h"
#include "snapshot/json_object.h"
#include "snapshot/verify.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace snap::snapshot {
namespace {

using test::BoltImage;
using test::row;
using test::tombstone;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Buckets = std::map<std::string, BoltImage::Pairs>;

// What is found at level mvcc beyond level structure, where these files are sound.
std::vector<std::string> findings(const std::string& snapshot, unsigned threads = 2) {
  test::TempDir directory;
  auto file = directory.path("s.db");
  test::write_file(file, snapshot);
  auto structure = verify(file, {.level = Level::structure});
  EXPECT_TRUE(structure && structure->sound());
  auto report = verify(file, {.level = Level::mvcc, .threads = threads});
  EXPECT_TRUE(report) << describe(report.error());
  std::vector<std::string> texts;
  for (const auto& finding : report->findings) {
    EXPECT_EQ(finding.level, Level::mvcc);
    auto text = describe(finding);
    texts.push_back(text.substr(text.find("s.db: ") + 6));
  }
  EXPECT_EQ(report->status.has_value(), true) << "the numbers are those of the pages";
  return texts;
}

struct RowCase {
  std::string name;
  BoltImage::Pairs rows;
  BoltImage::Pairs meta;
  std::string found;  // empty: sound
};
void PrintTo(const RowCase& c, std::ostream* out) { *out << c.name; }
class Rows : public testing::TestWithParam<RowCase> {};

TEST_P(Rows, AreThoseThatEtcdWrites) {
  for (unsigned threads : {1, 2}) {
    auto found = findings(test::etcd_image(GetParam().rows, GetParam().meta).snapshot(), threads);
    if (GetParam().found.empty())
      EXPECT_THAT(found, IsEmpty());
    else
      EXPECT_THAT(found, ElementsAre(HasSubstr(GetParam().found)));
  }
}

BoltImage::Pairs compacted(int64_t finished, int64_t scheduled) {
  return {{"finishedCompactRev", test::row_key(finished, 0)},
          {"scheduledCompactRev", test::row_key(scheduled, 0)}};
}
test::Row raw(int64_t main, const wire::Writer& value, bool tombstone = false) {
  return {test::row_key(main, 0, tombstone), value.text()};
}
wire::Writer value_of(const std::string& key, uint64_t create, uint64_t mod, uint64_t version) {
  return wire::Writer().bytes(1, key).number(2, create).number(3, mod).number(4, version);
}

INSTANTIATE_TEST_SUITE_P(
    Sound, Rows,
    testing::Values(
        RowCase{"none", {}, {}, ""},
        RowCase{"history",
                {row(2, 0, "a", "1"), row(2, 1, "b", "1"), row(3, 0, "a", "", 2, 2),
                 tombstone(4, 0, "b"), row(5, 0, "b", "2", 1, 0, 77)},
                {},
                ""},
        RowCase{"gaps_up_to_the_compaction",
                {row(7, 3, "a", "1", 4, 2), row(20, 0, "b", "1", 1), row(21, 0, "c", "1"),
                 row(21, 1, "d", "1")},
                compacted(20, 20),
                ""},
        RowCase{"a_tombstone_at_the_compaction", {tombstone(20, 0, "b")}, compacted(20, 20), ""},
        RowCase{"an_unfinished_compaction",
                {row(9, 0, "a", "1", 4, 2), row(15, 0, "a", "1", 5, 2), row(21, 0, "c", "1")},
                compacted(10, 20),
                ""},
        // The restore that raises revisions: a row without a value, and a compaction to it.
        RowCase{"a_raised_revision",
                {row(2, 0, "a", "1"), {test::row_key(1002, 0), ""}},
                {{"scheduledCompactRev", test::row_key(1002, 0)}},
                ""},
        RowCase{"a_key_that_was_migrated", {row(9, 0, "a", "1", 1, 4)}, {}, ""},
        // From etcd 2: each key once, at the index that it had there.
        RowCase{"a_migrated_store",
                {row(9, 0, "a", "1", 1, 4), row(15, 0, "b", "1"), row(40, 0, "c", "1", 1, 8),
                 row(41, 0, "c", "1", 2, 8), tombstone(42, 0, "a")},
                {},
                ""},
        RowCase{"a_migrated_store_compacted_in_its_midst",
                {row(9, 0, "a", "1"), row(15, 0, "b", "1"), row(40, 0, "c", "1")},
                compacted(12, 12),
                ""}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Damaged, Rows,
    testing::Values(
        RowCase{"mod_revision_of_another_row",
                {row(2, 0, "a", "1"), raw(3, value_of("/registry/x\n", 2, 4, 2))},
                {},
                "row 3_0 of key /registry/x\\n: mod_revision is 4, expected 3"},
        RowCase{"mod_revision_missing",
                {raw(2, value_of("a", 2, 0, 1))},
                {},
                "row 2_0 of key a: mod_revision is 0, expected 2"},
        RowCase{"created_later", {row(2, 0, "a", "1", 1, 3)}, {}, "create_revision is 3, expected"},
        RowCase{"never_created",
                {raw(2, value_of("a", 0, 2, 1))},
                {},
                "create_revision is 0, expected one from 1 to 2"},
        RowCase{
            "version_0", {row(2, 0, "a", "1", 0)}, {}, "version is 0, expected one from 1 to 1"},
        RowCase{"more_versions_than_revisions",
                {row(2, 0, "a", "1"), row(3, 0, "a", "1", 3, 2)},
                {},
                "version is 3, expected one from 1 to 2: created at revision 2"},
        RowCase{"no_key", {raw(2, value_of("", 2, 2, 1))}, {}, "row 2_0: the row names no key"},
        RowCase{"tombstone_without_key",
                {raw(2, wire::Writer(), true)},
                {},
                "row 2_0: the tombstone names no key"},
        RowCase{"tombstone_with_a_value",
                {raw(2, wire::Writer().bytes(1, "a").bytes(5, "v"), true)},
                {},
                "row 2_0 of key a: the tombstone holds more than the key"},
        RowCase{"tombstone_with_a_version",
                {raw(2, wire::Writer().bytes(1, "a").number(4, 1), true)},
                {},
                "holds more than the key"},
        RowCase{"tombstone_with_a_creation",
                {raw(2, wire::Writer().bytes(1, "a").number(2, 1), true)},
                {},
                "holds more than the key"},
        RowCase{"tombstone_with_a_modification",
                {raw(2, wire::Writer().bytes(1, "a").number(3, 2), true)},
                {},
                "holds more than the key"},
        RowCase{"tombstone_with_a_lease",
                {raw(2, wire::Writer().bytes(1, "a").number(6, 7), true)},
                {},
                "holds more than the key"},
        RowCase{"a_long_key",
                {raw(2, value_of(std::string(201, 'k'), 2, 3, 1))},
                {},
                "of key " + std::string(200, 'k') + "...: mod_revision is 3"},
        RowCase{"revision_0", {row(0, 0, "a", "1", 1, 1)}, {}, "row 0_0 of key a: no revision"},
        RowCase{"a_negative_change",
                {row(2, -1, "a", "1")},
                {},
                "row 2_-1 of key a: no revision that etcd gives"},
        RowCase{"a_missing_revision",
                {row(2, 0, "a", "1"), row(4, 0, "a", "1", 2, 2)},
                {},
                "rows are missing: 4_0 follows 2_0, expected 3_0; nothing was ever compacted"},
        RowCase{"a_missing_revision_behind_a_lease",
                {row(2, 0, "a", "1", 1, 0, 77), row(4, 0, "b", "1")},
                {},
                "rows are missing: 4_0 follows 2_0, expected 3_0"},
        RowCase{"a_missing_revision_behind_a_migration",
                {row(9, 0, "a", "1"), row(15, 0, "b", "1"), row(16, 0, "b", "2", 2, 15),
                 row(18, 0, "c", "1")},
                {},
                "rows are missing: 18_0 follows 16_0, expected 17_0"},
        RowCase{"a_missing_change",
                {row(2, 0, "a", "1"), row(2, 2, "b", "1")},
                {},
                "rows are missing: 2_2 follows 2_0, expected 2_1"},
        RowCase{"a_missing_first_change",
                {row(2, 0, "a", "1"), row(3, 1, "b", "1")},
                {},
                "3_1 follows 2_0, expected 3_0"},
        RowCase{"a_missing_row_behind_the_compaction",
                {row(7, 0, "a", "1", 3, 2), row(22, 0, "b", "1")},
                compacted(20, 20),
                "22_0 follows 7_0, expected 21_0; no row above the compaction at revision 20 may"},
        RowCase{"nothing_left_up_to_the_compaction",
                {row(22, 0, "b", "1", 2, 5)},
                compacted(20, 20),
                "22_0 follows none, expected 21_0"}),
    [](const auto& test) { return test.param.name; });

// What may come from a migration is doubtful until a row that cannot: then both gaps are told.
TEST(Mvcc, TellsOfAGapAmongMigratedRowsOnceOneIsNot) {
  for (unsigned threads : {1, 3}) {
    BoltImage::Pairs rows{row(2, 0, "k", "v", 1, 0, 77)};  // with a lease: no migration
    for (int i = 3; i < 900; ++i) rows.push_back(row(i < 600 ? i : i + 5, 0, "k", "v"));
    EXPECT_THAT(findings(test::etcd_image(rows).snapshot(), threads),
                ElementsAre(HasSubstr("rows are missing: 605_0 follows 599_0, expected 600_0")));
  }
}

// Rows in several leaves, cut into parts for two threads, and a leaf that was lost in the middle.
TEST(Mvcc, FindsRowsMissingBetweenLeavesWhateverTheNumberOfThreads) {
  // The only one that no migration from etcd 2 wrote: what lies behind it is in other parts.
  BoltImage::Pairs rows{row(2, 0, "k2", "v", 1, 0, 77)};
  for (int i = 3; i < 900; ++i) rows.push_back(row(i, 0, std::format("k{}", i), "v"));
  EXPECT_THAT(findings(test::etcd_image(rows).snapshot(), 3), IsEmpty());
  for (int lost : {4, 400, 888}) {  // a leaf holds four
    auto less = rows;
    less.erase(less.begin() + lost, less.begin() + lost + 4);
    auto expected = std::format("rows are missing: {}_0 follows {}_0, expected {}_0", lost + 6,
                                lost + 1, lost + 2);
    for (unsigned threads : {1, 2, 3})
      EXPECT_THAT(findings(test::etcd_image(less).snapshot(), threads),
                  ElementsAre(testing::AllOf(HasSubstr("page "), HasSubstr("(byte "),
                                             HasSubstr(expected))));
  }
}

TEST(Mvcc, LooksAtAValueThatIsLargerThanTheWindow) {
  const std::string large(3 << 20, 'x');
  EXPECT_THAT(findings(test::etcd_image({row(2, 0, "a", large)}).snapshot()), IsEmpty());
  EXPECT_THAT(findings(test::etcd_image({row(2, 0, "a", large, 2)}).snapshot()),
              ElementsAre(HasSubstr("row 2_0 of key a: version is 2")));
}

struct PairCase {
  std::string name;
  Buckets buckets;  // beside those of a sound member
  std::string found;
};
void PrintTo(const PairCase& c, std::ostream* out) { *out << c.name; }
class SmallBuckets : public testing::TestWithParam<PairCase> {};

TEST_P(SmallBuckets, HoldWhatEtcdReadsAtItsStart) {
  auto image = test::etcd_image_of({row(2, 0, "a", "1")}, test::small_buckets(GetParam().buckets));
  auto found = findings(image.snapshot());
  if (GetParam().found.empty())
    EXPECT_THAT(found, IsEmpty());
  else
    EXPECT_THAT(found, ElementsAre(HasSubstr(GetParam().found)));
}

const std::string kIndex(8, '\1');
const std::string kLease = std::string(7, '\0') + "\x4d";  // 77
std::string lease(uint64_t id) { return wire::Writer().number(1, id).number(2, 60).text(); }

INSTANTIATE_TEST_SUITE_P(
    Sound, SmallBuckets,
    testing::Values(
        PairCase{
            "full",
            {{"meta",
              {{"confState", R"({"voters":[10276657743932975437],"auto_leave":false})"},
               {"consistent_index", kIndex},
               {"storageVersion", "3.6.0"},
               {"term", kIndex}}},
             {"lease", {{kLease, lease(77)}}},
             {"alarm", {{wire::Writer().number(1, 161).number(2, 1).text(), ""}}},
             {"auth", {{"authEnabled", "\1"}, {"authRevision", kIndex}}},
             {"authUsers", {{"root", wire::Writer().bytes(1, "root").bytes(2, "x").text()}}},
             {"authRoles", {{"r", wire::Writer().bytes(1, "r").text()}}},
             {"members_removed", {{"b2", "removed"}}},
             {"cluster", {{"clusterVersion", "3.6.0"}, {"downgrade", R"({"enabled":false})"}}}},
            ""},
        PairCase{"of_a_new_cluster", {{"cluster", {}}}, ""},
        PairCase{"a_bucket_of_a_later_version", {{"later", {{"a", "b"}}}}, ""},
        PairCase{"an_entry_of_a_later_version", {{"cluster", {{"later", "?"}}}}, ""},
        PairCase{"unknown_entries",
                 {{"auth", {{"later", "?"}}}, {"meta", {{"consistent_index", kIndex}, {"x", ""}}}},
                 ""}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Damaged, SmallBuckets,
    testing::Values(
        PairCase{"no_index", {{"meta", {{"term", kIndex}}}}, "consistent_index is missing"},
        PairCase{"short_index",
                 {{"meta", {{"consistent_index", "1234"}}}},
                 "bucket 'meta': consistent_index is 4 bytes long, expected 8"},
        PairCase{"long_term",
                 {{"meta", {{"consistent_index", kIndex}, {"term", kIndex + "x"}}}},
                 "term is 9 bytes long"},
        PairCase{
            "compaction_to_a_tombstone",
            {{"meta",
              {{"consistent_index", kIndex}, {"scheduledCompactRev", test::row_key(1, 0, true)}}}},
            "scheduledCompactRev is no revision of 17 bytes"},
        PairCase{"compaction_to_a_negative_revision",
                 {{"meta",
                   {{"consistent_index", kIndex}, {"scheduledCompactRev", test::row_key(-9, 0)}}}},
                 "scheduledCompactRev is no revision of 17 bytes"},
        PairCase{"compaction_to_no_revision",
                 {{"meta",
                   {{"consistent_index", kIndex},
                    {"finishedCompactRev", "5"},
                    {"scheduledCompactRev", test::row_key(1, 0)}}}},
                 "finishedCompactRev is no revision of 17 bytes"},
        PairCase{"compaction_inside_a_revision",
                 {{"meta",
                   {{"consistent_index", kIndex}, {"scheduledCompactRev", test::row_key(1, 2)}}}},
                 "scheduledCompactRev is no revision of 17 bytes"},
        PairCase{"finished_before_it_was_scheduled",
                 {{"meta",
                   {{"consistent_index", kIndex},
                    {"finishedCompactRev", test::row_key(5, 0)},
                    {"scheduledCompactRev", test::row_key(4, 0)}}}},
                 "compaction to revision 5 is finished, but the last one scheduled is 4"},
        PairCase{
            "never_scheduled",
            {{"meta", {{"consistent_index", kIndex}, {"finishedCompactRev", test::row_key(5, 0)}}}},
            "the last one scheduled is none"},
        PairCase{"conf_state",
                 {{"meta", {{"confState", R"({"voters":[1)"}, {"consistent_index", kIndex}}}},
                 "confState is no JSON object"},
        PairCase{"storage_version",
                 {{"meta", {{"consistent_index", kIndex}, {"storageVersion", "3.6"}}}},
                 "storageVersion is no version"},
        PairCase{"no_members", {{"members", {}}}, "bucket 'members' is empty"},
        PairCase{"member_of_another_id",
                 {{"members", {{"a1", R"({"id":162,"name":"m"})"}}}},
                 "bucket 'members': a1 names the id a2, expected a1"},
        PairCase{"member_without_id",
                 {{"members", {{"a1", R"({"name":"id"})"}}}},
                 "a1 names the id (none), expected a1"},
        PairCase{"member_by_name", {{"members", {{"m1", "{}"}}}}, "m1 is not named by a member id"},
        PairCase{"member_padded", {{"members", {{"0a1", R"({"id":161})"}}}}, "0a1 is not named"},
        PairCase{"member_cut", {{"members", {{"a1", R"({"id":161)"}}}}, "a1 is no JSON object"},
        PairCase{"member_with_more_behind_it", {{"members", {{"a1z", "{}"}}}}, "a1z is not named"},
        PairCase{"member_of_a_number_too_large",
                 {{"members", {{"10000000000000000", "{}"}}}},
                 "10000000000000000 is not named"},
        PairCase{"removed_member", {{"members_removed", {{"x", "removed"}}}}, "x is not named by"},
        PairCase{"cluster_version", {{"cluster", {{"clusterVersion", "3."}}}}, "is no version"},
        PairCase{"downgrade", {{"cluster", {{"downgrade", "[]"}}}}, "downgrade is no JSON object"},
        PairCase{"lease_of_another_id",
                 {{"lease", {{kLease, lease(78)}}}},
                 "holds the lease 4e, expected 4d"},
        PairCase{"lease_cut", {{"lease", {{kLease, "\x08"}}}}, "is no Lease"},
        PairCase{"lease_name", {{"lease", {{"1234", lease(77)}}}}, "lease id of 8 bytes"},
        PairCase{"alarm", {{"alarm", {{"\x08", ""}}}}, "is no AlarmMember"},
        PairCase{"auth_switch_long", {{"auth", {{"authEnabled", "11"}}}}, "is 2 bytes long"},
        PairCase{"auth_switch", {{"auth", {{"authEnabled", "\2"}}}}, "neither on (1) nor off (0)"},
        PairCase{
            "auth_revision", {{"auth", {{"authRevision", ""}}}}, "is 0 bytes long, expected 8"},
        PairCase{"user_of_another_name",
                 {{"authUsers", {{"root", wire::Writer().bytes(1, "toor").text()}}}},
                 "bucket 'authUsers': root holds another name"},
        PairCase{"role_cut", {{"authRoles", {{"r", "\x0a\x05r"}}}}, "r cannot be read"}),
    [](const auto& test) { return test.param.name; });

// 3.4 notes the index with the first row.
TEST(Mvcc, TakesANewMemberWithoutRowsForSound) {
  auto buckets = test::small_buckets({{"meta", {}}});
  EXPECT_THAT(findings(test::etcd_image_of({}, buckets).snapshot()), IsEmpty());
}

TEST(Mvcc, NamesEachBucketThatIsMissing) {
  for (const auto& [missing, pairs] : test::small_buckets()) {
    if (missing == "meta") continue;  // found by the structure check
    auto buckets = test::small_buckets();
    buckets.erase(missing);
    EXPECT_THAT(findings(test::etcd_image_of({}, buckets).snapshot()),
                ElementsAre(std::format("bucket '{}' is missing", missing)));
  }
}

// A bucket that outgrew its place beside the others has pages of its own.
TEST(Mvcc, TakesMembersInPagesOfTheirOwnForThere) {
  auto buckets = test::small_buckets();
  BoltImage image;
  auto members = image.leaf(buckets["members"]);
  std::map<std::string, std::string> entries{{"key", BoltImage::inline_bucket({})}};
  for (const auto& [name, pairs] : buckets) entries[name] = BoltImage::inline_bucket(pairs);
  entries["members"] = BoltImage::bucket_at(members);
  image.finish({entries.begin(), entries.end()});
  EXPECT_THAT(findings(image.snapshot()), IsEmpty());
}

TEST(Status, ShowsNoStorageVersionThatIsTooLongToBeOne) {
  test::TempDir directory;
  auto file = directory.path("s.db");
  test::write_file(file,
                   test::etcd_image({}, {{"storageVersion", std::string(65, '3')}}).snapshot());
  EXPECT_EQ(read_status(file)->status->storage_version, "");
  test::write_file(file,
                   test::etcd_image({}, {{"storageVersion", std::string(64, '3')}}).snapshot());
  EXPECT_EQ(read_status(file)->status->storage_version, std::string(64, '3'));
}

// What the pages hold together says nothing where one of them cannot be read.
TEST(Mvcc, IsSilentWhereTheStructureIsDamaged) {
  BoltImage::Pairs rows;
  for (int i = 2; i < 40; ++i) rows.push_back(row(i, 0, std::format("k{}", i), "v", 9));
  auto image = test::etcd_image(rows);
  image.put<uint16_t>(4, 8, 0x40);
  test::TempDir directory;
  auto file = directory.path("s.db");
  test::write_file(file, image.snapshot());
  auto report = verify(file, {});
  ASSERT_TRUE(report);
  ASSERT_EQ(report->findings.size(), 1U);
  EXPECT_EQ(report->findings[0].level, Level::structure);
  EXPECT_FALSE(report->status);
}

TEST(JsonObject, IsReadWithIdsThatNoDoubleHolds) {
  auto object =
      read_json_object(R"( {"a":[1,{"id":5},"}"],"id":10276657743932975437,"b":-1.5e3} )");
  ASSERT_TRUE(object);
  EXPECT_EQ(object->id, 10276657743932975437ULL);
  EXPECT_EQ(read_json_object(R"({"id":"7"})")->id, std::nullopt);
  EXPECT_EQ(read_json_object(R"({"id":-7})")->id, std::nullopt);
  EXPECT_EQ(read_json_object(R"({"id":7.5})")->id, std::nullopt);
  EXPECT_EQ(read_json_object(R"({"id":18446744073709551616})")->id, std::nullopt);
  EXPECT_TRUE(read_json_object(R"({"a":1e999})"));
  EXPECT_TRUE(read_json_object(R"({"a":"\"","b":{},"c":[],"d":null,"e":[true,false]})"));
  for (const std::string bad :
       {"", "1", "[]", "{", "{}x", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\":tru}", "{a:1}",
        "{\"a\":\"x}", "{\"a\":1.}", "{\"a\":-}", "{\"a\":\"\n\"}"})
    EXPECT_FALSE(read_json_object(bad)) << bad;
  EXPECT_FALSE(read_json_object("{\"a\":" + std::string(100'000, '[')));
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  EXPECT_FALSE(read_json_object(objects));
}

}  // namespace
}  // namespace snap::snapshot
