#!/usr/bin/env python3
"""The Debian package in a small Debian 13: installed with what it says it needs, judged, upgraded, removed, purged. ETCD_SNAPSHOT_BUILD
names the build directory."""
import os
import pathlib
import re
import subprocess
import unittest

from overlay import Overlay, own_mounts

TOP = pathlib.Path(__file__).resolve().parents[2]
DEB = max(pathlib.Path(os.environ["ETCD_SNAPSHOT_BUILD"]).glob("etcd-snapshot_*.deb"), key=lambda file: file.stat().st_mtime)
UNITS = "/usr/lib/systemd/system"
TIMERS = ("etcd-snapshot.timer", "etcd-snapshot-verify.timer")
SERVICES = ("etcd-snapshot.service", "etcd-snapshot-verify.service")
WANTS = "/etc/systemd/system/timers.target.wants"
SCORE = 2.0  # of systemd-analyze security: 0 exposes nothing, 10 all. README.md states it


def control(field):
    return subprocess.run(["dpkg-deb", "-f", DEB, field], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.installed = Overlay()
        cls.addClassCleanup(cls.installed.close)
        cls.installed.apt_install(DEB)

    def setUp(self):
        self.system = self.installed.above()
        self.addCleanup(self.system.close)

    def give_sets_and_secrets(self):
        """What an administrator and some runs leave."""
        for name in ("/var/lib/etcd-snapshot/prod_2026-11-21T013000Z_master-0/snapshot_2026-11-21_013000.db", "/etc/etcd-snapshot/ssh/private"):
            self.system.path(name).parent.mkdir(parents=True)
            self.system.path(name).write_text("kept")
        config = self.system.path("/etc/etcd-snapshot/config.yaml")
        config.write_text(config.read_text().replace("#cluster: prod-east", "cluster: prod"))
        self.system.run("systemctl", "enable", *TIMERS)

    def expect_sets_and_secrets(self):
        for name in ("/var/lib/etcd-snapshot/prod_2026-11-21T013000Z_master-0/snapshot_2026-11-21_013000.db", "/etc/etcd-snapshot/ssh/private"):
            self.assertEqual(self.system.path(name).read_text(), "kept")

    def test_runs_with_nothing_but_what_it_depends_on(self):
        self.assertRegex(self.system.run("etcd-snapshot", "--version"), r"^etcd-snapshot \d")
        libraries = self.system.run("ldd", "/usr/bin/etcd-snapshot")
        self.assertNotIn("not found", libraries)

    # dpkg-shlibdeps is content with libraries that lose data without an error.
    def test_depends_on_versions_that_the_build_asks_for(self):
        asked = dict(re.findall(r"IMPORTED_TARGET (\w+)>=([\d.]+)", (TOP / "cmake/platform.cmake").read_text()))
        self.assertIn("libcurl", asked)
        depends = control("Depends")
        for library, package in {"libcurl": "libcurl4t64", "libssl": "libssl3t64", "libcrypto": "libssl3t64", "libarchive": "libarchive13t64",
                                 "libnfs": "libnfs14", "libssh": "libssh-4"}.items():
            self.assertIn(f"{package} (>= {asked.pop(library)})", depends)
        self.assertEqual(asked, {})

    def test_brings_a_configuration_that_the_program_takes(self):
        self.assertIn("http://127.0.0.1:2379: connection refused", self.system.run("etcd-snapshot", "check", expect=3))
        self.assertEqual(self.system.path("/etc/etcd-snapshot").stat().st_mode & 0o777, 0o700)
        self.assertEqual(self.system.run("dpkg-query", "-W", "-f", "${Conffiles}", "etcd-snapshot").split()[0], "/etc/etcd-snapshot/config.yaml")

    def test_comments_of_the_configuration_are_settings_too(self):
        config = self.system.path("/etc/etcd-snapshot/config.yaml")
        config.write_text(re.sub(r"^#(?! \S)", "", config.read_text(), flags=re.MULTILINE).replace("10.0.0.5", "127.0.0.1"))
        self.assertRegex(self.system.run("etcd-snapshot", "check", expect=3), r"nas +FAILED")
        config.write_text(config.read_text() + "metricFile: x\n")
        self.assertIn("metricFile", self.system.run("etcd-snapshot", "check", expect=2))

    def test_brings_the_words_of_this_program(self):
        for name, command in {"/usr/share/bash-completion/completions/etcd-snapshot": "completion bash",
                              "/usr/share/zsh/vendor-completions/_etcd-snapshot": "completion zsh",
                              "/usr/share/fish/vendor_completions.d/etcd-snapshot.fish": "completion fish"}.items():
            self.assertEqual(self.system.path(name).read_text(), self.system.run("etcd-snapshot", *command.split()))
        self.assertEqual(self.system.run("zcat", "/usr/share/man/man8/etcd-snapshot.8.gz"), self.system.run("etcd-snapshot", "man"))

    def test_starts_nothing_before_the_administrator_says_so(self):
        for timer in TIMERS:
            self.assertEqual(self.system.run("systemctl", "is-enabled", timer, expect=1).strip(), "disabled")
        self.system.run("systemctl", "enable", *TIMERS)
        self.assertEqual({path.name for path in self.system.path(WANTS).iterdir()} & set(TIMERS), set(TIMERS))

    # systemd-analyze says what it does not know and ends with 0: any word of it is a failure.
    def test_units_are_what_systemd_understands(self):
        units = [f"{UNITS}/{name}" for name in (*TIMERS, *SERVICES)]
        self.assertEqual(self.system.run("systemd-analyze", "verify", "--man=no", *units), "")
        unit = self.system.path(units[-1])
        unit.write_text(unit.read_text().replace("ProtectSystem", "ProtectSystm"))
        self.assertIn("ProtectSystm", self.system.run("systemd-analyze", "verify", "--man=no", units[-1], expect=None))

    def test_services_expose_no_more_than_they_must(self):
        for name in SERVICES:
            self.system.run("systemd-analyze", "security", "--offline=true", f"--threshold={SCORE * 10:.0f}", "--no-pager", f"{UNITS}/{name}")
        self.assertIn(f"{SCORE} of 10", (TOP / "README.md").read_text())

    def test_timers_catch_up_and_name_times_that_come(self):
        for name in TIMERS:
            unit = self.system.path(f"{UNITS}/{name}").read_text()
            self.assertIn("\nPersistent=yes\n", unit)
            time = re.search(r"^OnCalendar=(.+)$", unit, re.MULTILINE)[1]
            self.assertIn("Next elapse: ", self.system.run("systemd-analyze", "calendar", time))

    def test_both_services_are_hardened_in_the_same_way(self):
        first, second = ((TOP / "packaging/systemd" / name).read_text() for name in SERVICES)
        mark = "# etcd's disk and processor come first.\n"
        self.assertEqual(first.split(mark)[1], second.split(mark)[1])

    def test_when_removed_leaves_settings_and_sets(self):
        self.give_sets_and_secrets()
        self.system.run("apt-get", "remove", "-y", "etcd-snapshot")
        self.assertFalse(self.system.path("/usr/bin/etcd-snapshot").exists())
        self.assertEqual([path.name for path in self.system.path(WANTS).glob("etcd-snapshot*")], [])
        self.assertIn("prod", self.system.path("/etc/etcd-snapshot/config.yaml").read_text())
        self.expect_sets_and_secrets()
        self.system.run("dpkg", "-i", f"/root/{DEB.name}")
        self.assertIn("cluster: prod\n", self.system.path("/etc/etcd-snapshot/config.yaml").read_text())

    def test_when_purged_leaves_sets_and_secrets_only(self):
        self.give_sets_and_secrets()
        self.system.run("dpkg", "--purge", "etcd-snapshot")
        self.expect_sets_and_secrets()
        left = {name for name in self.system.files() if "etcd-snapshot" in name and not name.startswith("/var/lib/etcd-snapshot/")}
        self.assertEqual(left, {"/var/lib/etcd-snapshot", "/etc/etcd-snapshot", "/etc/etcd-snapshot/ssh", "/etc/etcd-snapshot/ssh/private"})

    def test_when_upgraded_leaves_timers_and_settings_as_they_are(self):
        self.give_sets_and_secrets()
        self.assertNotIn("error", self.system.run("dpkg", "-i", f"/root/{DEB.name}").lower())
        self.assertEqual({path.name for path in self.system.path(WANTS).iterdir()} & set(TIMERS), set(TIMERS))
        self.assertIn("cluster: prod\n", self.system.path("/etc/etcd-snapshot/config.yaml").read_text())
        self.expect_sets_and_secrets()


if __name__ == "__main__":
    own_mounts()
    unittest.main()
