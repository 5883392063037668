"""Whole commands, timed in turn, and the etcd that they are measured against."""
import base64
import dataclasses
import http.client
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("ETCD_SNAPSHOT_CACHE") or
                     pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "etcd-snapshot")
sys.path.append(str(ROOT / "tests/support"))
from ports import free_ports  # noqa: E402

BENCH = CACHE / "bench"
PARTS = CACHE / "parts" / "etcd-3.6"
ETCDCTL, ETCDUTL = PARTS / "etcdctl", PARTS / "etcdutl"


def need(*what):
    """Ends, with a line for each file that is missing. `what` maps files to how they come."""
    missing = {path: how for each in what for path, how in each.items() if not pathlib.Path(path).exists()}
    if missing:
        sys.exit("\n".join(f"{path} is missing: {how}" for path, how in missing.items()))


@dataclasses.dataclass
class Sample:
    wall: float  # seconds
    cpu: float  # user + sys of the command and what it waited for, seconds
    peak: float  # largest process of them, MiB
    open: float = 0  # how long the member kept its read transaction, seconds
    output: str = ""


def run(argv):
    """Runs a command to its end. Fails the benchmark when the command fails."""
    # Its peak would otherwise begin at ours: a child starts as a copy of its parent. time(1) is small.
    with tempfile.NamedTemporaryFile("r") as peak, tempfile.TemporaryFile() as output:
        begun = time.monotonic()
        child = subprocess.Popen(["/usr/bin/time", "-o", peak.name, "-f", "%M", *map(str, argv)], stdin=subprocess.DEVNULL,
                                 stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
        if child.returncode != 0:
            sys.exit(f"{' '.join(map(str, argv))}: exit {child.returncode}\n{text}")
        return Sample(wall, usage.ru_utime + usage.ru_stime, int(peak.read().split()[-1]) / 1024, output=text)


class Pairs:
    """Samples of several commands that ran in turn, by name."""

    def __init__(self, samples):
        self.samples = samples

    def middle(self, name, what="wall"):
        return statistics.median(getattr(s, what) for s in self.samples[name])

    def peak(self, name):
        return max(s.peak for s in self.samples[name])

    def ratio(self, ours, theirs, what="wall"):
        return statistics.median(getattr(a, what) / getattr(b, what)
                                 for a, b in zip(self.samples[ours], self.samples[theirs]))


def in_turn(commands, rounds, clean=lambda: None, etcd=None, around=lambda name, go: go()):
    """Runs the commands A B C, A B C ...; one round before is not counted. clean() runs before each."""
    samples = {name: [] for name in commands}
    for n in range(rounds + 1):
        for name, argv in commands.items():
            clean()
            before = etcd.transaction_seconds() if etcd else 0
            sample = around(name if n > 0 else None, lambda argv=argv: run(argv))
            if etcd:
                sample.open = etcd.transaction_seconds() - before
            if n > 0:
                samples[name].append(sample)
    clean()
    return Pairs(samples)


class Etcd:
    """A throw-away member with about `mib` MiB of Kubernetes-like values: a copy of data that is made once."""

    NEEDS = {PARTS / "etcd": "run scripts/parts etcd-3.6"}

    def __init__(self, mib, tls=False):
        made = BENCH / f"etcd-{mib}m"
        BENCH.mkdir(parents=True, exist_ok=True)
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="member.", dir=BENCH))
        self.tls = self._make_pki() if tls else []
        if not (made / "complete").exists():
            print(f"making {mib} MiB of data, once", file=sys.stderr)
            shutil.rmtree(made, ignore_errors=True)
            self._start(made / "data", [], "http")
            subprocess.run([sys.executable, ROOT / "bench/etcd_load.py", self.url, str(mib)], check=True,
                           stdout=subprocess.DEVNULL)
            self._stop()
            (made / "complete").touch()
        subprocess.run(["cp", "-a", made / "data", self.work / "data"], check=True)
        flags = []
        if tls:
            flags = ["--cert-file", self.work / "server.crt", "--key-file", self.work / "server.key",
                     "--trusted-ca-file", self.work / "ca.crt", "--client-cert-auth"]
        self._start(self.work / "data", flags, "https" if tls else "http")

    def flags(self):
        return ["--endpoints", self.url, *self.tls]

    def curl(self):
        """The same stream into nothing: what server and network can give."""
        (self.work / "request").write_bytes(bytes(5))  # one gRPC message, empty
        security = ["--http2-prior-knowledge"]
        if self.tls:
            security = ["--http2", "--cacert", self.tls[1], "--cert", self.tls[3], "--key", self.tls[5]]
        return ["curl", "-sS", "--fail", "-o", "/dev/null", *security, "-H", "content-type: application/grpc",
                "-H", "te: trailers", "--data-binary", f"@{self.work}/request",
                f"{self.url}/etcdserverpb.Maintenance/Snapshot"]

    def transaction_seconds(self):
        """All time so far in which a snapshot held a read transaction open, by the member's own account."""
        with urllib.request.urlopen(f"{self.metrics}/metrics") as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith("etcd_disk_backend_snapshot_duration_seconds_sum "):
                    return float(line.split()[1])
        sys.exit("the member has no metric etcd_disk_backend_snapshot_duration_seconds")

    def _start(self, data, flags, scheme):
        client, peer, metrics = free_ports(3)
        self.url = f"{scheme}://127.0.0.1:{client}"
        self.metrics = f"http://127.0.0.1:{metrics}"
        peer_url = f"http://127.0.0.1:{peer}"
        self.server = subprocess.Popen(
            [str(a) for a in [PARTS / "etcd", "--name", "m0", "--data-dir", data, "--listen-client-urls", self.url,
                              "--advertise-client-urls", self.url, "--listen-peer-urls", peer_url,
                              "--initial-advertise-peer-urls", peer_url, "--initial-cluster", f"m0={peer_url}",
                              "--listen-metrics-urls", self.metrics, "--quota-backend-bytes", str(8 << 30),
                              "--log-level", "error", *flags]],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 300
        tls = self.tls if scheme == "https" else []
        while subprocess.run([ETCDCTL, "--endpoints", self.url, *tls, "endpoint", "health"],
                             capture_output=True, check=False).returncode != 0:
            if time.monotonic() > end or self.server.poll() is not None:
                self._stop()
                shutil.rmtree(self.work, ignore_errors=True)
                sys.exit("etcd did not start")
            time.sleep(0.1)

    def _make_pki(self):
        def openssl(*argv):
            subprocess.run(["openssl", *argv], cwd=self.work, check=True, capture_output=True)

        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        openssl("req", "-x509", *key, "-days", "30", "-subj", "/CN=bench-ca", "-keyout", "ca.key", "-out", "ca.crt")
        for who, usage in (("server", "serverAuth,clientAuth"), ("client", "clientAuth")):
            (self.work / "ext").write_text(f"extendedKeyUsage={usage}\nsubjectAltName=IP:127.0.0.1\n")
            openssl("req", *key, "-subj", f"/CN={who}", "-keyout", f"{who}.key", "-out", f"{who}.csr")
            openssl("x509", "-req", "-in", f"{who}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                    "-days", "30", "-extfile", "ext", "-out", f"{who}.crt")
        return ["--cacert", str(self.work / "ca.crt"), "--cert", str(self.work / "client.crt"),
                "--key", str(self.work / "client.key")]

    def _stop(self):
        self.server.send_signal(signal.SIGTERM)
        self.server.wait(60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop()
        shutil.rmtree(self.work, ignore_errors=True)


class Puts:
    """A client that puts a small value every 5 ms, or as soon as the one before is answered; how long each took."""

    def __init__(self, etcd):
        host, port = etcd.url.removeprefix("http://").split(":")
        self.connection = http.client.HTTPConnection(host, int(port))

    def during(self, go):
        took, done = [], threading.Event()
        thread = threading.Thread(target=self._put, args=(took, done))
        thread.start()
        result = go()
        done.set()
        thread.join()
        return result, took

    def _put(self, took, done):
        n = 0
        while not done.is_set():
            body = json.dumps({"key": base64.b64encode(f"/bench/{n % 100}".encode()).decode(),
                               "value": base64.b64encode(bytes(256)).decode()})
            begun = time.monotonic()
            self.connection.request("POST", "/v3/kv/put", body)
            answer = self.connection.getresponse()
            answer.read()
            if answer.status == 200:
                took.append(time.monotonic() - begun)
            n += 1
            time.sleep(max(0, begun + 0.005 - time.monotonic()))


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
