# SPDX-License-Identifier: MIT
"""What the test scripts of this folder share: each `test_*` function of a script is a test, prints
one line, and fails by raising. Run a script by hand, or all by `samara test system`."""

import argparse
import os
import sys
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SAMARA_BUILD_DIR") or ROOT / "build")
sys.path.insert(0, str(ROOT / "tools"))

SWEEP = "--sweep" in sys.argv  # the long versions


class Skip(Exception):
    """This test cannot be run here; the text says why."""


def equal(actual, expected) -> None:
    assert actual == expected, f"got {actual!r}, expected {expected!r}"


class Suite:
    """The tests of one script; `kernels` names those on which each is run."""

    def __init__(self, name: str, tests: dict, kernels: tuple[str, ...] = ("",)):
        self.name, self.kernels = name, kernels
        self.tests = {k.removeprefix("test_"): v for k, v in tests.items() if k[:5] == "test_"}
        self.passed = self.failed = 0

    def main(self, select_kernel=lambda kernel: None) -> int:
        parser = argparse.ArgumentParser()
        parser.add_argument("-k", default="", help="only tests whose name contains this")
        parser.add_argument("--kernel", action="append", help="only on this kernel")
        parser.add_argument("--sweep", action="store_true", help="the long versions")
        options = parser.parse_args()
        for kernel in options.kernel or self.kernels:
            select_kernel(kernel)
            for name, function in self.tests.items():
                label = f"{self.name} on {kernel}: {name}" if kernel else f"{self.name}: {name}"
                if options.k in label:
                    self._run(label, function)
        print(f"system: {self.passed} passed, {self.failed} failed")
        return 1 if self.failed else 0

    def _run(self, label: str, function) -> None:
        try:
            function()
        except Skip as reason:
            print(f"skip {label}: {reason}", flush=True)
        except Exception:
            self.failed += 1
            report = traceback.format_exc(limit=-4).rstrip().replace("\n", "\n  ")
            print(f"not ok {label}\n  {report}", flush=True)
        else:
            self.passed += 1
            print(f"ok {label}", flush=True)
