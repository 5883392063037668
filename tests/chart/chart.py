"""The chart as helm renders it."""
import copy
import functools
import json
import os
import pathlib
import subprocess
import tempfile

import yaml

TOP = pathlib.Path(__file__).resolve().parents[2]
CHART = TOP / "chart"
CACHE = pathlib.Path(os.environ.get("ETCD_SNAPSHOT_CACHE") or
                     pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "etcd-snapshot")
HELM = CACHE / "parts/bin/helm"

# The least that each mode needs.
PV = {"pv": {"server": "10.0.0.5", "path": "/exports/etcd"}}
EXISTING = {"pv": {"create": False, "name": "backup-volume"}}
SYNC = {"mode": "sync", "sync": {"sshSecret": "mirror-key", "knownHosts": "mirror-hosts"}}
S3 = {"name": "offsite", "type": "s3", "endpoint": "https://s3.example.com", "bucket": "etcd", "credentialsSecret": "s3-keys"}
OPENSHIFT = ("security.openshift.io/v1",)


def merged(*parts):
    """One dict of values out of several, section by section."""
    result = {}
    for part in parts:
        for key, value in part.items():
            both = isinstance(value, dict) and isinstance(result.get(key), dict)
            result[key] = merged(result[key], value) if both else value
    return result


def helm(*arguments, values=None):
    """Its exit status, output and errors. `values` go in by a file, as an administrator's do."""
    if not HELM.exists():
        raise AssertionError(f"{HELM} is missing: run scripts/parts helm")
    with tempfile.TemporaryDirectory() as home:
        command = [str(HELM), *arguments]
        if values is not None:
            file = pathlib.Path(home) / "values.yaml"
            file.write_text(json.dumps(values))
            command += ["-f", str(file)]
        environment = {"PATH": os.environ["PATH"], "HOME": home}
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, env=environment)
    return done.returncode, done.stdout, done.stderr


def template(values, release="backup", namespace="etcd-backup", kubernetes="1.33", apis=()):
    options = ["--namespace", namespace, "--kube-version", kubernetes]
    for api in apis:
        options += ["--api-versions", api]
    return helm("template", release, str(CHART), *options, values=values)


@functools.lru_cache(maxsize=None)
def _text(values, options):
    status, out, errors = template(json.loads(values), **dict(options))
    if status != 0:
        raise AssertionError(f"helm refuses {values}: {errors}")
    return out


def text(values, **options):
    """The rendered text."""
    return _text(json.dumps(values), tuple(sorted(options.items())))


LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@functools.lru_cache(maxsize=None)
def _objects(rendered):
    return [found for found in yaml.load_all(rendered, LOADER) if found]


def objects(values, **options):
    """All objects, in the order of the text."""
    return copy.deepcopy(_objects(text(values, **options)))


def one(values, kind, name=None, **options):
    """The only object of this kind, and of this name where it is given."""
    found = [item for item in objects(values, **options) if item["kind"] == kind and name in (None, item["metadata"]["name"])]
    if len(found) != 1:
        raise AssertionError(f"{len(found)} objects of kind {kind} {name or ''}")
    return found[0]


def pod(values, **options):
    """The pod's spec out of the CronJob of `run`."""
    jobs = [item for item in objects(values, **options) if item["kind"] == "CronJob" and not item["metadata"]["name"].endswith("-verify")]
    return jobs[0]["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def container(values, **options):
    return pod(values, **options)["containers"][0]


def config(values, **options):
    """The agent's configuration."""
    maps = [item for item in objects(values, **options) if item["kind"] == "ConfigMap" and "config.yaml" in item["data"]]
    return yaml.safe_load(maps[0]["data"]["config.yaml"])
