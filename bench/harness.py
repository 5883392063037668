"""Paired timing of whole commands, and the etcd that they are measured against."""
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("ETCD_SNAPSHOT_CACHE") or
                     pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "etcd-snapshot")
PARTS = CACHE / "parts" / "etcd-3.6"
AGENT = ROOT / "build/release/agent/cli/etcd-snapshot"


def need(path, how):
    if not pathlib.Path(path).exists():
        sys.exit(f"{path} is missing: {how}")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run(argv, env=None):
    """Runs to the end; (wall, user + sys, peak RSS in MiB). Fails the benchmark when the command fails."""
    with tempfile.TemporaryFile() as output:
        begun = time.monotonic()
        child = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                 env={**os.environ, **(env or {})})
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            output.seek(0)
            sys.exit(f"{' '.join(map(str, argv))}: exit {child.returncode}\n{output.read().decode(errors='replace')}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def compare(title, ours, theirs, rounds, clean=lambda: None):
    """Runs both in turn, one uncounted round first; prints medians and the median of the ratios pair by pair."""
    pairs = []
    for n in range(rounds + 1):
        clean()
        a = run(ours)
        clean()
        b = run(theirs)
        if n > 0:
            pairs.append((a, b))
    clean()

    def middle(pick):
        return statistics.median(pick(p) for p in pairs)

    row = {
        "what": title,
        "wall s": round(middle(lambda p: p[0][0]), 2), "their wall s": round(middle(lambda p: p[1][0]), 2),
        "wall ratio": round(middle(lambda p: p[0][0] / p[1][0]), 2),
        "cpu ratio": round(middle(lambda p: p[0][1] / p[1][1]), 2),
        "peak MiB": round(max(p[0][2] for p in pairs), 1), "their peak MiB": round(max(p[1][2] for p in pairs), 1),
    }
    print(json.dumps(row), flush=True)
    return row


class Etcd:
    """A throw-away member with about `mib` MiB of Kubernetes-like keys; its data is made once and kept in the cache."""

    def __init__(self, mib, tls=False):
        need(PARTS / "etcd", "run scripts/parts etcd")
        self.data = CACHE / "bench" / f"etcd-{mib}m"
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="etcd-snapshot-bench."))
        self.tls = self._make_pki() if tls else []
        if not (self.data / "complete").exists():
            shutil.rmtree(self.data, ignore_errors=True)
            self._start([], "http")
            subprocess.run([sys.executable, ROOT / "bench/etcd_load.py", self.url, str(mib)], check=True,
                           stdout=subprocess.DEVNULL)
            self.stop()
            (self.data / "complete").touch()
        flags = []
        if tls:
            flags = ["--cert-file", self.work / "server.crt", "--key-file", self.work / "server.key",
                     "--trusted-ca-file", self.work / "ca.crt", "--client-cert-auth"]
        self._start(flags, "https" if tls else "http")

    def client_flags(self):
        return ["--endpoints", self.url, *self.tls]

    def _start(self, flags, scheme):
        client, peer = free_port(), free_port()
        self.url = f"{scheme}://127.0.0.1:{client}"
        peer_url = f"http://127.0.0.1:{peer}"
        self.server = subprocess.Popen(
            [str(a) for a in [PARTS / "etcd", "--name", "m0", "--data-dir", self.data / "data", "--listen-client-urls", self.url,
                              "--advertise-client-urls", self.url, "--listen-peer-urls", peer_url,
                              "--initial-advertise-peer-urls", peer_url, "--initial-cluster", f"m0={peer_url}",
                              "--quota-backend-bytes", str(8 << 30), "--log-level", "error", *flags]],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 120
        tls = self.tls if scheme == "https" else []
        while subprocess.run([PARTS / "etcdctl", "--endpoints", self.url, *tls, "endpoint", "health"],
                             capture_output=True, check=False).returncode != 0:
            if time.monotonic() > end or self.server.poll() is not None:
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

    def stop(self):
        self.server.terminate()
        self.server.wait(30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.work, ignore_errors=True)
