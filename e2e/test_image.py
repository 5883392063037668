"""The image: what is in it, and that it needs no shell and no root."""
import json
import tarfile
import unittest

import cluster
from cluster import kubectl, until


def layer_files():
    with tarfile.open(cluster.image_archive) as archive:
        manifest = json.load(archive.extractfile("manifest.json"))[0]
        config = json.load(archive.extractfile(manifest["Config"]))
        files = {}
        for layer in manifest["Layers"]:
            with tarfile.open(fileobj=archive.extractfile(layer)) as tar:
                for entry in tar:
                    files[entry.name] = tar.extractfile(entry).read() if entry.name.endswith(".spdx.json") else entry
        return config, files


class TheImage(unittest.TestCase):
    def test_holds_the_program_and_its_libraries_and_no_shell(self):
        config, files = layer_files()
        self.assertIn("usr/bin/etcd-snapshot", files)
        self.assertEqual(["etcd-snapshot"], [name.split("/")[-1] for name in files if name.startswith("usr/bin/")])
        self.assertEqual(["/usr/bin/etcd-snapshot"], config["config"]["Entrypoint"])
        self.assertEqual("Apache-2.0", config["config"]["Labels"]["org.opencontainers.image.licenses"])
        self.assertEqual([], [name for name, entry in files.items() if getattr(entry, "mode", 0) & 0o6000])

    def test_lists_its_packages(self):
        _, files = layer_files()
        listed = json.loads(files["usr/share/sbom/etcd-snapshot.spdx.json"])
        self.assertEqual("SPDX-2.3", listed["spdxVersion"])
        packages = {package["name"]: package["versionInfo"] for package in listed["packages"]}
        for name in ("etcd-snapshot", "libc6", "libssl3t64", "libcurl4t64", "libnfs14", "libssh-4", "ca-certificates"):
            self.assertIn(name, packages)

    def test_runs_in_a_pod_that_a_restricted_namespace_takes(self):
        cluster.make_namespace("image", "restricted")
        kubectl("-n", "image", "apply", "-f", "-", input=json.dumps({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "version"}, "spec": {
                "restartPolicy": "Never", "containers": [{
                    "name": "agent", "image": cluster.image, "args": ["--version"], "securityContext": {
                        "runAsNonRoot": True, "runAsUser": 65532, "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}}}]}}))
        until("the pod has ended", lambda: cluster.get("pod", "version", "image")["status"]["phase"] == "Succeeded")
        self.assertRegex(kubectl("-n", "image", "logs", "version"), r"^etcd-snapshot \d+\.\d+\.\d+")
