"""A small Debian 13 to install into, thrown away afterwards: overlays of the one that scripts/parts makes. Needs root."""
import os
import pathlib
import shutil
import subprocess
import tempfile

CACHE = pathlib.Path(os.environ.get("ETCD_SNAPSHOT_CACHE") or
                     pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "etcd-snapshot")
DEBIAN = CACHE / "parts/debian-13"
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root",
               "DEBIAN_FRONTEND": "noninteractive"}


def own_mounts():
    """From now on nobody else sees what this process mounts, and it goes away with it. Where / is no mount (scripts/root) there is
    nothing to be made private: it was when the root was entered."""
    os.unshare(os.CLONE_NEWNS)
    subprocess.run(["mount", "--make-rprivate", "/"], stderr=subprocess.DEVNULL, check=False)


class Overlay:
    """A system of layers, the last one its own. Nothing of this machine is mounted into it: removing it removes no more."""

    def __init__(self, *below):
        if not DEBIAN.exists():
            raise AssertionError(f"{DEBIAN} is missing: run scripts/parts debian")
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="etcd-snapshot-overlay."))
        self.layers = [*below, DEBIAN]
        self.upper, self.root = self.top / "upper", self.top / "root"
        for directory in (self.upper, self.root, self.top / "work"):
            directory.mkdir()
        layers = ":".join(map(str, self.layers))
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={layers},upperdir={self.upper},workdir={self.top}/work",
                        self.root], check=True)
        subprocess.run(["mount", "-t", "proc", "proc", self.root / "proc"], check=True)

    def above(self):
        """A new one on top of this one, which must not change any more."""
        return Overlay(self.upper, *self.layers[:-1])

    def close(self):
        subprocess.run(["umount", "--recursive", self.root], check=True)
        shutil.rmtree(self.top)

    def run(self, *command, expect=0):
        """What the command printed in there, standard error too. It has a loopback of its own, where nobody listens."""
        done = subprocess.run(["unshare", "--net", "sh", "-c", 'ip link set lo up && exec chroot "$@"', "chroot", self.root, *command], env={**os.environ, **ENVIRONMENT}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
        if expect is not None and done.returncode != expect:
            raise AssertionError(f"{' '.join(command)}: ended with {done.returncode}\n{done.stdout}")
        return done.stdout

    def path(self, name):
        return self.root / name.lstrip("/")

    def apt_install(self, package):
        """As an administrator does it, with the packages that scripts/parts debian has fetched: there is no network in here."""
        shutil.copy(package, self.path("/root"))
        try:
            return self.run("apt-get", "install", "-y", "--no-install-recommends", f"/root/{package.name}")
        except AssertionError as error:
            raise AssertionError(f"{error}\nIf packages are missing: scripts/parts debian; scripts/image-packages.txt lists them") from None

    def files(self):
        """All that lies in it, but what apt, dpkg and the dynamic loader keep for themselves."""
        own = ("/var/lib/dpkg", "/var/lib/apt", "/var/cache", "/var/log", "/etc/ld.so.cache", "/root", "/proc", "/tmp")
        found = subprocess.run(["find", self.root, "-xdev", "-printf", "/%P\n"], check=True, stdout=subprocess.PIPE, text=True).stdout
        return {name for name in found.splitlines() if not name.startswith(own)}
