#!/usr/bin/env python3
"""The container as a service of a host: podman's own generator reads packaging/quadlet, systemd judges what it makes, and
docs/machineconfig.yaml brings the same files to OpenShift (SNAP_TEST_ACCEPT=1 writes it anew)."""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest
import urllib.parse

import yaml

from overlay import CACHE, Overlay, own_mounts

TOP = pathlib.Path(__file__).resolve().parents[2]
QUADLET = CACHE / "parts/bin/quadlet"
CONTAINERS = ("etcd-snapshot.container", "etcd-snapshot-verify.container")
TIMERS = ("etcd-snapshot.timer", "etcd-snapshot-verify.timer")
MACHINE_CONFIG = TOP / "docs/machineconfig.yaml"
CONFIG = "local:\n  directory: /var/lib/etcd-snapshot\n"


def text(name):
    directory = "quadlet" if name.endswith(".container") else "systemd"
    return (TOP / "packaging" / directory / name).read_text()


def generated(directory):
    """What the generator makes of a directory: its exit status, services by name, and its complaints."""
    if not QUADLET.exists():
        raise AssertionError(f"{QUADLET} is missing: run scripts/parts quadlet")
    done = subprocess.run([QUADLET, "-dryrun"], env={"QUADLET_UNIT_DIRS": str(directory)}, capture_output=True, text=True, check=False)
    parts = re.split(r"^---(\S+)---$", done.stdout, flags=re.MULTILINE)
    complaints = [line for line in done.stderr.splitlines() if "Loading source unit file" not in line]
    return done.returncode, dict(zip(parts[1::2], parts[2::2])), complaints


def machine_config():
    """docs/machineconfig.yaml as it has to be, but for the comments at its top."""
    files = [(f"/etc/containers/systemd/{name}", 0o644, text(name)) for name in CONTAINERS] + [("/etc/etcd-snapshot/config.yaml", 0o600, CONFIG)]
    pull = "[Service]\n# The image is pulled with the cluster's pull secret.\nEnvironment=REGISTRY_AUTH_FILE=/var/lib/kubelet/config.json\n"
    return {
        "apiVersion": "machineconfiguration.openshift.io/v1", "kind": "MachineConfig",
        "metadata": {"name": "99-master-etcd-snapshot", "labels": {"machineconfiguration.openshift.io/role": "master"}},
        "spec": {"config": {
            "ignition": {"version": "3.2.0"},
            "storage": {"files": [{"path": path, "mode": mode, "overwrite": True, "contents": {
                "source": "data:," + urllib.parse.quote(content, safe="/:=@")}} for path, mode, content in files]},
            "systemd": {"units": [{"name": name, "enabled": True, "contents": text(name)} for name in TIMERS] +
                        [{"name": name.replace(".container", ".service"), "dropins": [{"name": "10-pull-secret.conf", "contents": pull}]}
                         for name in CONTAINERS]}}}}


class Text(str):
    """Written as a block, as people do it."""


yaml.SafeDumper.add_representer(Text, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|"))


def blocks(value):
    if isinstance(value, dict):
        return {key: blocks(each) for key, each in value.items()}
    if isinstance(value, list):
        return [blocks(each) for each in value]
    return Text(value) if isinstance(value, str) and "\n" in value else value


class Quadlet(unittest.TestCase):
    def test_makes_a_service_of_each_container_without_a_complaint(self):
        status, services, complaints = generated(TOP / "packaging/quadlet")
        self.assertEqual((status, complaints), (0, []))
        self.assertEqual(set(services), {name.replace(".container", ".service") for name in CONTAINERS})
        for name, verb in (("etcd-snapshot.service", "run"), ("etcd-snapshot-verify.service", "verify --at local")):
            command, = re.findall("^ExecStart=(.*)$", services[name], re.MULTILINE)
            self.assertRegex(command, f"^/usr/bin/podman run .*--rm .* registry.example.com/etcd-snapshot:[0-9.]+ {verb}$")
            for limit in ("--cap-drop all", "--read-only", "--security-opt=no-new-privileges", "--network host"):
                self.assertIn(limit, command)

    def test_finds_a_word_that_it_does_not_know(self):
        with tempfile.TemporaryDirectory() as directory:
            pathlib.Path(directory, CONTAINERS[0]).write_text(text(CONTAINERS[0]).replace("DropCapability", "DropCapabilty"))
            self.assertTrue(generated(directory)[2])

    def test_services_and_timers_are_what_systemd_understands(self):
        system = Overlay()
        self.addCleanup(system.close)
        system.path("/usr/bin/podman").write_text("#!/bin/sh\n")
        system.path("/usr/bin/podman").chmod(0o755)
        units = {**generated(TOP / "packaging/quadlet")[1], **{name: text(name) for name in TIMERS}}
        for name, unit in units.items():
            system.path(f"/etc/systemd/system/{name}").write_text(unit)
        self.assertEqual(system.run("systemd-analyze", "verify", "--man=no", *(f"/etc/systemd/system/{name}" for name in units)), "")

    def test_has_the_limits_and_attempts_of_the_service_without_a_container(self):
        for container in CONTAINERS:
            service = text(container.replace(".container", ".service"))
            self.assertEqual(re.findall("^AddCapability=(.*)$", text(container), re.MULTILINE),
                             re.findall("^CapabilityBoundingSet=(.*)$", service, re.MULTILINE))
            for key in ("Restart", "RestartPreventExitStatus", "RestartSec", "StartLimitIntervalSec", "StartLimitBurst", "StateDirectoryMode"):
                self.assertEqual(re.findall(f"^{key}=.*$", text(container), re.MULTILINE), re.findall(f"^{key}=.*$", service, re.MULTILINE))

    def test_machine_config_brings_the_same_files(self):
        if os.environ.get("SNAP_TEST_ACCEPT"):
            head = "".join(line for line in MACHINE_CONFIG.read_text().splitlines(True) if line.startswith("#"))
            MACHINE_CONFIG.write_text(head + yaml.safe_dump(blocks(machine_config()), sort_keys=False, width=1 << 30))
        self.assertEqual(yaml.safe_load(MACHINE_CONFIG.read_text()), machine_config())

    # sed of an administrator finds it, as docs/podman.md says.
    def test_machine_config_names_the_image_in_clear(self):
        self.assertEqual(MACHINE_CONFIG.read_text().count("Image=registry.example.com/etcd-snapshot:0.1.0"), len(CONTAINERS))
        self.assertIn("sed 's#registry.example.com/etcd-snapshot:0.1.0#", (TOP / "docs/podman.md").read_text())

    def test_image_is_the_version_that_is_built(self):
        version = re.search(r"project\(etcd-snapshot VERSION ([\d.]+)", (TOP / "CMakeLists.txt").read_text())[1]
        for name in CONTAINERS:
            self.assertIn(f"Image=registry.example.com/etcd-snapshot:{version}\n", text(name))


if __name__ == "__main__":
    own_mounts()
    unittest.main()
