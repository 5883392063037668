#include "jobs/verify_set.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <utime.h>

#include <filesystem>

#include "jobs/make_set.h"

namespace snap::jobs {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

Result<Verified> verify(const std::string& path,
                        snapshot::Level level = snapshot::Level::structure) {
  return verify_path(path, {.level = level, .threads = 1});
}

void edit_manifest(const std::string& set, void (*edit)(sets::Manifest&)) {
  auto path = set + "/" + kManifest;
  auto manifest = sets::parse_manifest(read_text(path)).value();
  edit(manifest);
  write_text(path, sets::to_json(manifest));
}

void flip(const std::string& path, size_t at) {
  auto text = read_text(path);
  text[at] = static_cast<char>(text[at] ^ 1);
  write_text(path, text);
}

TEST(VerifySet, FindsNothingInASoundSet) {
  test::TempDir dir;
  auto set = make_set(dir.path());
  auto verified = verify(dir.path(set)).value();
  EXPECT_TRUE(verified.is_set);
  EXPECT_TRUE(verified.sound()) << snapshot::describe(verified.findings.front());
  EXPECT_THAT(verified.warnings, IsEmpty());
  ASSERT_TRUE(verified.status);
  EXPECT_EQ(verified.status->revision, 3);
  EXPECT_EQ(verified.size_bytes, fs::file_size(dir.path(set + "/" + kSnapshot)));
  EXPECT_TRUE(verify(dir.path(set), snapshot::Level::digest).value().sound());
}

TEST(VerifySet, TakesAPathThatEndsWithASlashOrALink) {
  test::TempDir dir;
  auto set = make_set(dir.path());
  EXPECT_TRUE(verify(dir.path(set + "/")).value().sound());
  EXPECT_TRUE(verify(dir.path(set + "/.")).value().sound());
  fs::create_directory_symlink(dir.path(set), dir.path("latest"));
  EXPECT_TRUE(verify(dir.path("latest")).value().sound());
}

// What is done to a set, and what must be found. Nothing of the set may be changed by looking.
struct Damage {
  std::string name;
  void (*damage)(const std::string& set);
  std::string file;
  std::string what;
};
void PrintTo(const Damage& c, std::ostream* out) { *out << c.name; }
class Damaged : public testing::TestWithParam<Damage> {};
TEST_P(Damaged, IsFoundAndNamed) {
  test::TempDir dir;
  auto set = make_set(dir.path());
  make_set(dir.path(), {.start = test::kSampleStart + 1h, .value = 8});
  GetParam().damage(dir.path(set));
  for (auto level : {snapshot::Level::digest, snapshot::Level::structure}) {
    auto verified = verify(dir.path(set), level);
    ASSERT_TRUE(verified) << verified.error().message;
    EXPECT_FALSE(verified->sound());
    EXPECT_THAT(
        verified->findings,
        Contains(testing::AllOf(Field(&snapshot::Finding::file, GetParam().file),
                                Field(&snapshot::Finding::what, HasSubstr(GetParam().what)))));
  }
}
const std::string kOther = "/../prod-east_2026-11-21T023000Z_master-0/";
const std::string kOtherSnapshot = sets::snapshot_file_name(test::kSampleStart + 1h);
void overwrite(const std::string& from, const std::string& to) {
  fs::copy_file(from, to, fs::copy_options::overwrite_existing);
}
void replace_by_fifo(const std::string& path) {
  fs::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
}
void replace_by_link(const std::string& path) {
  fs::rename(path, path + ".real");
  fs::create_symlink(path + ".real", path);
}
INSTANTIATE_TEST_SUITE_P(
    Content, Damaged,  // F-L19
    testing::Values(
        Damage{"snapshot_changed_at_the_same_size",
               [](const auto& s) { flip(s + "/" + kSnapshot, 9000); }, kSnapshot, "SHA-256"},
        Damage{"snapshot_cut", [](const auto& s) { fs::resize_file(s + "/" + kSnapshot, 8192); },
               kSnapshot, "is 8192 bytes, the manifest says"},
        Damage{"snapshot_grown",
               [](const auto& s) {
                 write_text(s + "/" + kSnapshot, read_text(s + "/" + kSnapshot) + "x");
               },
               kSnapshot, "the manifest says"},
        Damage{"snapshot_empty", [](const auto& s) { fs::resize_file(s + "/" + kSnapshot, 0); },
               kSnapshot, "is 0 bytes, the manifest says"},
        Damage{"snapshot_missing", [](const auto& s) { fs::remove(s + "/" + kSnapshot); },
               kSnapshot, "missing"},
        Damage{"archive_changed_at_the_same_size",
               [](const auto& s) { flip(s + "/" + kArchive, 12); }, kArchive, "SHA-256"},
        Damage{"archive_cut", [](const auto& s) { fs::resize_file(s + "/" + kArchive, 5); },
               kArchive, "is 5 bytes, the manifest says"},
        Damage{"archive_missing", [](const auto& s) { fs::remove(s + "/" + kArchive); }, kArchive,
               "missing"},
        Damage{"manifest_half", [](const auto& s) { fs::resize_file(s + "/" + kManifest, 100); },
               kManifest, ""},
        Damage{"manifest_empty", [](const auto& s) { fs::resize_file(s + "/" + kManifest, 0); },
               kManifest, ""},
        Damage{"manifest_one_gib",
               [](const auto& s) { fs::resize_file(s + "/" + kManifest, 1ULL << 30); }, kManifest,
               ""}),
    [](const auto& test) { return test.param.name; });
INSTANTIATE_TEST_SUITE_P(
    Kind, Damaged,  // F-L20
    testing::Values(
        Damage{"snapshot_is_a_fifo", [](const auto& s) { replace_by_fifo(s + "/" + kSnapshot); },
               kSnapshot, "not a regular file"},
        Damage{"snapshot_is_a_symlink", [](const auto& s) { replace_by_link(s + "/" + kSnapshot); },
               kSnapshot, "not a regular file"},
        Damage{"snapshot_is_a_directory",
               [](const auto& s) {
                 fs::remove(s + "/" + kSnapshot);
                 fs::create_directory(s + "/" + kSnapshot);
               },
               kSnapshot, "not a regular file"},
        Damage{"archive_is_a_fifo", [](const auto& s) { replace_by_fifo(s + "/" + kArchive); },
               kArchive, "not a regular file"},
        Damage{"archive_is_a_symlink", [](const auto& s) { replace_by_link(s + "/" + kArchive); },
               kArchive, "not a regular file"},
        Damage{"archive_is_a_device",
               [](const auto& s) {
                 fs::remove(s + "/" + kArchive);
                 ASSERT_EQ(::mknod((s + "/" + kArchive).c_str(), S_IFCHR | 0600, 0x0105), 0);
               },
               kArchive, "not a regular file"},
        Damage{"manifest_is_a_fifo", [](const auto& s) { replace_by_fifo(s + "/" + kManifest); },
               kManifest, "not a regular file"},
        Damage{"manifest_is_a_symlink", [](const auto& s) { replace_by_link(s + "/" + kManifest); },
               kManifest, "not a regular file"}),
    [](const auto& test) { return test.param.name; });
INSTANTIATE_TEST_SUITE_P(
    Mix, Damaged,  // F-V05
    testing::Values(
        Damage{"snapshot_of_another_set",
               [](const auto& s) { overwrite(s + kOther + kOtherSnapshot, s + "/" + kSnapshot); },
               kSnapshot, "SHA-256"},
        Damage{"manifest_of_another_set",
               [](const auto& s) { overwrite(s + kOther + kManifest, s + "/" + kManifest); },
               kManifest, "prod-east_2026-11-21T023000Z_master-0"},
        Damage{"start_of_another_set",
               [](const auto& s) {
                 edit_manifest(s, [](auto& m) {
                   m.started += 1h;
                   m.finished += 1h;
                 });
               },
               kManifest, "started"},
        Damage{"older_manifest_put_back",
               [](const auto& s) {
                 test::TempDir elsewhere;  // the same set as another run had made it
                 auto older = make_set(elsewhere.path(), {.value = 9});
                 overwrite(elsewhere.path(older + "/" + kManifest), s + "/" + kManifest);
               },
               kSnapshot, "SHA-256"},
        Damage{"manifest_with_another_digest",
               [](const auto& s) {
                 edit_manifest(s, [](auto& m) { m.files[1].sha256 = std::string(64, 'a'); });
               },
               kArchive, "SHA-256"}),
    [](const auto& test) { return test.param.name; });

TEST(VerifySet, TellsWhatWasNotProvenApartFromDamage) {
  test::TempDir dir;
  auto set = make_set(dir.path());
  edit_manifest(dir.path(set),
                [](auto& m) { m.proof.members = {sets::Outcome::failed, "etcd-2 differs"}; });
  auto verified = verify(dir.path(set)).value();
  EXPECT_TRUE(verified.findings.empty());
  EXPECT_EQ(verified.unproven, std::vector<std::string>{"members: etcd-2 differs"});
  EXPECT_FALSE(verified.sound());
}

TEST(VerifySet, FindsNumbersOfAnotherDatabaseInTheManifest) {  // F-V05
  test::TempDir dir;
  auto set = make_set(dir.path());
  edit_manifest(dir.path(set), [](auto& m) { m.etcd.revision = 99; });
  auto verified = verify(dir.path(set)).value();
  ASSERT_EQ(verified.findings.size(), 1U);
  EXPECT_THAT(verified.findings[0].what, HasSubstr("holds revision 3"));
  EXPECT_THAT(verified.findings[0].what, HasSubstr("the manifest says revision 99"));
}

TEST(VerifySet, FindsFilesOfTwoSetsThatWereSwappedWithTheirNames) {  // F-V05
  test::TempDir dir;
  auto set = make_set(dir.path());
  make_set(dir.path(), {.start = test::kSampleStart + 1h, .value = 8});
  fs::rename(dir.path(set), dir.path("x"));
  fs::rename(dir.path("prod-east_2026-11-21T023000Z_master-0"), dir.path(set));
  fs::rename(dir.path("x"), dir.path("prod-east_2026-11-21T023000Z_master-0"));
  EXPECT_FALSE(verify(dir.path(set)).value().sound());
  EXPECT_FALSE(verify(dir.path("prod-east_2026-11-21T023000Z_master-0")).value().sound());
}

// Odd, but no damage.
struct Oddity {
  std::string name;
  void (*make)(const std::string& set);
  std::string warning;  // empty: none
};
void PrintTo(const Oddity& c, std::ostream* out) { *out << c.name; }
class Odd : public testing::TestWithParam<Oddity> {};
TEST_P(Odd, IsAWarning) {  // F-L19
  test::TempDir dir;
  auto set = make_set(dir.path());
  GetParam().make(dir.path(set));
  auto verified = verify(dir.path(set)).value();
  EXPECT_TRUE(verified.sound());
  if (GetParam().warning.empty()) {
    EXPECT_THAT(verified.warnings, IsEmpty());
  } else {
    EXPECT_THAT(verified.warnings, ElementsAre(GetParam().warning));
  }
}
INSTANTIATE_TEST_SUITE_P(
    Things, Odd,
    testing::Values(
        Oddity{"extra_file", [](const auto& s) { write_text(s + "/a\nb", ""); },
               "a\\nb is no file of the set"},
        Oddity{"extra_fifo",
               [](const auto& s) { ASSERT_EQ(::mkfifo((s + "/pipe").c_str(), 0600), 0); },
               "pipe is no file of the set"},
        Oddity{"mode", [](const auto& s) { fs::permissions(s + "/" + kSnapshot, fs::perms(0644)); },
               kSnapshot + " has mode 0644, not 0600"},
        Oddity{"touched",
               [](const auto& s) { ASSERT_EQ(::utime((s + "/" + kSnapshot).c_str(), nullptr), 0); },
               ""}),
    [](const auto& test) { return test.param.name; });

TEST(VerifySet, RefusesTheManifestOfANewerVersion) {  // F-V07
  test::TempDir dir;
  auto set = make_set(dir.path());
  write_text(dir.path(set + "/" + kManifest), R"({"schema":2})");
  auto verified = verify(dir.path(set));
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().code, Code::invalid);
  EXPECT_THAT(verified.error().message, HasSubstr("newer"));
}

