#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Modules of CPython's own tests (libpython3.11-testsuite): what each single test came to.

    cpython.py MODULE..."""

import importlib
import os
import random
import sys
import unittest

from test import support

support.use_resources = ["cpu", "network", "subprocess"]
support.verbose = False
support.real_max_memuse = support.max_memuse = 0
# They detect hangs, and the machine may be slow.
support.LOOPBACK_TIMEOUT = support.SHORT_TIMEOUT = support.LONG_TIMEOUT = 300.0


class Outcomes(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.outcomes, self.reports = {}, []

    def note(self, test, word):
        # Of a class or a module that cannot be set up, there is no test.
        self.outcomes[test.id()] = word

    def startTest(self, test):
        super().startTest(test)
        self.note(test, "ok")

    def addSuccess(self, test):
        pass

    def addError(self, test, error):
        self.note(test, "error")
        self.reports.append((test.id(), self._exc_info_to_string(error, test)))

    def addFailure(self, test, error):
        self.note(test, "failed")
        self.reports.append((test.id(), self._exc_info_to_string(error, test)))

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.addFailure(test, error)

    def addSkip(self, test, reason):
        self.note(test, "skipped")

    def addExpectedFailure(self, test, error):
        self.note(test, "expected failure")

    def addUnexpectedSuccess(self, test):
        self.note(test, "unexpected success")


def load(name):
    module = importlib.import_module(f"test.{name}")
    if name == "test_signal":
        # It measures how fine timers are and skips itself when the machine is busy.
        module.StressTest.decide_itimer_count = lambda self: 1000
    return unittest.defaultTestLoader.loadTestsFromModule(module)


os.chdir("/tmp")
for module in sys.argv[1:]:
    random.seed(1)
    outcomes = Outcomes()
    try:
        load(module).run(outcomes)
    except unittest.SkipTest as reason:
        print(module, "skipped", reason)
    for name, word in sorted(outcomes.outcomes.items()):
        print(name, word)
    for name, report in outcomes.reports:
        print(name, report, file=sys.stderr)
