# SPDX-License-Identifier: MIT
"""Rings 3 and 4: programs under tests/ that print their own results, a line each (report.py has the
form). They may be run by hand as well; this runs them one after the other and adds up."""

import os
import subprocess
import sys
from pathlib import Path

from .. import build_command, paths
from .report import Report


def find(ring: str) -> list[Path]:
    folder = paths.ROOT / "tests" / ring
    return [*sorted(folder.glob("run.py")), *sorted(folder.glob("*_test.py"))]


def run(report: Report, ring: str, sweep: bool) -> None:
    build_command.ensure(kernel="release")
    build_command.ensure(kernel="debug")
    for script in find(ring):
        _run_one(report, ring, script, sweep)


def _run_one(report: Report, ring: str, script: Path, sweep: bool) -> None:
    command = [sys.executable, str(script)]
    if report.pattern:
        command += ["-k", report.pattern]
    environment = {
        **os.environ,
        "PYTHONPATH": str(paths.ROOT / "tools"),
        "SAMARA_SWEEP": "1" if sweep else "",
    }
    failed_before = report.failed
    with subprocess.Popen(
        command,
        cwd=paths.ROOT,
        env=environment,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        for line in process.stdout:
            line = line.rstrip()
            if not line.startswith(f"{ring}: "):  # the script's own closing line
                report.feed(ring, line)
        status = process.wait()
    if status != 0 and report.failed == failed_before:
        report.add("not ok", ring, f"{script.name} ended with status {status}")
