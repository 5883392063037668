#!/usr/bin/env python3
"""Tries what tests need from the machine, and names what is missing: first to be looked at where many tests fail at once.

Usage: machine.py. Each attempt has a directory below the temporary one and a mount namespace of its own. Exit 1 with a line for each that fails.
"""
import os
import subprocess
import sys
import tempfile

# What, beside root; which tests need it; and a script for sh in an empty directory.
NEEDS = [
    ("a mount namespace with a tmpfs", "crash, dest, jobs, node, names that nobody knows", "mkdir d; mount -t tmpfs -o size=1m none d"),
    ("a bind mount that is read-only with all below it (Linux 5.12: mount_setattr)", "packaging.limits",
     "mkdir d; mount --rbind -o ro=recursive / d; ! touch d/tmp/x 2>/dev/null"),
    ("ext4 on a loop device", "snapshot, crash, faults_places, dest_nfs",
     "truncate -s 8m image; mkfs.ext4 -q image; mkdir d; mount -o loop image d"),
    ("btrfs with quotas on a loop device", "crash, faults_places",
     "truncate -s 128m image; mkfs.btrfs -q image; mkdir d; mount -o loop image d; btrfs -q quota enable d"),
    ("an overlay over the temporary directory", "packaging",
     "mkdir lower upper work d; mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work d"),
    ("a cgroup2 with groups of its own", "packaging.boot",
     "mkdir d; mount -t cgroup2 cgroup2 d; mkdir d/snap-test-$$; rmdir d/snap-test-$$"),
    ("a network namespace with two connected interfaces", "faults_slow, packaging",
     "unshare --net sh -euc 'ip link set lo up; ip link add one type veth peer name two'"),
    ("a process namespace with a /proc of its own", "packaging.boot",
     "mkdir d; unshare --pid --fork --kill-child sh -euc 'mount -t proc proc d; [ -d d/1 ]'"),
    ("strace that injects errors into system calls", "crash, soak",
     "[ \"$(strace -qq -o /dev/null -e inject=mkdir,mkdirat:error=ENOSPC mkdir d 2>&1 | grep -c 'No space')\" = 1 ]"),
    ("files that nobody may change (chattr +i: ext4, xfs, btrfs) in the temporary directory", "cli",
     "mkdir d; chattr +i d; ! touch d/x 2>/dev/null; chattr -i d"),
    ("device files in the temporary directory", "jobs", "mknod device c 1 5"),
]


def missing():
    if os.geteuid() != 0:
        yield "root (for all that is mounted and traced): run the tests as root"
        return
    for what, who, script in NEEDS:
        with tempfile.TemporaryDirectory(prefix="etcd-snapshot-machine.") as directory:
            done = subprocess.run(["unshare", "--mount", "--propagation", "unchanged", "sh", "-euc",
                                   "mount --make-rprivate / 2>/dev/null || :\n" + script],
                                  cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
            if done.returncode != 0:
                yield f"{what} (for {who}): {done.stderr.strip() or 'refused'}"


def main():
    complaints = list(missing())
    for complaint in complaints:
        print(f"this machine lacks {complaint}")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
