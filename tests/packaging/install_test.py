#!/usr/bin/env python3
"""cmake --install, into a directory of its own. ETCD_SNAPSHOT_BUILD names the build directory."""
import os
import pathlib
import subprocess
import tempfile
import unittest

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
CONFIG = "/etc/etcd-snapshot/config.yaml"


def files(top):
    return {"/" + str(path.relative_to(top)) for path in pathlib.Path(top).rglob("*") if path.is_file()}


class Install(unittest.TestCase):
    def setUp(self):
        top = tempfile.TemporaryDirectory()
        self.addCleanup(top.cleanup)
        self.top = pathlib.Path(top.name)

    def install(self, prefix):
        subprocess.run(["cmake", "--install", os.environ["ETCD_SNAPSHOT_BUILD"], "--prefix", prefix], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "DESTDIR": str(self.top)})

    def expect_files(self, prefix, functions, config):
        units = [f"lib/systemd/system/etcd-snapshot{name}.{kind}" for name in ("", "-verify") for kind in ("service", "timer")]
        names = ["bin/etcd-snapshot", "share/man/man8/etcd-snapshot.8.gz", "share/bash-completion/completions/etcd-snapshot",
                 "share/fish/vendor_completions.d/etcd-snapshot.fish", "share/doc/etcd-snapshot/copyright", functions, *units]
        names += ["share/doc/etcd-snapshot/README.md", *(f"share/doc/etcd-snapshot/docs{name}" for name in files(DOCS))]
        self.assertEqual(files(self.top), {f"{prefix}/{name}" for name in names} | {config})

    def test_brings_everything_below_usr_local_and_settings_below_etc(self):
        self.install("/usr/local")
        self.expect_files("/usr/local", "share/zsh/site-functions/_etcd-snapshot", CONFIG)

    def test_elsewhere_touches_nothing_else(self):
        self.install("/opt/etcd-snapshot")
        self.expect_files("/opt/etcd-snapshot", "share/zsh/site-functions/_etcd-snapshot", f"/opt/etcd-snapshot{CONFIG}")

    def test_again_keeps_what_the_administrator_wrote(self):
        self.install("/usr/local")
        (self.top / CONFIG[1:]).write_text("cluster: mine\n")
        self.install("/usr/local")
        self.assertEqual((self.top / CONFIG[1:]).read_text(), "cluster: mine\n")


if __name__ == "__main__":
    unittest.main()
