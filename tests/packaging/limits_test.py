#!/usr/bin/env python3
"""etcd-snapshot within the limits that its unit sets, set by hand since systemd is not there: two capabilities, a file system that is
read-only but for the named places, no new privileges. strace shows what it asks of the kernel beyond, and the unit's filters have to
allow all of it. A real etcd is backed up. ETCD_SNAPSHOT names the program."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from overlay import DEBIAN

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(TOP / "tests/monitoring"))
from written import running_etcd  # noqa: E402

ETCD_USER = 64055  # etcd's files belong to it where it is no static pod
UNIT = (TOP / "packaging/systemd/etcd-snapshot.service").read_text()
# The command in a file system of its own, everything read-only but one directory: arguments are root, directory, capabilities.
LIMITED = """
mount --make-rprivate / 2>/dev/null || true
mount --rbind -o ro=recursive / "$0"
mount --bind -o rw "$1" "$0$1"
exec chroot "$0" setpriv --no-new-privs --bounding-set="-all$2" --inh-caps=-all "${@:3}"
"""


def settings(key):
    """All words of a setting of the unit, over several lines."""
    return [word for line in re.findall(f"^{key}=(.*)$", UNIT, re.MULTILINE) for word in line.split()]


def allowed_calls():
    """System calls that SystemCallFilter leaves, by systemd's own sets: first what is allowed, then what is taken away."""
    text = subprocess.run(["chroot", DEBIAN, "systemd-analyze", "syscall-filter", "--no-pager"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=True).stdout
    sets = {}
    for block in re.split(r"\n(?=@)", text):
        lines = [line.strip() for line in block.splitlines()]
        sets[lines[0]] = [line for line in lines[1:] if line and not line.startswith("#")]

    def calls(name):
        return set().union(*map(calls, sets[name])) if name.startswith("@") else {name}

    allowed = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", UNIT, re.MULTILINE):
        named = set().union(*map(calls, line.lstrip("~").split()))
        allowed = allowed - named if line.startswith("~") else allowed | named
    return allowed


class Limits(unittest.TestCase):
    def setUp(self):
        top = tempfile.TemporaryDirectory()
        self.addCleanup(top.cleanup)
        self.top = pathlib.Path(top.name)
        self.written = self.top / "written"  # what ReadWritePaths= and StateDirectory= name
        self.host = self.top / "host"
        self.root = self.top / "root"
        for directory in (self.written, self.host, self.root):
            directory.mkdir()
        key = self.host / "server.key"
        key.write_text("of etcd's user")
        key.chmod(0o600)
        os.chown(key, ETCD_USER, ETCD_USER)
        self.host.chmod(0o700)
        os.chown(self.host, ETCD_USER, ETCD_USER)

    def capabilities(self):
        return "".join(",+" + word.removeprefix("CAP_").lower() for word in settings("CapabilityBoundingSet"))

    def run_limited(self, *command, capabilities=None, directory=None):
        """A run, or another command, against a real etcd; its standard error, exit status and outcome."""
        with running_etcd(str(self.top)) as endpoint:
            config = self.written / "config.yaml"
            config.write_text(f"cluster: prod\netcd: {{profile: none, endpoints: [{endpoint}]}}\nresources: {{include: [{self.host}]}}\n"
                              f"local: {{directory: {directory or self.written / 'sets'}, reserve: 1KiB}}\n"
                              f"report: {{metricsFile: {self.written}/etcd-snapshot.prom}}\n")
            return subprocess.run(
                ["unshare", "--mount", "--propagation", "unchanged", "bash", "-ec", LIMITED, self.root, self.written,
                 self.capabilities() if capabilities is None else capabilities, *command, os.environ["ETCD_SNAPSHOT"], "run", "--config", config],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, umask=0o077)

    def test_are_wide_enough_for_a_backup_with_files_of_another_user(self):
        done = self.run_limited()
        self.assertEqual(done.returncode, 0, done.stderr)
        outcome = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual(outcome["warnings"], [])
        archive, = self.written.glob("sets/prod_*/*.tar.gz")
        self.assertIn("server.key", subprocess.run(["tar", "-tzf", archive], stdout=subprocess.PIPE, text=True, check=True).stdout)
        self.assertTrue((self.written / "etcd-snapshot.prom").exists())

    def test_without_the_power_to_read_all_files_are_too_narrow(self):
        self.assertIn("CAP_DAC_READ_SEARCH", settings("CapabilityBoundingSet"))
        self.assertEqual(self.run_limited(capabilities="").returncode, 4)

    def test_keep_it_from_writing_elsewhere_and_it_says_where(self):
        elsewhere = self.top / "elsewhere"
        elsewhere.mkdir()
        done = self.run_limited(directory=elsewhere)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, f"{elsewhere}.*read-only file system .*ReadWritePaths=")
        self.assertEqual(list(elsewhere.iterdir()), [])

    def test_of_system_calls_and_sockets_are_wide_enough(self):
        done = self.run_limited("strace", "-f", "-qq", "-o", str(self.written / "trace"), "--")
        self.assertEqual(done.returncode, 0, done.stderr)
        trace = (self.written / "trace").read_text()
        called = set(re.findall(r"^\d+ +(\w+)\(", trace, re.MULTILINE))
        self.assertGreater(len(called), 40)
        self.assertEqual(called - allowed_calls(), set())
        self.assertLessEqual(set(re.findall(r"\bsocket\((\w+)", trace)), set(settings("RestrictAddressFamilies")))
        self.assertNotRegex(trace, r"\bm(map|protect)\(.*PROT_WRITE\|PROT_EXEC")


if __name__ == "__main__":
    unittest.main()
