"""Servers on loopback to ship sets to, and the calls of the tools that people would ship them with."""
import contextlib
import json
import os
import pathlib
import queue
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

from harness import CACHE, free_ports

USER = "root"  # the only one in the root that scripts/root makes


def wait_for_port(port, server, log):
    end = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if time.monotonic() > end or server.poll() is not None:
            sys.exit(f"no server on port {port}: see {log}")
        time.sleep(0.05)


class Server:
    """One process in a directory of its own. `data` is what it serves; clean() empties that."""

    def __init__(self, work):
        self.work = pathlib.Path(work)
        self.data = self.work / "data"
        self.data.mkdir(parents=True)
        self.port = free_ports(1)[0]
        self.server = None

    def start(self, argv, env=None):
        with open(self.work / "log", "ab") as log:
            self.server = subprocess.Popen(list(map(str, argv)), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
        wait_for_port(self.port, self.server, self.work / "log")

    def clean(self):
        for entry in self.data.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.send_signal(signal.SIGTERM)
        try:
            self.server.wait(20)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()


class Nfs(Server):
    """nfs-ganesha, NFSv4."""

    NEEDS = {"/usr/bin/ganesha.nfsd": "install nfs-ganesha and nfs-ganesha-vfs", "/usr/bin/nfs-cp": "install libnfs-utils"}

    def __init__(self, work):
        super().__init__(work)
        (self.work / "recovery").mkdir()
        (self.work / "conf").write_text(f"""
NFS_CORE_PARAM {{ allow_set_io_flusher_fail = true; Bind_addr = 127.0.0.1; NFS_Port = {self.port}; Protocols = 4;
  Enable_NLM = false; Enable_RQUOTA = false; Enable_UDP = false; }}
NFSV4 {{ Graceless = true; Minor_Versions = 0; RecoveryBackend = fs; RecoveryRoot = {self.work}/recovery; }}
NFS_KRB5 {{ Active_krb5 = false; }}
EXPORT {{ Export_Id = 1; Path = {self.data}; Pseudo = /sets; Protocols = 4; Transports = TCP; SecType = sys;
  Access_Type = RW; Squash = No_Root_Squash; FSAL {{ Name = VFS; }} }}
LOG {{ Default_Log_Level = EVENT; }}
""")
        self.start(["ganesha.nfsd", "-F", "-f", self.work / "conf", "-L", self.work / "ganesha.log", "-p", self.work / "pid"])

    def destination(self, name="nas"):
        return {"name": name, "type": "nfs", "url": f"nfs://127.0.0.1:{self.port}/sets", "version": 4}

    def nfs_cp(self, file):
        return ["nfs-cp", file, f"nfs://127.0.0.1/sets/peer.db?version=4&nfsport={self.port}"]


class Mirrors(Server):
    """OpenSSH sshd with SFTP and commands, as a mirror on each of several addresses."""

    NEEDS = {"/usr/sbin/sshd": "install openssh-server", "/usr/bin/sftp": "install openssh-client", "/usr/bin/rsync": "install rsync"}

    def __init__(self, work, addresses):
        super().__init__(work)
        for key in ("host", "client"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.work / key], check=True)
        shutil.copy(self.work / "client.pub", self.work / "authorized_keys")
        self.addresses = addresses
        self.directories = {address: self.data / address for address in addresses}
        self.clean()
        public = " ".join((self.work / "host.pub").read_text().split()[:2])
        self.known(self.port, public)
        (self.work / "conf").write_text("\n".join([
            *(f"ListenAddress {address}:{self.port}" for address in addresses), f"HostKey {self.work}/host",
            f"AuthorizedKeysFile {self.work}/authorized_keys", "StrictModes no", "UsePAM no", "PermitRootLogin prohibit-password",
            "PidFile none", "MaxStartups 100", "PerSourcePenalties no", "Subsystem sftp /usr/lib/openssh/sftp-server", ""]))
        pathlib.Path("/run/sshd").mkdir(exist_ok=True)
        self.start(["/usr/sbin/sshd", "-D", "-e", "-f", self.work / "conf"])

    def known(self, port, public=None):
        """The host key under another port too: that of a proxy."""
        self.public = public or self.public
        with open(self.work / "known_hosts", "a", encoding="ascii") as known:
            known.writelines(f"[{address}]:{port} {self.public}\n" for address in self.addresses)

    def clean(self):
        super().clean()
        for directory in self.directories.values():
            directory.mkdir()

    # One destination for each address: each has a directory of its own here.
    def destination(self, name, address, port=None):
        return {"name": name, "type": "ssh", "hosts": [address], "port": port or self.port, "user": USER,
                "directory": str(self.directories[address]), "privateKeyFile": str(self.work / "client"),
                "knownHostsFile": str(self.work / "known_hosts")}

    def options(self, cipher=None):
        options = ["-o", f"UserKnownHostsFile={self.work}/known_hosts", "-o", "BatchMode=yes", "-i", str(self.work / "client")]
        return options + (["-c", cipher] if cipher else [])

    def scp(self, file, address, cipher=None):
        return ["scp", "-q", *self.options(cipher), "-P", self.port, file, f"{USER}@{address}:{self.directories[address]}/peer.db"]

    def rsync(self, file, address, cipher=None, changes=False):
        shell = " ".join(["ssh", *self.options(cipher), "-p", str(self.port)])
        how = ["-a", "--stats"] if changes else ["-a", "--whole-file"]
        return ["rsync", *how, "-e", shell, file, f"{USER}@{address}:{self.directories[address]}/peer.db"]

    def sftp_put(self, file, address, port):
        batch = self.work / "batch"
        batch.write_text(f"put {file} {self.directories[address]}/peer.db\n")
        return ["sftp", "-q", *self.options(), "-P", port, "-b", batch, f"{USER}@{address}"]


