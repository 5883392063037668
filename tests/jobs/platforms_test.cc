// What a run archives on each platform, and whether the vendor's own restore would take it.
//
// The hosts are those of tests/data/node, etcd is a fake member; the steps of a restore are done
// by the system's own shell and tar.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "jobs/backup.h"
#include "jobs/check.h"
#include "jobs/make_set.h"
#include "jobs/verify_set.h"
#include "node/make_certificate.h"
#include "support/fake_grpc.h"
#include "support/process.h"

namespace snap::jobs {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

std::string small_database() {
  return test::etcd_image({test::row(2, 0, "/key", "value")}, {{"storageVersion", "3.6.0"}})
      .database();
}

// A host like a fixture, its etcd, and a run of the scheduled job there.
class OnHost {
 public:
  explicit OnHost(const std::string& fixture) {
    fs::copy(SNAP_TEST_DATA "/node/" + fixture, root(), fs::copy_options::recursive);
    config.cluster = "prod-east";
    config.local.directory = directory_.path("sets");
    config.local.reserve_bytes = 1;
    config.etcd.endpoints = {member_.endpoint()};
  }

  std::string root() const { return directory_.path("host"); }
  std::string path(const std::string& name) const { return directory_.path(name); }

  Settings settings() const {
    auto settings = settle(config, node::Host{root()}, {}).value();
    settings.etcd.tls = {};  // the fixtures' certificates are none
    return settings;
  }

  report::Outcome run() {
    int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    report::Log log({.fd = null});
    auto progress = report::make_progress(log);
    auto outcome = run_backup(settings(), {.trigger = "manual", .set_name = {}, .version = "test"},
                              {log, *progress, [] { return test::kSampleStart; }, {}});
    ::close(null);
    set = path("sets/") + outcome.set;
    return outcome;
  }

  // Prints and returns what a shell does with the host, the set and a scratch directory.
  std::string shell(const std::string& script) const {
    fs::create_directories(path("scratch"));
    auto done = test::run({.argv = {"/bin/bash", "-c", "set -euo pipefail; " + script},
                           .env = {{"HOST", root()}, {"SET", set}, {"SCRATCH", path("scratch")}}});
    EXPECT_TRUE(done.ok()) << done.text();
    return done.out;
  }

  config::Config config;
  std::string set;

 private:
  test::TempDir directory_;
  test::FakeGrpc member_{{.body = test::snapshot_body(small_database(), 4096)}};
};

// What cluster-backup.sh would archive: the revisions that the manifests name, seen from
// /etc/kubernetes. Facts: openshift/cluster-etcd-operator:bindata/etcd/cluster-backup.sh.
constexpr auto kVendorsArchive = R"(
  cd $HOST/etc/kubernetes
  for pod in kube-apiserver kube-controller-manager kube-scheduler etcd; do
    grep -o -m 1 "/etc/kubernetes/static-pod-resources/$pod-pod-[0-9]*" manifests/$pod-pod.yaml |
      sed 's|^/etc/kubernetes/||' | head -1
  done | xargs tar -czf $SCRATCH/vendor.tar.gz
  tar -tzf $SCRATCH/vendor.tar.gz | sort
)";

TEST(Openshift, ArchivesExactlyWhatTheVendorsScriptArchives) {
  OnHost host("openshift");
  auto outcome = host.run();
  ASSERT_EQ(outcome.exit, Exit::done) << outcome.error->error.message;
  auto ours = host.shell("tar -tzf $SET/static_kuberesources*.tar.gz | sort");
  EXPECT_EQ(ours, host.shell(kVendorsArchive));
  EXPECT_THAT(ours, HasSubstr("static-pod-resources/etcd-pod-9/etcd-pod.yaml\n"));
  EXPECT_THAT(ours, HasSubstr("secrets/encryption-config/encryption-config\n"));
  EXPECT_FALSE(fs::exists(host.set + "/" + sets::host_files_file_name(test::kSampleStart)));
}

