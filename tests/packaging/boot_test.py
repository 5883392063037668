#!/usr/bin/env python3
"""The units started by systemd itself: the package in a small Debian 13 with etcd as a service, booted in a container.
ETCD_SNAPSHOT_BUILD names the build directory."""
import datetime
import json
import os
import shutil
import time
import unittest

from machine import Machine, wait_for
from overlay import CACHE, Overlay, own_mounts
from package_test import DEB, SERVICES, TIMERS

DAY = 86400
# The next run by the clock is half a day away, at whatever time of the day the test runs. Another time, by chance, would be minutes away;
# a minute's accuracy, too.
LATER = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=12)).strftime("%H:%M:00 UTC")
SOON = f"[Timer]\nOnCalendar=\nOnCalendar=*-*-* {LATER}\nRandomizedDelaySec=0\nAccuracySec=1s\n"
ETCD = """[Service]
Type=notify
ExecStart=/usr/local/bin/etcd --data-dir /var/lib/etcd --initial-cluster-state new
"""
CONFIG = "local:\n  directory: {directory}\n  reserve: 1KiB\nresources: {{include: [/etc/kubernetes]}}\n"


def prepare(system):
    """The package installed, etcd there but not started, a run that was missed."""
    system.apt_install(DEB)
    shutil.copy(CACHE / "parts/etcd-3.5/etcd", system.path("/usr/local/bin"))
    system.path("/etc/systemd/system/etcd.service").write_text(ETCD)
    system.path("/etc/hosts").write_text("127.0.0.1 localhost\n")
    key = system.path("/etc/kubernetes/pki/etcd.key")
    key.parent.mkdir(parents=True)
    key.write_text("of another user")
    key.chmod(0o600)
    os.chown(key, 64055, 64055)
    system.path("/etc/etcd-snapshot/config.yaml").write_text(CONFIG.format(directory="/var/lib/etcd-snapshot"))
    for name, text in {"etcd-snapshot.timer": SOON, "etcd-snapshot-verify.timer": SOON,
                       "etcd-snapshot.service": "[Service]\nRestartSec=1s\n[Unit]\nStartLimitBurst=100\n"}.items():
        system.path(f"/etc/systemd/system/{name}.d").mkdir()
        system.path(f"/etc/systemd/system/{name}.d/test.conf").write_text(text)
    system.run("systemctl", "enable", *TIMERS)
    stamps = system.path("/var/lib/systemd/timers")
    stamps.mkdir(parents=True, exist_ok=True)
    for name, days in (("etcd-snapshot", 3), ("etcd-snapshot-verify", 0)):
        stamp = stamps / f"stamp-{name}.timer"
        stamp.touch()
        os.utime(stamp, (time.time() - days * DAY,) * 2)


class Boot(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.system = Overlay()
        cls.addClassCleanup(cls.system.close)
        prepare(cls.system)
        cls.machine = Machine(cls.system)
        cls.addClassCleanup(cls.machine.close)
        # The missed run is caught up at once, while etcd is not there yet: it is tried again.
        cls.early = wait_for("a run without etcd", lambda: cls.machine.journal("etcd-snapshot.service").count('"code":"unavailable"'))
        cls.machine.run("systemctl", "start", "etcd.service")
        wait_for("a run with etcd", cls.sets)

    @classmethod
    def sets(cls):
        return [path.name for path in cls.system.path("/var/lib/etcd-snapshot").glob("cluster-*")]

    def finished(self):
        """The service, once it rests."""
        state = "ActiveState"
        wait_for("the service to end", lambda: self.machine.show("etcd-snapshot.service", state)[state] in ("inactive", "failed"))
        return self.machine.show("etcd-snapshot.service", "Result", "ExecMainStatus")

    def outcome(self):
        self.finished()
        return json.loads([line for line in self.machine.journal("etcd-snapshot.service").splitlines() if line.startswith('{"')][-1])

    def test_catches_up_a_missed_run_and_tries_again_until_etcd_is_there(self):
        self.assertGreaterEqual(self.early, 1)
        self.assertEqual(self.finished(), {"Result": "success", "ExecMainStatus": "0"})
        self.assertEqual(len(self.sets()), 1)
        self.assertEqual(self.system.path("/var/lib/etcd-snapshot").stat().st_mode & 0o777, 0o700)

    def test_reads_files_of_other_users(self):
        archive = self.machine.run("sh", "-c", "tar -tzf /var/lib/etcd-snapshot/cluster-*/*.tar.gz")
        self.assertIn("etc/kubernetes/pki/etcd.key", archive)

    def test_proves_stored_sets_again(self):
        self.finished()
        self.machine.run("systemctl", "start", "etcd-snapshot-verify.service")
        self.assertIn(f"{self.sets()[0]}: sound", self.machine.journal("etcd-snapshot-verify.service"))

    def test_waits_for_the_next_day(self):
        self.finished()
        for timer in TIMERS:
            properties = self.machine.show(timer, "ActiveState", "NextElapseUSecRealtime")
            self.assertEqual(properties["ActiveState"], "active")
            self.assertNotEqual(properties["NextElapseUSecRealtime"], "")

    def test_writes_elsewhere_only_where_a_drop_in_allows_it(self):
        elsewhere = self.system.path("/srv/etcd-snapshot")
        elsewhere.mkdir(mode=0o700)
        config = self.system.path("/etc/etcd-snapshot/config.yaml")
        before = config.read_text()
        self.addCleanup(config.write_text, before)
        self.finished()
        config.write_text(CONFIG.format(directory="/srv/etcd-snapshot"))
        self.machine.run("systemctl", "start", "etcd-snapshot.service", expect=1)
        self.assertIn("ReadWritePaths=", self.outcome()["error"]["hint"])
        self.assertEqual(list(elsewhere.iterdir()), [])
        self.system.path("/etc/systemd/system/etcd-snapshot.service.d/elsewhere.conf").write_text("[Service]\nReadWritePaths=/srv/etcd-snapshot\n")
        self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "start", "etcd-snapshot.service")
        self.assertEqual(self.outcome()["exit"], 0)
        self.assertEqual(len(list(elsewhere.glob("cluster-*"))), 1)

    def test_limits_are_in_force(self):
        limits = {"CapabilityBoundingSet": "cap_dac_read_search cap_net_bind_service", "ProtectSystem": "strict", "NoNewPrivileges": "yes",
                  "PrivateTmp": "yes", "MemoryDenyWriteExecute": "yes"}
        for service in SERVICES:
            properties = self.machine.show(service, *limits)
            for name, value in limits.items():
                self.assertEqual(set(properties[name].split()), set(value.split()), name)


if __name__ == "__main__":
    own_mounts()
    unittest.main()
