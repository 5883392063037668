#include "node/collect.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "node/archive_check.h"
#include "node/make_certificate.h"
#include "node/sinks.h"
#include "stream/memory.h"
#include "support/temp_dir.h"

namespace snap::node {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

// A host in a temporary directory, and what collect() makes of it.
class Collect : public testing::Test {
 protected:
  void write(const std::string& path, std::string_view content, mode_t mode = 0644) {
    auto full = host_.path(path);
    fs::create_directories(fs::path(full).parent_path());
    std::ofstream(full) << content;
    ::chmod(full.c_str(), mode);
  }
  std::string path(const std::string& name) const { return host_.path(name); }

  Collected run() {
    archive_ = {};
    options_.host_root = host_.path();
    return collect(options_, archive_).value();
  }
  void roots(std::initializer_list<std::string> paths, NamedBy by = NamedBy::config) {
    options_.roots.clear();
    for (const auto& root : paths) options_.roots.push_back({root, by});
  }
  // Names in the archive, which must be sound.
  std::vector<std::string> names() const {
    stream::StringSource source(archive_.content);
    auto report = check_archive(source).value();
    for (const auto& finding : report.findings) ADD_FAILURE() << finding.entry << finding.text;
    std::vector<std::string> list;
    for (const auto& entry : report.entries) list.push_back(entry.name);
    return list;
  }
  // Unpacked by the tar of the system, as an administrator would.
  std::string unpack(const test::TempDir& into) const {
    std::ofstream(into.path("a.tar.gz"), std::ios::binary) << archive_.content;
    fs::create_directory(into.path("out"));
    auto command = "tar -xpzf " + into.path("a.tar.gz") + " -C " + into.path("out") + " 2>" +
                   into.path("messages");
    EXPECT_EQ(std::system(command.c_str()), 0);
    std::ifstream messages(into.path("messages"));
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(messages), {}), "");
    return into.path("out");
  }

  test::TempDir host_;
  CollectOptions options_;
  test::StringSink archive_;
};

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

auto note(std::string path, std::string text) {
  return testing::AllOf(Field(&Note::path, path), Field(&Note::text, HasSubstr(text)));
}

TEST_F(Collect, MakesPathsRelativeToADirectoryAndLeavesOutWhatLiesElsewhere) {
  write("etc/kubernetes/static-pod-resources/etcd-pod-9/etcd-pod.yaml", "pod");
  write("etc/kubernetes2/x", "near miss");
  roots({"/etc/kubernetes/static-pod-resources/etcd-pod-9", "/etc/kubernetes2"});
  options_.relative_to = "/etc/kubernetes";
  auto collected = run();
  EXPECT_THAT(names(), ElementsAre("static-pod-resources/etcd-pod-9/",
                                   "static-pod-resources/etcd-pod-9/etcd-pod.yaml"));
  ASSERT_EQ(collected.incomplete.size(), 2U);
  EXPECT_EQ(collected.incomplete[0].path, "/etc/kubernetes2");
  EXPECT_THAT(collected.incomplete[0].text, HasSubstr("/etc/kubernetes, where a restore unpacks"));
}

