# SPDX-License-Identifier: MIT
"""Ring 1: the kernel's parts on this machine, under sanitizers, by ctest."""

import re
import subprocess

from .. import build_command
from .report import Report

PRESETS = ("host", "host-tsan")
# Parameters in a name may hold spaces. The result may touch the dots: "***Failed",
# "Subprocess aborted***Exception:".
_LINE = re.compile(r"^ *\d+/\d+ +Test +#\d+: (.+?) \.{3,}(.*?) +[\d.]+ sec")
_LIMIT = 600  # seconds for one test program: a hang detector


def run(report: Report) -> None:
    for preset in PRESETS:
        where = build_command.build_host(preset)
        command = [
            "ctest",
            "--test-dir",
            where,
            "--output-on-failure",
            "--timeout",
            str(_LIMIT),
            "-j2",
        ]
        if report.pattern:
            command += ["-R", re.escape(report.pattern)]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        _follow(report, preset, process)


def _follow(report: Report, preset: str, process: subprocess.Popen) -> None:
    seen = False
    for line in process.stdout:
        match = _LINE.match(line)
        if match:
            seen = True
            result = {"Passed": "ok", "***Skipped": "skip"}.get(match[2].strip(), "not ok")
            report.add(result, "unit", f"{preset} {match[1]}")
        elif seen and not line.startswith((" ", "Test project")) and line.strip():
            if "tests passed" in line or line.startswith(
                ("Total Test time", "The following tests", "Errors while")
            ):
                continue
            report.feed("unit", line.rstrip())
    if process.wait() != 0 and not report.failed:
        report.add("not ok", "unit", f"{preset}: ctest ended with status {process.returncode}")
