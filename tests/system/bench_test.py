#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`samara bench`: every row runs on both kernels, and counted instructions repeat. How many they
are is the command's business, not a test's.

    tests/system/bench_test.py [-k NAME]"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import ROOT, SWEEP, Suite, equal

LIMIT = 3600 if SWEEP else 900  # seconds: a hang detector


def bench(*arguments: str) -> dict:
    """The figures that --json writes, by kernel."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "figures.json"
        done = subprocess.run(
            [ROOT / "samara", "bench", "--quiet", "--json", file, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
        assert file.exists(), done.stderr[-3000:]
        return json.loads(file.read_text())


def test_every_row_runs_on_both_kernels():
    figures = bench("--against", "linux", *([] if SWEEP else ["--quick"]))
    equal(list(figures["samara"]), list(figures["linux"]))
    # What needs a second CPU, or programs that are not in the default root.
    absent = {"wake-up on another CPU"}
    if SWEEP:
        absent |= {"python3 starts and ends", "tcc compiles"}
    for kernel in ("samara", "linux"):
        equal({name for name, figure in figures[kernel].items() if figure is None}, absent)
    for name, figure in figures["linux"].items():
        assert name in absent or figure[0] > 0, name


def test_whole_programs_are_measured():
    figures = bench("-k", "400 files")["samara"]
    equal(len(figures), 2)
    assert all(value > 1_000_000 for value, _unit in figures.values()), figures


def test_counted_instructions_repeat():
    """But for the host channel's interrupts, which come when the host likes."""
    first, second = (bench("-k", "tmpfs")["samara"] for _ in range(2))
    equal(list(first), list(second))
    for name, (value, _unit) in first.items():
        assert abs(value / second[name][0] - 1) < 0.01, (name, value, second[name])


def test_profile_adds_up_to_the_table():
    figure, _unit = bench("-k", "getpid")["samara"]["getpid"]
    done = subprocess.run(
        [ROOT / "samara", "bench", "--quiet", "--profile", "getpid"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    equal(done.returncode, 0)
    title, *lines = done.stdout.splitlines()
    total = float(title.removeprefix("getpid: ").split()[0].replace(",", ""))
    # The figure also has the program's own instructions.
    assert figure - 15 < total < figure * 1.01, (title, figure)
    assert any("handle_syscall" in line for line in lines), done.stdout


if __name__ == "__main__":
    sys.exit(Suite("bench", globals()).main())
