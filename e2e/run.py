#!/usr/bin/env python3
"""Starts the cluster and runs the scenarios, in order; scripts/e2e calls it inside the cluster's namespaces.

Usage: run.py WORK IMAGE [--shell | SCENARIO...]
In the shell, call it again with a scenario: the cluster that runs is taken.
"""
import os
import pathlib
import sys
import time
import unittest

import cluster

# The order of a day: what later scenarios rest on comes first, what disturbs the whole cluster last.
SCENARIOS = ["test_image", "test_pv", "test_mistakes", "test_sync", "test_disturbed", "test_recover"]


class InOrder(unittest.TestLoader):
    """Tests run in the order in which they stand."""

    def getTestCaseNames(self, testCaseClass):
        return [name for name in vars(testCaseClass) if name.startswith("test_")]

    def loadTestsFromModule(self, module, *, pattern=None):
        classes = [found for found in vars(module).values() if isinstance(found, type) and issubclass(found, unittest.TestCase)]
        return self.suiteClass([self.loadTestsFromTestCase(found) for found in classes if found.__module__ == module.__name__])


class Told(unittest.TextTestResult):
    """One line for each test, as a sentence, with its seconds; what went wrong comes at once."""

    begun = 0.0

    def startTest(self, test):
        unittest.TestResult.startTest(self, test)
        self.begun = time.monotonic()

    def line(self, test, verdict):
        words = test.id().split(".")[-2:] if isinstance(test, unittest.TestCase) else ["", test.id()]
        sentence = words[1].removeprefix("test_").replace("_", " ")
        self.stream.writeln(f"{verdict:6} {time.monotonic() - self.begun:5.1f} s  {words[0]}: {sentence}")
        self.stream.flush()

    def addSuccess(self, test):
        self.line(test, "ok")

    def addError(self, test, err):
        unittest.TestResult.addError(self, test, err)
        self.line(test, "ERROR")
        self.stream.writeln(self.errors[-1][1])

    def addFailure(self, test, err):
        unittest.TestResult.addFailure(self, test, err)
        self.line(test, "FAILED")
        self.stream.writeln(self.failures[-1][1])

    def printErrors(self):
        pass  # each was told at once


def main():
    work, image, *wanted = sys.argv[1:]
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    cluster.start(pathlib.Path(work), image)
    if wanted == ["--shell"]:
        os.execvp("bash", ["bash", "--norc"])
    suite = InOrder().loadTestsFromNames(wanted or SCENARIOS)
    result = unittest.TextTestRunner(stream=sys.stdout, resultclass=Told, verbosity=0).run(suite)
    sys.exit(not result.wasSuccessful())


if __name__ == "__main__":
    main()
