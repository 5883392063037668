#!/usr/bin/env python3
"""`save`, `run`, `status` and `verify` against the stock tools, in one run.

    scripts/root bench/save.py [--mib 700] [--rounds 5] [--tls]

Needs the program (scripts/build etcd-snapshot) and etcd 3.6 (scripts/parts etcd). The database is made once: 700 MiB of values
give a file of about 1 GB. Prints one line of JSON per comparison; quote the ratios, not the seconds.
"""
import argparse
import pathlib
import shutil

from harness import AGENT, CACHE, PARTS, Etcd, compare, need, run


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=700)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tls", action="store_true")
    options = parser.parse_args()
    need(AGENT, "run scripts/build etcd-snapshot")

    out = CACHE / "bench" / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    ours, theirs = out / "ours.db", out / "theirs.db"

    def clean():
        for file in (ours, theirs):
            pathlib.Path(file).unlink(missing_ok=True)
        shutil.rmtree(out / "sets", ignore_errors=True)

    with Etcd(options.mib, options.tls) as etcd:
        name = "over TLS" if options.tls else "plain"
        compare(f"save, {name} / etcdctl snapshot save", [AGENT, "save", "--quiet", *etcd.client_flags(), ours],
                [PARTS / "etcdctl", *etcd.client_flags(), "snapshot", "save", theirs], options.rounds, clean)
        config = out / "config.yaml"
        config.write_text(f"cluster: bench\netcd: {{profile: none}}\nlocal: {{directory: {out}/sets}}\n")
        both = f"{PARTS}/etcdctl {' '.join(etcd.client_flags())} snapshot save {theirs} && {PARTS}/etcdutl snapshot status {theirs}"
        compare(f"run as shipped, {name} / etcdctl save and etcdutl status",
                [AGENT, "run", "--quiet", "--config", config, *etcd.client_flags()], ["sh", "-c", both], options.rounds, clean)
        # The cache is warm for both: each file is read once before.
        run([PARTS / "etcdctl", *etcd.client_flags(), "snapshot", "save", theirs])
    run(["cat", theirs])
    compare("status, warm cache / etcdutl snapshot status", [AGENT, "status", theirs], [PARTS / "etcdutl", "snapshot", "status", theirs],
            options.rounds)
    compare("verify, warm cache / openssl dgst -sha256", [AGENT, "verify", "--quiet", theirs], ["openssl", "dgst", "-sha256", theirs],
            options.rounds)
    shutil.rmtree(out, ignore_errors=True)


if __name__ == "__main__":
    main()
