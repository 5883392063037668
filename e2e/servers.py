"""Real servers that copies go to: NFS, SSH on mirrors, S3. They live in the namespaces of the cluster and end with it."""
import os
import shutil
import signal
import socket
import subprocess

import cluster
from cluster import TOP, sh, until

# A shell script where the servers are installed, with mounts of its own.
IN_ROOT = [TOP / "scripts/root", "unshare", "--mount", "--propagation", "unchanged", "bash", "-euc"]


def listens(address, port):
    try:
        socket.create_connection((address, port), timeout=2).close()
    except OSError:
        return False
    return True


class Server:
    """A process that listens, and its directory and log."""

    def __init__(self, name):
        self.directory = cluster.work / name
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir()
        self.log = cluster.work / f"log/{name}.log"
        self.process = None

    def launch(self, command, address, port, env=None):
        if listens(address, port):
            raise RuntimeError(f"{address}:{port} is taken: a server of an earlier call is left")
        with self.log.open("a") as log:
            self.process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=TOP,
                                            env={**os.environ, **(env or {})}, start_new_session=True)

        def up():
            if self.process.poll() is not None:
                raise RuntimeError(f"{command[0]} ended: {self.log.read_text()[-1000:]}")
            return listens(address, port)

        until(f"{address}:{port} answers", up)

    def signal(self, number):
        os.killpg(self.process.pid, number)

    def stop(self):
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
        self.process.wait()

    def pause(self):
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)


class Nfs(Server):
    """nfs-ganesha with one NFSv4 export, at 10.250.0.1, as root of the client."""

    address, port = "10.250.0.1", 2049

    def __init__(self, pseudo):
        super().__init__("nfs")
        self.export = self.directory / "export"
        self.export.mkdir()
        (self.directory / "recovery").mkdir()
        # allow_set_io_flusher_fail: without it the server stops where CAP_SYS_RESOURCE is missing.
        (self.directory / "conf").write_text(f"""
NFS_CORE_PARAM {{ allow_set_io_flusher_fail = true; Bind_addr = {self.address}; NFS_Port = {self.port}; Protocols = 4;
  Enable_NLM = false; Enable_RQUOTA = false; Enable_UDP = false; }}
NFSV4 {{ Graceless = true; Lease_Lifetime = 10; Minor_Versions = 0; RecoveryBackend = fs; RecoveryRoot = {self.directory}/recovery;
  Only_Numeric_Owners = true; }}
NFS_KRB5 {{ Active_krb5 = false; }}
EXPORT_DEFAULTS {{ Access_Type = RW; }}
EXPORT {{ Export_Id = 1; Path = {self.export}; Pseudo = {pseudo}; Protocols = 4; Transports = TCP; SecType = sys; Access_Type = RW;
  Squash = No_Root_Squash; PrivilegedPort = true; FSAL {{ Name = VFS; }} }}
LOG {{ Default_Log_Level = EVENT; }}
""")
        self.start()

    def start(self):
        # The server looks for the export among the mounts: in a root of its own there is none for /.
        script = f"mount --bind {self.export} {self.export}; exec ganesha.nfsd -F -f {self.directory}/conf -L {self.log} -p {self.directory}/pid"
        self.launch([*IN_ROOT, script], self.address, self.port)

    def sets(self):
        return sorted(path.name for path in self.export.iterdir() if not path.name.startswith("."))


class Ssh(Server):
    """sshd of node cp-N, in its network, with the user core and the node's own /var/home."""

    def __init__(self, number):
        super().__init__(f"ssh{number}")
        self.number, self.address = number, cluster.NODE_ADDRESS.format(number)
        (self.directory / "passwd").write_text("root:x:0:0:root:/root:/bin/bash\nsshd:x:101:65534::/run/sshd:/usr/sbin/nologin\n"
                                               "core:x:1000:1000::/var/home/core:/bin/sh\n")
        (self.directory / "shadow").write_text("root:*:20000::::::\nsshd:*:20000::::::\ncore:*:20000::::::\n")
        (self.directory / "sshd_config").write_text(
            f"ListenAddress {self.address}:22\nHostKey {self.directory}/host\n"
            "StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPidFile none\n"
            "PerSourcePenalties no\nSubsystem sftp internal-sftp\n")
        home = cluster.host(number, "/var/home/core")
        home.mkdir(parents=True, exist_ok=True)
        os.chown(home, 1000, 1000)
        self.new_host_key()

    def new_host_key(self):
        for name in ("host", "host.pub"):
            (self.directory / name).unlink(missing_ok=True)
        sh(TOP / "scripts/root", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.directory / "host")

    def start(self):
        home = cluster.host(self.number, "/var/home")
        script = (f"mkdir -p /var/home /run/sshd; mount --bind {home} /var/home; mount --bind {self.directory}/passwd /etc/passwd; "
                  f"mount --bind {self.directory}/shadow /etc/shadow; exec /usr/sbin/sshd -D -e -f {self.directory}/sshd_config")
        self.launch(["nsenter", f"--net=/run/netns/kube-n{self.number}", *IN_ROOT, script], self.address, 22)

    def authorize(self, public_key):
        """As README advises: files only. sshd reads it as that user, so it lies where the user may look."""
        keys = cluster.host(self.number, "/var/home/core/.ssh/authorized_keys")
        keys.parent.mkdir(exist_ok=True)
        keys.write_text(f'restrict,command="internal-sftp" {public_key}')

    def known_host(self, name):
        kind, key, *_ = (self.directory / "host.pub").read_text().split()
        return f"{name} {kind} {key}\n"

    def sets(self, directory="/var/home/core/etcd-snapshots"):
        place = cluster.host(self.number, directory)
        return sorted(path.name for path in place.iterdir() if not path.name.startswith(".")) if place.exists() else []


class S3(Server):
    """versitygw over a directory, with TLS by an authority of its own."""

    address, port, access, secret = "10.250.0.1", 7070, "e2e-access", "e2e-canary-secret"

    def __init__(self):
        super().__init__("s3")
        (self.directory / "data/etcd").mkdir(parents=True)
        self.ca = self.directory / "ca.crt"
        sh("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=e2e S3", "-keyout", self.directory / "key",
           "-out", self.ca, "-addext", f"subjectAltName=IP:{self.address}")
        self.launch([cluster.CACHE / "parts/bin/versitygw", "--port", f"{self.address}:{self.port}", "--region", "us-east-1", "--cert", self.ca,
                     "--key", self.directory / "key", "posix", self.directory / "data"], self.address, self.port,
                    {"ROOT_ACCESS_KEY": self.access, "ROOT_SECRET_KEY": self.secret})

    def objects(self):
        bucket = self.directory / "data/etcd"
        return sorted(str(path.relative_to(bucket)) for path in bucket.rglob("*") if path.is_file() and not path.name.startswith("."))
