"""The metrics files of a real run and of a proof of what it stored: an etcd, a host file with a certificate, one set."""
import contextlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

from promtool import CACHE, TOP

sys.path.append(str(TOP / "tests/support"))
from ports import free_ports  # noqa: E402

ETCD = CACHE / "parts/etcd-3.5/etcd"


@contextlib.contextmanager
def running_etcd(directory):
    """A member without TLS on loopback; yields its address. Ports may be taken between choice and use: it is tried again then."""
    if not ETCD.exists():
        raise AssertionError(f"{ETCD} is missing: run scripts/parts etcd-3.5")
    for attempt in range(5):
        client, peer = (f"http://127.0.0.1:{port}" for port in free_ports(2))
        with open(f"{directory}/etcd.log", "wb") as log:
            member = subprocess.Popen(
                [ETCD, "--data-dir", f"{directory}/etcd-{attempt}", "--listen-client-urls", client, "--advertise-client-urls", client,
                 "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"],
                stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 60
            while member.poll() is None and time.monotonic() < deadline:
                with contextlib.suppress(OSError):
                    if b'"true"' in urllib.request.urlopen(f"{client}/health", timeout=5).read():
                        yield client
                        return
                time.sleep(0.05)
        finally:
            member.terminate()
            member.wait(30)
    raise AssertionError("etcd did not start: " + pathlib.Path(directory, "etcd.log").read_text()[-2000:])


def metrics_of_a_run():
    with tempfile.TemporaryDirectory() as top, running_etcd(top) as endpoint:
        host = pathlib.Path(top, "host")
        host.mkdir()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=test",
                        "-days", "90", "-keyout", host / "tls.key", "-out", host / "tls.crt"], check=True, capture_output=True)
        config = pathlib.Path(top, "config.yaml")
        config.write_text(f"cluster: prod-east\netcd: {{profile: none, endpoints: [{endpoint}]}}\nresources: {{include: [{host}]}}\n"
                          f"local: {{directory: {top}/sets, reserve: 1KiB}}\nreport: {{metricsFile: {top}/written.prom}}\n")
        for verb in (["run"], ["verify", "--at", "local"]):
            done = subprocess.run([os.environ["ETCD_SNAPSHOT"], *verb, "--config", config], capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done.stderr
        return "".join(pathlib.Path(top, name).read_text() for name in ("written.prom", "written-verify.prom"))


def series_of(text):
    """The samples of a metrics file: (metric, labels, value)."""
    rows = [re.fullmatch(r"(\w+)\{(.*)\} (\S+)", line) for line in text.splitlines() if not line.startswith("#")]
    return [(row[1], dict(re.findall(r'(\w+)="([^"]*)"', row[2])), float(row[3])) for row in rows]
