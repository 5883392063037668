#!/usr/bin/env python3
"""Proves that faults.py can fail: each case breaks one thing in a small made-up tree and expects exactly one complaint."""
import pathlib
import tempfile
import unittest
from unittest import mock

import faults

TABLE = """# Faults
| id | fault | instead of a test |
| --- | --- | --- |
| F-E01 | nobody answers | |
| F-E02 | one is dead | covered by Client.TriesTheNext |
| F-E03 | no such name | kernel: has no resolver |
| F-N01 | no export | later: destination NFS |
"""
TESTS = "TEST(Client, TriesTheNext) {}\n// F-E01\nTEST_P(Client, SaysWho) {}\n"
PYTHON = "class Walls(unittest.TestCase):\n    def test_one(self):\n        pass\n"


def check(table=TABLE, tests=TESTS):
    with tempfile.TemporaryDirectory() as top:
        folder = pathlib.Path(top, "tests")
        (folder / "etcd").mkdir(parents=True)
        (folder / "FAULTS.md").write_text(table)
        (folder / "etcd/client_test.cc").write_text(tests)
        (folder / "some_test.py").write_text(PYTHON)
        (folder / "faults_test.py").write_text("F-E01 F-E02 F-E77")
        with mock.patch.object(faults, "GROUPS", {"E": 3, "N": 1}):
            return list(faults.violations(top))


class Faults(unittest.TestCase):
    def test_a_sound_tree_passes(self):
        self.assertEqual(check(), [])

    def test_fault_without_a_test(self):
        self.assertEqual(check(tests=TESTS.replace("F-E01", "F-E0")), ["F-E01: no test names it (nobody answers)"])

    def test_longer_id_does_not_count(self):
        self.assertEqual(check(tests=TESTS.replace("F-E01", "F-E011")), ["F-E01: no test names it (nobody answers)"])

    def test_reason_that_is_none_of_the_three(self):
        self.assertEqual(check(TABLE.replace("kernel: has", "hard: has")),
                         ['F-E03: "hard: has no resolver" is none of the three reasons'])

    def test_reason_without_words(self):
        self.assertEqual(check(TABLE.replace("kernel: has no resolver", "kernel:")), ['F-E03: "kernel:" is none of the three reasons'])

    def test_covering_test_that_does_not_exist(self):
        self.assertEqual(check(TABLE.replace("TriesTheNext", "TriesTheLast")), ["F-E02: there is no test Client.TriesTheLast"])

    def test_covering_test_of_a_parameterized_suite(self):
        self.assertEqual(check(TABLE.replace("TriesTheNext", "SaysWho")), [])

    def test_covering_test_in_python(self):
        self.assertEqual(check(TABLE.replace("Client.TriesTheNext", "Walls.test_one")), [])

    def test_fault_whose_line_is_gone(self):
        self.assertEqual(check(TABLE.replace("| F-N01 | no export | later: destination NFS |\n", "")),
                         ["F-N01: has no line in tests/FAULTS.md"])

    def test_line_that_is_not_counted(self):
        self.assertEqual(check(TABLE + "| F-N02 | silence | later: destination NFS |\n"),
                         ["F-N02: a line in tests/FAULTS.md, but GROUPS in tests/faults.py does not count it"])

    def test_line_twice(self):
        self.assertEqual(check(TABLE + "| F-N01 | no export | later: destination NFS |\n"), ["F-N01: two lines in tests/FAULTS.md"])

    def test_line_without_a_fault(self):
        self.assertEqual(check(TABLE.replace("nobody answers", "")), ["F-E01: its line in tests/FAULTS.md does not say what the fault is"])

    def test_line_with_too_few_columns(self):
        self.assertEqual(check(TABLE.replace("| F-E01 | nobody answers | |", "| F-E01 | nobody answers\n| F-E01 | nobody answers | |")),
                         ["tests/FAULTS.md:4: not a line of the form | F-E01 | fault | reason |"])

    def test_test_that_names_an_unknown_fault(self):
        self.assertEqual(check(tests=TESTS + "// F-Z01\n"),
                         ["tests/etcd/client_test.cc: names F-Z01, which tests/FAULTS.md does not know"])


if __name__ == "__main__":
    unittest.main()