// Facts: openshift/cluster-etcd-operator:bindata/etcd/cluster-restore.sh, as of 4.12 to 4.18.
TEST(Openshift, SetIsTakenByTheStepsOfClusterRestore) {
  OnHost host("openshift");
  host.config.resources.include = {"/etc/kubernetes/manifests"};
  ASSERT_EQ(host.run().exit, Exit::done);
  auto out = host.shell(R"sh(
    archive=$(ls -vd $SET/static_kuberesources*.tar.gz | tail -1)
    snapshot=$(ls -vd $SET/snapshot*.db | tail -1)
    test -f $snapshot
    mkdir -p $SCRATCH/etc/kubernetes/manifests $SCRATCH/var/lib/etcd-backup
    # since 4.17: the directories come back, and the snapshot goes to where the restore pod looks
    tar -C $SCRATCH/etc/kubernetes -xzf $archive static-pod-resources
    cp -p $snapshot $SCRATCH/var/lib/etcd-backup/snapshot.db
    # before: each pod's manifest, too. RHEL's tar matches patterns without being told to.
    for pod in kube-apiserver kube-controller-manager kube-scheduler etcd; do
      name=$(tar --wildcards -tvf $archive "*$pod-pod.yaml" | awk '{ print $6 }')
      test "$(wc -l <<<"$name")" = 1
      tar -xf $archive --strip-components=2 -C $SCRATCH/etc/kubernetes/manifests $name
      cmp $SCRATCH/etc/kubernetes/manifests/$pod-pod.yaml $HOST/etc/kubernetes/manifests/$pod-pod.yaml
    done
    cd $SCRATCH/etc/kubernetes
    for dir in static-pod-resources/*; do diff -r $dir $HOST/etc/kubernetes/$dir; echo $dir; done
  )sh");
  EXPECT_EQ(out,
            "static-pod-resources/etcd-pod-9\nstatic-pod-resources/kube-apiserver-pod-12\n"
            "static-pod-resources/kube-controller-manager-pod-7\n"
            "static-pod-resources/kube-scheduler-pod-6\n");
}

TEST(Openshift, PutsConfiguredPathsIntoAnArchiveOfTheirOwn) {
  OnHost host("openshift");
  host.config.resources.include = {"/etc/kubernetes/manifests"};
  auto outcome = host.run();
  ASSERT_EQ(outcome.exit, Exit::done);
  EXPECT_EQ(host.shell("tar -tzf $SET/static_kuberesources*.tar.gz | sort"),
            host.shell(kVendorsArchive));
  EXPECT_THAT(host.shell("tar -tzf $SET/host_files_*.tar.gz"),
              AllOf(HasSubstr("etc/kubernetes/manifests/etcd-pod.yaml\n"),
                    testing::Not(HasSubstr("etcd-pod-9"))));
  auto manifest = sets::parse_manifest(read_text(host.set + "/" + kManifest)).value();
  EXPECT_EQ(manifest.files.size(), 3U);
  EXPECT_THAT(manifest.resources.paths, Contains("/etc/kubernetes/manifests"));
  EXPECT_EQ(outcome.resources->file, kArchive);
  snapshot::VerifyOptions options;
  auto verified = verify_path(host.set, options);
  ASSERT_TRUE(verified) << describe(verified.error());
  EXPECT_THAT(verified->findings, IsEmpty());
  EXPECT_THAT(verified->warnings, IsEmpty());
}

TEST(Openshift, WithoutARevisionIsKeptAndNotCalledProven) {  // F-R01
  OnHost host("openshift");
  fs::remove(host.root() + "/etc/kubernetes/manifests/kube-scheduler-pod.yaml");
  for (const auto* revision : {"5", "6"})
    fs::remove_all(host.root() + "/etc/kubernetes/static-pod-resources/kube-scheduler-pod-" +
                   revision);
  auto outcome = host.run();
  EXPECT_EQ(outcome.exit, Exit::damaged);
  EXPECT_THAT(outcome.error->error.message, HasSubstr("kube-scheduler-pod-*: is not on this host"));
  EXPECT_FALSE(outcome.places.front().proven);
  EXPECT_TRUE(fs::exists(host.set));
}

TEST(Elsewhere, PathsBeginAtTheRoot) {
  OnHost host("rke2");
  fs::create_directories(host.root() + "/srv/psa");
  write_text(host.root() + "/srv/psa/rke2-pss.yaml", "named by a flag");
  ASSERT_EQ(host.run().exit, Exit::done);
  EXPECT_THAT(host.shell("tar -tzf $SET/static_kuberesources*.tar.gz"),
              AllOf(HasSubstr("\nvar/lib/rancher/rke2/server/token\n"),
                    HasSubstr("\nvar/lib/rancher/rke2/server/cred/encryption-config.json\n"),
                    HasSubstr("etc/rancher/rke2/config.yaml\n")));
}

// config/ knows no node/, so each has its list of names.
TEST(Profiles, MayAllBeConfiguredAndNoOthers) {
  auto refused = config::parse("etcd: {profile: other}", "x", {}, config::Need::nothing);
  ASSERT_FALSE(refused);
  constexpr std::string_view kBefore = "is not one of ";
  auto at = refused.error().message.find(kBefore);
  ASSERT_NE(at, std::string::npos) << refused.error().message;
  std::vector<std::string> taken;
  for (const auto& name : split(refused.error().message.substr(at + kBefore.size()), ','))
    taken.emplace_back(trim(name));
  auto names = node::profile_names();
  EXPECT_THAT(taken, testing::UnorderedElementsAreArray(names));
  for (const auto& name : names) {
    auto config =
        config::parse(std::format("etcd: {{profile: {}}}", name), "x", {}, config::Need::nothing);
    EXPECT_TRUE(config) << name;
  }
}

TEST(Settle, SaysWhyAHostHasNoEtcd) {
  config::Config config;
  config.cluster = "x";
  auto settings = settle(config, node::Host{SNAP_TEST_DATA "/node/k3s-sqlite"}, {});
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().code, Code::invalid);
  EXPECT_THAT(settings.error().message, HasSubstr("keeps its data in SQLite"));
  EXPECT_THAT(settings.error().hint, HasSubstr("--cluster-init"));
}

std::vector<CheckRow> rows_of(const std::vector<CheckRow>& rows, const std::string& subject) {
  auto found = rows;
  std::erase_if(found, [&](const auto& row) { return row.subject != subject; });
  return found;
}

TEST(Check, TellsWhatARestoreHasEachHostFileFor) {
  OnHost host("rke2");
  host.config.resources.include = {"/no/such"};
  fs::remove(host.root() + "/var/lib/rancher/rke2/server/token");
  auto rows = rows_of(check_everything(host.settings(), test::kSampleStart), "host files");
  ASSERT_EQ(rows.size(), 8U);
  for (const auto& row : rows) EXPECT_NE(row.use, "") << row.text;
  EXPECT_EQ(rows[0].verdict, Verdict::ok);
  EXPECT_EQ(rows[2].verdict, Verdict::warning);
  EXPECT_THAT(rows[2].text, HasSubstr("server/token is not on this host"));
  EXPECT_THAT(rows[2].use, HasSubstr("snapshot cannot be used without it"));
  EXPECT_EQ(rows[7].verdict, Verdict::failed);
  EXPECT_EQ(rows[7].exit, Exit::damaged);
}

TEST(Check, FailsWhereClusterRestoreWouldMissARevision) {
  OnHost host("openshift");
  EXPECT_THAT(rows_of(check_everything(host.settings(), test::kSampleStart), "host files"),
              testing::Each(Field(&CheckRow::verdict, Verdict::ok)));
  fs::remove_all(host.root() + "/etc/kubernetes/static-pod-resources/etcd-pod-9");
  auto rows = rows_of(check_everything(host.settings(), test::kSampleStart), "host files");
  EXPECT_THAT(rows, Contains(AllOf(Field(&CheckRow::verdict, Verdict::failed),
                                   Field(&CheckRow::text, HasSubstr("etcd-pod-9")))));
}

// A pod that does not see the directory of the encryption keys: no Secret of such a set can be
// read.
TEST(Kubeadm, WithoutTheFileOfAFlagIsIncompleteAndCheckSaysSo) {
  OnHost host("kubeadm");
  auto write = [&](const std::string& file) {
    fs::create_directories(fs::path(host.root() + file).parent_path());
    write_text(host.root() + file, "x");
  };
  write("/etc/kubernetes/audit/policy.yaml");
  constexpr auto kKeys = "/srv/kubernetes/encryption/enc.yaml";
  constexpr auto kNamed =
      "--encryption-provider-config in /etc/kubernetes/manifests/kube-apiserver.yaml names it; in "
      "a pod its directory must stand in hostPaths";
  auto failed = [&] {
    auto rows = rows_of(check_everything(host.settings(), test::kSampleStart), "host files");
    std::erase_if(rows, [](const auto& row) { return row.verdict != Verdict::failed; });
    return rows;
  };
  auto rows = failed();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].text, std::string(kKeys) + " is not on this host");
  EXPECT_EQ(rows[0].hint, kNamed);
  EXPECT_EQ(rows[0].exit, Exit::damaged);
  auto outcome = host.run();
  EXPECT_EQ(outcome.exit, Exit::damaged);
  ASSERT_TRUE(outcome.error);
  EXPECT_THAT(outcome.error->error.message, AllOf(HasSubstr(kKeys), HasSubstr(kNamed)));
  // Left out on purpose, or there after all.
  host.config.resources.exclude = {kKeys};
  EXPECT_THAT(failed(), IsEmpty());
  host.config.resources.exclude = {};
  write(kKeys);
  EXPECT_THAT(failed(), IsEmpty());
}

TEST(Check, ShowsACertificateOnceEvenWhereItServesTwice) {
  OnHost host("kubeadm");
  auto settings = host.settings();
  auto file = host.path("both.crt");
  constexpr Seconds kEnd = test::kSampleStart + std::chrono::days(40);
  write_text(file, test::make_certificate("ending", test::kSampleStart, kEnd).certificate);
  settings.etcd.tls = {.ca = file, .cert = file, .key = file, .server_name = ""};
  using std::chrono::days;
  for (auto [now, verdict] :
       {std::pair{kEnd - days(39), Verdict::ok}, std::pair{kEnd - days(29), Verdict::warning},
        std::pair{kEnd + days(1), Verdict::warning}}) {
    auto rows = rows_of(check_everything(settings, now), "certificates");
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].verdict, verdict) << rows[0].text;
    EXPECT_THAT(rows[0].text, HasSubstr("CN=ending"));
  }
}

TEST(Check, SaysOfAMissingDirectoryWhatARunSays) {
  OnHost host("kubeadm");
  host.config.local.directory = host.path("no/such/sets");
  auto rows = rows_of(check_everything(host.settings(), test::kSampleStart), "local");
  auto outcome = host.run();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].text, outcome.error->error.message);
  EXPECT_EQ(rows[0].hint, outcome.error->error.hint);
  EXPECT_EQ(rows[0].exit, outcome.exit);
}

}  // namespace
}  // namespace snap::jobs
