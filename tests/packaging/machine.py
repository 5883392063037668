"""systemd as process 1 of a container made of an overlay: its own processes, mounts, cgroup, host name and loopback. The kernel's
settings stay as they are: /proc/sys is read-only in there."""
import contextlib
import os
import pathlib
import signal
import subprocess
import time

from overlay import ENVIRONMENT

BOOT = """
root=$0
mount -t proc proc "$root/proc"
mount --bind -o ro "$root/proc/sys" "$root/proc/sys"
mount -t tmpfs tmpfs "$root/sys"
mkdir -p "$root/sys/fs/cgroup"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
exec env -i container=podman PATH=/usr/sbin:/usr/bin chroot "$root" /lib/systemd/systemd --system --unit=multi-user.target
"""


def wait_for(what, condition, seconds=90):
    """The first value of the condition that is not false."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds} s for {what}")


class Machine:
    def __init__(self, overlay):
        self.overlay = overlay
        self.groups = overlay.top / "cgroup"
        self.groups.mkdir()
        subprocess.run(["mount", "-t", "cgroup2", "cgroup2", self.groups], check=True)
        self.group = self.groups / f"etcd-snapshot-test-{os.getpid()}"
        self.group.mkdir()
        with open(overlay.top / "console", "wb") as console:
            self.outside = subprocess.Popen(
                ["sh", "-c", 'echo $$ >"$0/cgroup.procs"; exec unshare --mount --propagation unchanged --pid --fork --kill-child --ipc --uts '
                 '--net --cgroup bash -ec "$1" "$2"', self.group, BOOT, overlay.root],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True)
        self.inside = None
        try:
            wait_for("systemd to be up", self.is_up)
        except AssertionError as error:
            self.close()
            raise AssertionError(f"{error}\n{(overlay.top / 'console').read_text()[-3000:]}") from None

    def is_up(self):
        if self.outside.poll() is not None:
            raise AssertionError("systemd ended")
        children = subprocess.run(["pgrep", "-P", str(self.outside.pid)], stdout=subprocess.PIPE, text=True, check=False).stdout.split()
        if children:
            self.inside = int(children[0])
        return self.inside and self.run("systemctl", "is-system-running", expect=None).strip() in ("running", "degraded")

    def run(self, *command, expect=0):
        """What a command printed in there."""
        enter = ["nsenter", "-t", str(self.inside), "--mount", "--pid", "--ipc", "--uts", "--net", "--cgroup", "--root", "--wd"]
        done = subprocess.run([*enter, *command], env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
        if expect is not None and done.returncode != expect:
            raise AssertionError(f"{' '.join(command)}: ended with {done.returncode}\n{done.stdout}")
        return done.stdout

    def show(self, unit, *properties):
        """Properties of a unit by name."""
        text = self.run("systemctl", "show", unit, *(f"--property={name}" for name in properties))
        return dict(line.split("=", 1) for line in text.splitlines())

    def journal(self, unit):
        return self.run("journalctl", "--no-pager", "-o", "cat", "-u", unit)

    def close(self):
        """All processes in there end with the first one."""
        if self.inside:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.inside, signal.SIGKILL)
        self.outside.kill()
        self.outside.wait(30)
        for directory, _, _ in os.walk(self.group, topdown=False):
            wait_for(f"{directory} to be empty", lambda directory=directory: remove(pathlib.Path(directory)))
        subprocess.run(["umount", self.groups], check=True)


def remove(group):
    try:
        group.rmdir()
    except OSError:
        return False
    return True
