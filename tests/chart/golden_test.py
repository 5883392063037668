#!/usr/bin/env python3
"""Each mode's objects, whole, as tests/data/chart has them: what a change of a template does to a cluster is seen there.
SNAP_TEST_ACCEPT=1 writes them anew."""
import os
import unittest

from chart import CHART, EXISTING, OPENSHIFT, PV, S3, SYNC, TOP, helm, merged, text

GOLDEN = TOP / "tests/data/chart"
CASES = {
    "pv": (PV, {}),
    "existing-volume": (EXISTING, {}),
    "sync-narrow-with-s3": (merged(SYNC, {"securityProfile": "narrow", "destinations": [S3]}), {}),
    "openshift": (merged(PV, {"pv": {"driver": "csi"}}), {"apis": OPENSHIFT}),
    "openshift-narrow-with-verify": (merged(SYNC, {"securityProfile": "narrow", "verify": {"schedule": "0 3 * * 0"}}), {"apis": OPENSHIFT}),
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

    def test_no_file_without_a_case(self):
        self.assertEqual({file.stem for file in GOLDEN.glob("*.yaml")}, set(CASES))

    def test_helm_finds_nothing_to_complain_of(self):
        for values in (PV, SYNC):
            status, said, _ = helm("lint", "--strict", str(CHART), values=values)
            self.assertEqual(status, 0, said)
            self.assertNotIn("[WARNING]", said)


if __name__ == "__main__":
    unittest.main()