class Delay:
    """A proxy that hands on every byte `seconds` later, in both directions, as fast as it comes."""

    def __init__(self, target_port, seconds):
        self.target, self.seconds = target_port, seconds
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):  # closed: the end
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
                for a, b in ((client, server), (server, client)):
                    a.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    late = queue.Queue(maxsize=256)
                    threading.Thread(target=self._take, args=(a, late), daemon=True).start()
                    threading.Thread(target=self._give, args=(b, late), daemon=True).start()

    def _take(self, source, late):
        data = b"more"
        while data:
            try:
                data = source.recv(1 << 17)
            except OSError:
                data = b""
            late.put((time.monotonic() + self.seconds, data))

    @staticmethod
    def _give(sink, late):
        with contextlib.suppress(OSError):
            while True:
                due, data = late.get()
                time.sleep(max(0, due - time.monotonic()))
                if not data:
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


class S3(Server):
    """versitygw: an object is a plain file below data/sets."""

    BINS = CACHE / "parts/bin"
    NEEDS = {BINS / "versitygw": "run scripts/parts s3", BINS / "rclone": "run scripts/parts s3", BINS / "s5cmd": "run scripts/parts s5cmd"}
    ACCESS, SECRET = "benchaccesskey", "benchsecretkey0123456789"

    def __init__(self, work):
        super().__init__(work)
        (self.data / "sets").mkdir()
        for name, text in (("access", self.ACCESS), ("secret", self.SECRET)):
            (self.work / name).write_text(text)
        os.environ.update(AWS_ACCESS_KEY_ID=self.ACCESS, AWS_SECRET_ACCESS_KEY=self.SECRET, AWS_REGION="us-east-1")  # for the peers
        self.start([self.BINS / "versitygw", "--port", f"127.0.0.1:{self.port}", "--region", "us-east-1", "posix", self.data],
                   {"PATH": "/usr/bin:/bin", "ROOT_ACCESS_KEY": self.ACCESS, "ROOT_SECRET_KEY": self.SECRET})

    def clean(self):
        super().clean()
        (self.data / "sets").mkdir()

    def destination(self, name="offsite"):
        return {"name": name, "type": "s3", "endpoint": f"http://127.0.0.1:{self.port}", "region": "us-east-1", "bucket": "sets",
                "prefix": "bench/", "accessKeyFile": str(self.work / "access"), "secretKeyFile": str(self.work / "secret")}

    def s5cmd(self, file):
        return [self.BINS / "s5cmd", "--endpoint-url", f"http://127.0.0.1:{self.port}", "cp",
                "--concurrency", "4", "--part-size", "32", file, "s3://sets/peer.db"]

    def rclone(self, file):
        return [self.BINS / "rclone", "--config", "/dev/null", "copyto", "--s3-provider", "Other", "--s3-env-auth", "--s3-no-check-bucket",
                "--s3-region", "us-east-1", "--s3-endpoint", f"http://127.0.0.1:{self.port}", file, ":s3:sets/peer.db"]


def sending(sample):
    """Of `sync -o json`: the wall time without proofs at the places, seconds. Places work side by side."""
    rows = json.loads(sample.output)["destinations"]
    bad = [row for row in rows if row["verdict"] != "ok" or len(row["shipped"]) != 1]
    if bad:
        sys.exit(f"a place did not get the set: {bad}")
    slowest = max(row["send_seconds"] + row["prove_seconds"] for row in rows)
    return sample.wall - slowest + max(row["send_seconds"] for row in rows)
