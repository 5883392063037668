"""Prometheus' own tool, which scripts/parts fetches."""
import os
import pathlib
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
ALERTS = TOP / "chart/files/alerts.yaml"
DASHBOARD = TOP / "chart/files/dashboard.json"
CACHE = pathlib.Path(os.environ.get("ETCD_SNAPSHOT_CACHE") or
                     pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "etcd-snapshot")
PROMTOOL = CACHE / "parts/bin/promtool"


def promtool(*arguments):
    """Its exit status and all that it printed."""
    if not PROMTOOL.exists():
        raise AssertionError(f"{PROMTOOL} is missing: run scripts/parts promtool")
    done = subprocess.run([PROMTOOL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=100)
    return done.returncode, done.stdout