TEST(VerifySet, SaysThatADirectoryIsNoSet) {  // F-V11
  test::TempDir dir;
  auto verified = verify(dir.path());
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().code, Code::invalid);
  EXPECT_THAT(verified.error().message, HasSubstr("no backup set"));
  EXPECT_EQ(verify(dir.path("none")).error().code, Code::not_found);
}

TEST(VerifySet, DoesNotLookAtASetThatIsBeingRemoved) {
  test::TempDir dir;
  auto set = make_set(dir.path());
  auto remover = open_file(dir.path(set), O_RDONLY | O_DIRECTORY).value();
  ASSERT_EQ(::flock(remover.get(), LOCK_EX | LOCK_NB), 0);
  EXPECT_EQ(verify(dir.path(set)).error().code, Code::unavailable);
}

TEST(VerifySet, ChangesNothing) {
  test::TempDir dir;
  auto set = make_set(dir.path());
  auto before =
      read_text(dir.path(set + "/" + kManifest)) + read_text(dir.path(set + "/" + kSnapshot));
  flip(dir.path(set + "/" + kArchive), 12);
  EXPECT_FALSE(verify(dir.path(set)).value().sound());
  EXPECT_EQ(read_text(dir.path(set + "/" + kManifest)) + read_text(dir.path(set + "/" + kSnapshot)),
            before);
  EXPECT_TRUE(fs::exists(dir.path(set + "/" + kArchive)));
}

TEST(VerifyPath, ProvesASnapshotFileAlone) {
  test::TempDir dir;
  auto set = make_set(dir.path());
  auto verified = verify(dir.path(set + "/" + kSnapshot)).value();
  EXPECT_FALSE(verified.is_set);
  EXPECT_TRUE(verified.sound());
  EXPECT_EQ(verified.status->revision, 3);
}

}  // namespace
}  // namespace snap::jobs