TEST_F(Collect, KeepsContentModesOwnersAndTimes) {
  write("etc/kubernetes/pki/ca.key", "secret", 0600);
  write("etc/kubernetes/manifests/etcd.yaml", "pod", 0640);
  write("etc/kubernetes/manifests/empty", "");
  fs::create_directory(path("etc/kubernetes/manifests/none"));
  ::chmod(path("etc/kubernetes/pki").c_str(), 0751);
  ::chown(path("etc/kubernetes/pki/ca.key").c_str(), 3000000, 12);
  timespec times[2] = {{1000, 5}, {1700000000, 123456789}};
  ::utimensat(AT_FDCWD, path("etc/kubernetes/pki/ca.key").c_str(), times, 0);
  roots({"/etc/kubernetes/manifests", "/etc/kubernetes/pki/"});
  auto collected = run();
  EXPECT_THAT(names(),
              ElementsAre("etc/kubernetes/manifests/", "etc/kubernetes/manifests/empty",
                          "etc/kubernetes/manifests/etcd.yaml", "etc/kubernetes/manifests/none/",
                          "etc/kubernetes/pki/", "etc/kubernetes/pki/ca.key"));
  EXPECT_THAT(collected.paths, ElementsAre("/etc/kubernetes/manifests", "/etc/kubernetes/pki/"));
  EXPECT_EQ(collected.entries, 6U);
  EXPECT_EQ(collected.bytes, 9U);
  EXPECT_THAT(collected.notes, IsEmpty());
  EXPECT_THAT(collected.incomplete, IsEmpty());
  EXPECT_FALSE(archive_.finished);

  test::TempDir into;
  auto out = unpack(into);
  EXPECT_EQ(content_of(out + "/etc/kubernetes/pki/ca.key"), "secret");
  EXPECT_EQ(content_of(out + "/etc/kubernetes/manifests/etcd.yaml"), "pod");
  struct stat info{};
  ASSERT_EQ(::stat((out + "/etc/kubernetes/pki/ca.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
  EXPECT_EQ(info.st_uid, 3000000U);
  EXPECT_EQ(info.st_gid, 12U);
  EXPECT_EQ(info.st_mtime, 1700000000);
  ASSERT_EQ(::stat((out + "/etc/kubernetes/pki").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0751U);
}

TEST_F(Collect, GivesTheSameBytesForTheSameFiles) {
  for (auto name : {"b", "a", "c/d", "c.d", "Z"}) write(std::string("etc/") + name, name);
  fs::create_symlink("a", path("etc/link"));
  roots({"/etc", "/etc/c"});
  run();
  auto first = archive_.content;
  write("somewhere/else", "changes nothing");
  content_of(path("etc/a"));
  roots({"/etc/c", "/etc"});
  run();
  EXPECT_EQ(archive_.content, first);
  EXPECT_THAT(names(), ElementsAre("etc/", "etc/Z", "etc/a", "etc/b", "etc/c/", "etc/c.d",
                                   "etc/c/d", "etc/link"));
}

TEST_F(Collect, OfNothingIsAValidEmptyArchive) {
  roots({"/etc/kubernetes/pki"}, NamedBy::profile);
  auto collected = run();
  EXPECT_THAT(names(), IsEmpty());
  EXPECT_THAT(collected.notes, ElementsAre(note("/etc/kubernetes/pki", "is not on this host"),
                                           note("", "the archive is empty")));
  EXPECT_THAT(collected.incomplete, IsEmpty());
  test::TempDir into;
  unpack(into);
}

// F-R01
TEST_F(Collect, IsIncompleteWithoutAPathOfTheConfiguration) {
  write("etc/a", "x");
  options_.roots = {{"/etc/a", NamedBy::config},
                    {"/etc/none", NamedBy::config},
                    {"/etc/a/below", NamedBy::config},
                    {"/etc/known", NamedBy::profile}};
  auto collected = run();
  EXPECT_THAT(collected.incomplete, ElementsAre(note("/etc/none", "is not on this host"),
                                                note("/etc/a/below", "is not on this host")));
  EXPECT_THAT(collected.notes, ElementsAre(note("/etc/known", "is not on this host")));
  EXPECT_THAT(names(), ElementsAre("etc/a"));
}

// F-R01
TEST_F(Collect, IsIncompleteWithoutTheFileOfAFlag) {
  auto flag = [](const std::string& path) {
    return Root{path, NamedBy::flag, "", "--encryption-provider-config in /etc/apiserver.yaml"};
  };
  write("etc/a", "x");
  options_.roots = {flag("/etc/a"), flag("/srv/enc/config.yaml"), flag("/srv/old/config.yaml")};
  options_.exclude = {"/srv/old"};
  auto collected = run();
  EXPECT_THAT(collected.incomplete,
              ElementsAre(note("/srv/enc/config.yaml",
                               "is not on this host: --encryption-provider-config in "
                               "/etc/apiserver.yaml names it; in a pod its directory must stand "
                               "in hostPaths")));
  EXPECT_THAT(collected.notes, ElementsAre(note("/srv/old/config.yaml", "is not on this host")));
}

TEST_F(Collect, RefusesRelativeRoots) {
  roots({"etc"});
  auto collected = collect(options_, archive_);
  ASSERT_FALSE(collected);
  EXPECT_EQ(collected.error().code, Code::invalid);
}

// F-R01: root reads everything, so the tests become somebody else for it.
TEST_F(Collect, IsIncompleteWithAFileThatCannotBeRead) {
  write("etc/closed", "secret", 0000);
  write("etc/open", "x");
  write("etc/shut/inside", "secret");
  ::chmod(path("etc/shut").c_str(), 0000);
  ::chmod(host_.path().c_str(), 0755);
  roots({"/etc"}, NamedBy::profile);
  bool root = ::geteuid() == 0;
  ASSERT_EQ(root ? ::seteuid(65534) : 0, 0);
  auto collected = run();
  ASSERT_EQ(root ? ::seteuid(0) : 0, 0);
  EXPECT_THAT(collected.incomplete,
              ElementsAre(note("/etc/shut", "permission denied"),
                          note("/etc/closed", "open /etc/closed: permission denied")));
  EXPECT_THAT(names(), ElementsAre("etc/", "etc/open", "etc/shut/"));
}

// F-R02
TEST_F(Collect, StoresLinksAndFollowsNone) {
  write("outside/secret", "not asked for");
  write("etc/real", "x");
  fs::create_symlink("real", path("etc/inside"));
  fs::create_symlink("../outside/secret", path("etc/out"));
  fs::create_directory_symlink("/outside", path("etc/out-dir"));
  fs::create_symlink("nowhere", path("etc/dangling"));
  fs::create_symlink("loop", path("etc/loop"));
  roots({"/etc"});
  auto collected = run();
  EXPECT_THAT(names(), ElementsAre("etc/", "etc/dangling", "etc/inside", "etc/loop", "etc/out",
                                   "etc/out-dir", "etc/real"));
  EXPECT_THAT(
      collected.notes,
      ElementsAre(note("/etc/dangling", "leads nowhere"), note("/etc/loop", "leads nowhere"),
                  note("/etc/out", "is not archived"), note("/etc/out-dir", "is not archived")));
  EXPECT_THAT(collected.incomplete, IsEmpty());
  EXPECT_FALSE(archive_.content.contains("not asked for"));
}

TEST_F(Collect, ArchivesALinkThatWasNamedAndWhatItLeadsTo) {
  write("srv/pki/ca.crt.txt", "x");
  fs::create_directories(path("etc/kubernetes"));
  fs::create_symlink("/mnt/../srv/pki", path("etc/kubernetes/pki"));
  fs::create_directory(path("mnt"));
  roots({"/etc/kubernetes/pki"});
  auto collected = run();
  EXPECT_THAT(names(), ElementsAre("etc/kubernetes/pki", "srv/pki/", "srv/pki/ca.crt.txt"));
  EXPECT_THAT(collected.notes, ElementsAre(note("/etc/kubernetes/pki", "and so is /srv/pki")));
  EXPECT_THAT(collected.incomplete, IsEmpty());
}

TEST_F(Collect, FindsARootBehindLinkedDirectories) {
  write("data/k8s/enc/e.yaml", "x");
  fs::create_directory(path("etc"));
  fs::create_directory_symlink("../data/k8s", path("etc/kubernetes"));
  roots({"/etc/kubernetes/enc/e.yaml"});
  run();
  EXPECT_THAT(names(), ElementsAre("data/k8s/enc/e.yaml", "etc/kubernetes"));
}

TEST_F(Collect, NeverLeavesTheHostRoot) {
  fs::create_symlink("../../../../../../../../etc/passwd", path("up"));
  fs::create_symlink("/etc/passwd", path("absolute"));
  roots({"/up", "/absolute", "/../../etc/hostname"});
  auto collected = run();
  EXPECT_EQ(collected.incomplete.size(), 3U);
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(Collect, EndsOnALoopOfNamedLinks) {
  fs::create_symlink("b", path("a"));
  fs::create_symlink("a", path("b"));
  roots({"/a"}, NamedBy::profile);
  EXPECT_THAT(run().incomplete, ElementsAre(note("/a", "too many symbolic links")));
}

// F-R03
TEST_F(Collect, NeverOpensSpecialFiles) {
  write("etc/a", "x");
  ASSERT_EQ(::mkfifo(path("etc/fifo").c_str(), 0600), 0);
  Fd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  auto name = path("etc/socket");
  ASSERT_LT(name.size(), sizeof address.sun_path);
  name.copy(address.sun_path, name.size());
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  std::vector<testing::Matcher<Note>> expected = {note("/etc/fifo", "is a fifo: left out"),
                                                  note("/etc/socket", "is a socket: left out")};
  if (::mknod(path("etc/device").c_str(), S_IFCHR | 0600, makedev(1, 5)) == 0)
    expected.insert(expected.begin(), note("/etc/device", "is a character device: left out"));
  roots({"/etc"});
  auto collected = run();
  EXPECT_THAT(collected.notes, testing::ElementsAreArray(expected));
  EXPECT_THAT(names(), ElementsAre("etc/", "etc/a"));
}

// F-R05
TEST_F(Collect, KeepsHostileNamesAndShowsThemEscaped) {
  std::vector<std::string> hostile = {"a\nb", "esc\x1b[31m",         "bad\xff\xfe utf8", "-rf",
                                      "ключ", std::string(255, 'n'), "back\\slash"};
  for (const auto& name : hostile) write("etc/" + name, "x");
  ASSERT_EQ(::mkfifo(path("etc/fi\nfo").c_str(), 0600), 0);
  roots({"/etc"});
  auto collected = run();
  auto found = names();
  for (const auto& name : hostile) EXPECT_THAT(found, Contains("etc/" + name));
  EXPECT_THAT(collected.notes, ElementsAre(note("/etc/fi\\nfo", "fifo")));
  test::TempDir into;
  auto out = unpack(into);
  for (const auto& name : hostile) EXPECT_EQ(content_of(out + "/etc/" + name), "x") << name;
}

TEST_F(Collect, KeepsLongPathsAndLongLinks) {
  std::string deep = "etc";
  for (int i = 0; i < 12; ++i) deep += "/" + std::string(40, static_cast<char>('a' + i));
  write(deep + "/file", "x");
  fs::create_symlink("/" + std::string(300, 't'), path("etc/link"));
  roots({"/etc"});
  EXPECT_THAT(run().incomplete, IsEmpty());
  EXPECT_THAT(names(), Contains(deep + "/file"));
  test::TempDir into;
  auto out = unpack(into);
  EXPECT_EQ(content_of(out + "/" + deep + "/file"), "x");
  EXPECT_EQ(fs::read_symlink(out + "/etc/link"), "/" + std::string(300, 't'));
}

TEST_F(Collect, StatesItsLimits) {
  write("etc/a", "small");
  write("etc/big", std::string(3000, 'b'));
  write("etc/one/two/three", "deep");
  roots({"/etc"});
  options_.limits.file_bytes = 2000;
  options_.limits.depth = 1;
  auto collected = run();
  EXPECT_THAT(collected.incomplete,
              ElementsAre(note("/etc/one", "is deeper than 1 directories"),
                          note("/etc/big", "is left out: 3.0 kB, more than the 2.0 kB")));
  EXPECT_THAT(names(), ElementsAre("etc/", "etc/a", "etc/one/"));

  options_.limits = {.file_bytes = 5000, .total_bytes = 3002};
  collected = run();
  EXPECT_THAT(collected.incomplete,
              ElementsAre(note("/etc/big", "the host files would have more than 3.0 kB")));
  EXPECT_EQ(collected.bytes, 9U);

  options_.limits = {.entries = 3};
  collected = run();
  EXPECT_THAT(collected.incomplete, ElementsAre(note("/", "more than 3 files and directories")));
  EXPECT_THAT(names(), ElementsAre("etc/", "etc/a", "etc/big"));
}

TEST_F(Collect, ReadsLargeAndSparseFilesInPieces) {
  std::string content(3 << 20, 'x');
  for (size_t i = 0; i < content.size(); i += 997) content[i] = static_cast<char>(i);
  write("etc/large", content);
  write("etc/sparse", "");
  ASSERT_EQ(::truncate(path("etc/sparse").c_str(), 5 << 20), 0);
  write("etc/whole", std::string(1 << 20, 'w'));
  roots({"/etc"});
  auto collected = run();
  EXPECT_THAT(collected.incomplete, IsEmpty());
  EXPECT_EQ(collected.bytes, 9U << 20);
  test::TempDir into;
  auto out = unpack(into);
  EXPECT_EQ(content_of(out + "/etc/large"), content);
  EXPECT_EQ(content_of(out + "/etc/sparse"), std::string(5 << 20, '\0'));
}

TEST_F(Collect, EndsInATreeOfAThousandLevels) {
  fs::create_directory(path("etc"));
  Fd at(::open(path("etc").c_str(), O_PATH));
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(::mkdirat(at.get(), "d", 0755), 0);
    at = Fd(::openat(at.get(), "d", O_PATH | O_CLOEXEC));
  }
  roots({"/etc"});
  auto collected = run();
  ASSERT_EQ(collected.incomplete.size(), 1U);
  EXPECT_THAT(collected.incomplete[0].text, HasSubstr("is deeper than 64 directories"));
  EXPECT_EQ(names().size(), 65U);
}

// F-R06
TEST_F(Collect, ArchivesEachFileOnceWhenRootsOverlap) {
  write("etc/k/pki/ca", "x");
  roots({"/etc/k", "/etc/k/pki", "/etc/k/pki/ca", "/etc/k", "/etc/../etc/k/./pki"});
  auto collected = run();
  EXPECT_THAT(names(), ElementsAre("etc/k/", "etc/k/pki/", "etc/k/pki/ca"));
  EXPECT_EQ(collected.bytes, 1U);
}

TEST_F(Collect, NeverArchivesTheBackupSets) {
  write("var/sets/prod/snapshot.db", "sets");
  write("var/other", "x");
  fs::create_directory_symlink("sets", path("var/link"));
  options_.own_directories = {path("var/link"), path("var/none")};
  roots({"/var", "/var/sets/prod", "/var/sets"});
  auto collected = run();
  EXPECT_THAT(names(), ElementsAre("var/", "var/link", "var/other"));
  EXPECT_THAT(collected.notes, Contains(note("/var/sets", "holds the backup sets")));
  EXPECT_THAT(collected.notes, Contains(note("/var/sets/prod", "lies where the backup sets are")));
}

// In a mount namespace of its own, so that nothing outlives the test.
TEST_F(Collect, CrossesNoMountUnlessItIsNamed) {
  write("etc/a", "x");
  write("srv/b", "y");
  fs::create_directories(path("etc/tmpfs"));
  fs::create_directories(path("etc/bind"));
  ASSERT_EQ(::unshare(CLONE_NEWNS), 0) << "mounting needs root";
  // Refused in a chroot, whose mounts scripts/root has made private already.
  ASSERT_TRUE(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 || errno == EINVAL);
  ASSERT_EQ(::mount("none", path("etc/tmpfs").c_str(), "tmpfs", 0, "size=64k"), 0);
  ASSERT_EQ(::mount(path("srv").c_str(), path("etc/bind").c_str(), nullptr, MS_BIND, nullptr), 0);
  write("etc/tmpfs/c", "z");

  roots({"/etc"});
  auto collected = run();
  EXPECT_THAT(names(), ElementsAre("etc/", "etc/a"));
  EXPECT_THAT(collected.notes, ElementsAre(note("/etc/bind", "is another file system"),
                                           note("/etc/tmpfs", "is another file system")));
  roots({"/etc", "/etc/tmpfs", "/etc/bind"});
  collected = run();
  EXPECT_THAT(names(),
              ElementsAre("etc/", "etc/a", "etc/bind/", "etc/bind/b", "etc/tmpfs/", "etc/tmpfs/c"));
  EXPECT_THAT(collected.notes, IsEmpty());
  EXPECT_EQ(::umount(path("etc/tmpfs").c_str()), 0);
  EXPECT_EQ(::umount(path("etc/bind").c_str()), 0);
}

TEST_F(Collect, LeavesTheKernelsOwnFileSystemsOut) {
  options_.roots = {{"/proc/self", NamedBy::config}, {"/sys", NamedBy::profile}};
  options_.host_root = "/";
  auto collected = collect(options_, archive_).value();
  ASSERT_EQ(collected.incomplete.size(), 1U);
  EXPECT_EQ(collected.incomplete[0].text, "shows the kernel, not files: left out");
  EXPECT_THAT(collected.notes, Contains(note("/sys", "shows the kernel")));
}

struct Pattern {
  std::string name, pattern;
  bool matches;
};
void PrintTo(const Pattern& p, std::ostream* out) { *out << p.name; }
class Exclude : public Collect, public testing::WithParamInterface<Pattern> {};
TEST_P(Exclude, LeavesOutWhatAPatternNames) {
  write("etc/kubernetes/tmp/a.bak", "x");
  roots({"/etc/kubernetes"});
  options_.exclude = {GetParam().pattern};
  run();
  EXPECT_EQ(!testing::Value(names(), Contains("etc/kubernetes/tmp/a.bak")), GetParam().matches);
}
INSTANTIATE_TEST_SUITE_P(
    Patterns, Exclude,
    testing::Values(Pattern{"path", "/etc/kubernetes/tmp/a.bak", true},
                    Pattern{"prefix", "/etc/kubernetes/tmp", true},
                    Pattern{"prefix_with_slash", "/etc/kubernetes/tmp/", true},
                    Pattern{"half_a_name", "/etc/kubernetes/tm", false},
                    Pattern{"above_the_root", "/etc", true},
                    Pattern{"glob_of_names", "*.bak", true}, Pattern{"name", "tmp", true},
                    Pattern{"name_elsewhere", "etc", true}, Pattern{"other_name", "*.yaml", false},
                    Pattern{"glob_in_path", "/etc/*/tmp", true},
                    Pattern{"star_stops_at_slash", "/etc/*/a.bak", false},
                    Pattern{"class", "[a-c].ba?", true}, Pattern{"nothing", "", false}),
    [](const auto& test) { return test.param.name; });

// F-R07
TEST_F(Collect, GivesSubjectsAndDatesAndNoKeys) {
  auto from = *from_rfc3339("2020-01-01T00:00:00Z"), to = *from_rfc3339("2021-01-01T00:00:00Z");
  auto made = test::make_certificate("etcd", from, to);
  write("pki/a.crt", made.certificate);
  write("pki/a.key", made.key);
  write("pki/b.crt", made.key);
  write("pki/c.crt", "garbage");
  write("pki/d.txt", made.certificate);
  roots({"/pki"});
  auto collected = run();
  EXPECT_THAT(collected.certificates,
              ElementsAre(Certificate{"/pki/a.crt", "CN=etcd,O=system:masters", from, to}));
  EXPECT_THAT(collected.notes, ElementsAre(note("/pki/b.crt", "private key where a certificate"),
                                           note("/pki/c.crt", "no PEM certificate")));
  EXPECT_THAT(collected.incomplete, IsEmpty());
  EXPECT_EQ(names().size(), 6U);
}

TEST_F(Collect, ReturnsTheSinksErrorAndWritesNoMore) {
  auto noise = test::noise(300000);
  write("etc/a", noise);
  write("etc/b", noise + noise);
  roots({"/etc"});
  options_.host_root = host_.path();
  for (size_t room : {0U, 1000U, 70000U}) {
    test::FullSink sink(room);
    auto collected = collect(options_, sink);
    ASSERT_FALSE(collected) << room;
    EXPECT_EQ(collected.error().code, Code::no_space);
    EXPECT_FALSE(sink.wrote_after_failure);
  }
}

TEST_F(Collect, StopsWhenTold) {
  write("etc/a", "x");
  roots({"/etc"});
  options_.host_root = host_.path();
  std::stop_source stop;
  stop.request_stop();
  options_.stop = stop.get_token();
  EXPECT_EQ(collect(options_, archive_).error().code, Code::cancelled);
}

}  // namespace
}  // namespace snap::node
