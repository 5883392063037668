#!/usr/bin/env python3
"""Each mode's objects, whole, as tests/data/chart has them: what a change of a template does to a cluster is seen there.
SNAP_TEST_ACCEPT=1 writes them anew."""
import os
import unittest

from chart import CHART, EXISTING, OPENSHIFT, PV, S3, SYNC, TOP, config, helm, merged, objects, text

GOLDEN = TOP / "tests/data/chart"
# Names that YAML would take for numbers and truths.
NUMBERS = merged(PV, {
    "cluster": "2026", "fullnameOverride": "77", "pv": {"name": "123", "storageClassName": "1"}, "tolerationLabelKey": "yes",
    "nodeRoles": ["1"], "priorityClassName": "0", "securityProfile": "narrow", "imagePullSecrets": [{"name": "5"}],
    "etcd": {"username": "1", "passwordSecret": "10"}, "verify": {"schedule": "@weekly"}, "metrics": {"dashboard": {"enabled": True}},
    "destinations": [dict(S3, name="3", credentialsSecret="1e3", caSecret="0x1f"),
                     {"name": "4", "type": "ssh", "hosts": ["6"], "user": "7", "directory": "/8", "sshSecret": "9", "knownHosts": "11"}]})
CASES = {
    "pv": (PV, {}),
    "existing-volume": (EXISTING, {}),
    "sync-narrow-with-s3": (merged(SYNC, {"securityProfile": "narrow", "destinations": [S3]}), {}),
    "openshift": (merged(PV, {"pv": {"driver": "csi"}}), {"apis": OPENSHIFT}),
    "openshift-narrow-with-verify": (merged(SYNC, {"securityProfile": "narrow", "verify": {"schedule": "0 3 * * 0"}}), {"apis": OPENSHIFT}),
    "numbers-for-names": (NUMBERS, {"apis": OPENSHIFT, "release": "12", "namespace": "2024"}),
}


class Golden(unittest.TestCase):
    maxDiff = None

    def test_every_mode_renders_as_before(self):
        for name, (values, options) in CASES.items():
            with self.subTest(name):
                file = GOLDEN / f"{name}.yaml"
                rendered = text(values, **options)
                if os.environ.get("SNAP_TEST_ACCEPT") == "1":
                    file.write_text(rendered)
                self.assertEqual(rendered, file.read_text())

    def test_every_name_is_text(self):
        def walk(node, path):
            for key, value in (node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()):
                if key in ("name", "namespace", "key", "secretName", "serviceAccountName", "priorityClassName", "volumeName", "storageClassName",
                           "user", "cluster") and not isinstance(value, (dict, list)):
                    self.assertIsInstance(value, str, f"{path}.{key}")
                walk(value, f"{path}.{key}")
        values, options = CASES["numbers-for-names"]
        for item in objects(values, **options):
            walk(item, item["kind"])
        walk(config(values, **options), "config.yaml")
        self.assertEqual({item["metadata"].get("namespace", "2024") for item in objects(values, **options)}, {"2024"})

    def test_no_file_without_a_case(self):
        self.assertEqual({file.stem for file in GOLDEN.glob("*.yaml")}, set(CASES))

    def test_helm_finds_nothing_to_complain_of(self):
        for values in (PV, SYNC):
            status, said, _ = helm("lint", "--strict", str(CHART), values=values)
            self.assertEqual(status, 0, said)
            self.assertNotIn("[WARNING]", said)


if __name__ == "__main__":
    unittest.main()
