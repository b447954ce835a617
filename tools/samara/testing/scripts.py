# SPDX-License-Identifier: MIT
"""Rings 3 and 4: programs under tests/ that print their own results, a line each (report.py has the
form). They may be run by hand as well; this runs as many at a time as there are CPUs, for one that
waits for a machine with one CPU leaves the others idle, and adds up."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .. import build_command, paths
from ..child import die_with_parent
from .report import Report, is_result

_LIMIT = 20 * 60.0  # seconds without a line: a hang detector


def find(ring: str) -> list[Path]:
    folder = paths.ROOT / "tests" / ring
    return sorted(folder.glob("*_test.py" if ring == "system" else "run.py"))


def run(report: Report, ring: str, sweep: bool) -> None:
    build_command.ensure(kernel="release")
    build_command.ensure(kernel="debug")
    at_once = min(2, len(os.sched_getaffinity(0)))  # more would want more memory
    lock = threading.Lock()
    with ThreadPoolExecutor(at_once) as pool:
        runs = [pool.submit(_run_one, report, lock, ring, script, sweep) for script in find(ring)]
        for run_of_one in runs:
            run_of_one.result()


def _run_one(report: Report, lock: threading.Lock, ring: str, script: Path, sweep: bool) -> None:
    command = [sys.executable, str(script)]
    if report.pattern:
        command += ["-k", report.pattern]
    if sweep and ring == "system":
        command += ["--sweep"]
    results = _Results(report, lock, ring)
    with subprocess.Popen(
        command,
        cwd=paths.ROOT,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=die_with_parent(),
    ) as process:
        watchdog = _Watchdog(process, None if sweep else _LIMIT)
        for line in process.stdout:
            watchdog.feed()
            line = line.rstrip()
            if not line.startswith(f"{ring}: "):  # the script's own closing line
                results.feed(line)
        watchdog.stop()
        status = process.wait()
    if status != 0 and not results.failed:
        results.feed(f"not ok {script.name} ended with status {status}")
    results.close()


class _Results:
    """What one script prints, for the report: a result at a time, with all that belongs to it."""

    def __init__(self, report: Report, lock: threading.Lock, ring: str):
        self._report, self._lock, self._ring = report, lock, ring
        self._lines: list[str] = []
        self._has_result = False
        self.failed = False

    def feed(self, line: str) -> None:
        result = is_result(line)
        if self._has_result and (result or line.startswith("# ")):
            self.close()
        self._lines.append(line)
        self._has_result = self._has_result or result
        self.failed = self.failed or line.startswith("not ok")

    def close(self) -> None:
        with self._lock:
            for line in self._lines:
                self._report.feed(self._ring, line)
        self._lines.clear()
        self._has_result = False


class _Watchdog:
    """Kills a script that has not printed a line for too long. Its machines die with it."""

    def __init__(self, process: subprocess.Popen, limit: float | None):
        self._process, self._limit = process, limit
        self._timer: threading.Timer | None = None
        self.feed()

    def feed(self) -> None:
        self.stop()
        if self._limit is not None:
            self._timer = threading.Timer(self._limit, self._process.kill)
            self._timer.daemon = True
            self._timer.start()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
