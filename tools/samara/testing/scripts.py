# SPDX-License-Identifier: MIT
"""Rings 3 and 4: programs under tests/ that print their own results, a line each (report.py has the
form). They may be run by hand as well; this runs them one after the other and adds up."""

import os
import subprocess
import sys
import threading
from pathlib import Path

from .. import build_command, paths
from ..child import die_with_parent
from .report import Report

_LIMIT = 20 * 60.0  # seconds without a line: a hang detector


def find(ring: str) -> list[Path]:
    folder = paths.ROOT / "tests" / ring
    return [path for path in sorted(folder.glob("*.py")) if os.access(path, os.X_OK)]


def run(report: Report, ring: str, sweep: bool) -> None:
    build_command.ensure(kernel="release")
    build_command.ensure(kernel="debug")
    for script in find(ring):
        _run_one(report, ring, script, sweep)


def _run_one(report: Report, ring: str, script: Path, sweep: bool) -> None:
    command = [sys.executable, str(script)]
    if report.pattern:
        command += ["-k", report.pattern]
    if sweep and ring == "system":
        command += ["--sweep"]
    failed_before = report.failed
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
                report.feed(ring, line)
        watchdog.stop()
        status = process.wait()
    if status != 0 and report.failed == failed_before:
        report.add("not ok", ring, f"{script.name} ended with status {status}")


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
