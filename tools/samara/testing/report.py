# SPDX-License-Identifier: MIT
"""Counts and prints test results: one line per test, `ok`, `not ok`, `known` (fails, and is listed
as doing so) or `skip`, with the details of a failure below it; at the end what failed, each ring's
count, and a line like ctest's."""

import re
from collections import Counter

_RESULT = re.compile(r"^(ok|not ok|known|skip)\b[ :]*(.*)$")


def is_result(line: str) -> bool:
    return _RESULT.match(line) is not None


class Report:
    def __init__(self, pattern: str | None = None, verbose: bool = False, notes: bool = False):
        """Notes are shown with failures, or with all results."""
        self.pattern, self.verbose = pattern, verbose
        self._all_notes = notes or verbose
        self.passed = self.failed = self.skipped = 0
        self._rings: dict[str, Counter] = {}
        self._failures: list[str] = []
        self._show_details = False
        self._notes: list[str] = []  # `# …` lines, which belong to the result that follows

    def wants(self, name: str) -> bool:
        return self.pattern is None or self.pattern in name

    def add(self, result: str, ring: str, name: str) -> None:
        if result == "not ok":
            self.failed += 1
            self._failures.append(f"{ring:<6} {name}")
        elif result == "skip":
            self.skipped += 1
        else:
            self.passed += 1
        self._rings.setdefault(ring, Counter())[result] += 1
        self._show_details = result == "not ok"
        print(f"{result:<6} {ring:<6} {name}", flush=True)
        for note in self._notes if result == "not ok" or self._all_notes else ():
            self.detail(note)
        self._notes.clear()

    def feed(self, ring: str, line: str) -> None:
        """A line of a test program: its result when it has that form, else what belongs to the last
        one."""
        match = _RESULT.match(line)
        if match:
            self.add(match[1], ring, match[2].strip())
        elif line.startswith("# "):
            self._notes.append(line)
        elif self._show_details or self.verbose:
            self.detail(line)

    def detail(self, line: str) -> None:
        print(f"       {line}", flush=True)

    def close(self) -> int:
        for failure in self._failures:
            print(f"failed {failure}")
        if len(self._rings) > 1:
            for ring, results in self._rings.items():
                print(f"{ring}: " + ", ".join(f"{n} {result}" for result, n in results.items()))
        if self.skipped:
            print(f"{self.skipped} skipped")
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed or not (self.passed or self.skipped) else 0
