#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The build itself: both compilers accept everything, and the same sources give the same bytes.

    tests/system/build_test.py [-k NAME]"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import BUILD, ROOT, Suite, equal

LIMIT = 1800


def build(checkout: Path, directory: Path, *options: str) -> None:
    done = subprocess.run(
        [checkout / "samara", "build", "--quiet", *options],
        env={**os.environ, "SAMARA_BUILD_DIR": str(directory)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_gcc_accepts_the_kernel():
    build(ROOT, BUILD, "--debug", "--compiler", "gcc")


def test_sanitized_kernel_builds():
    build(ROOT, BUILD, "--sanitize")


def test_two_clean_builds_are_identical():
    """A second build from another directory, with nothing of the first but what setup fetched."""
    kinds = (["--release"], ["--profile", "seed"])
    for options in kinds:
        build(ROOT, BUILD, *options)
    with tempfile.TemporaryDirectory() as name:
        checkout, directory = Path(name) / "elsewhere", Path(name) / "other-build"
        tracked = subprocess.run(
            ["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, check=True
        )
        for path in filter(None, os.fsdecode(tracked.stdout).split("\0")):
            if (ROOT / path).exists():
                (checkout / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / path, checkout / path)
        directory.mkdir()
        for fetched in ("deps", "packages"):
            (directory / fetched).symlink_to(BUILD / fetched)
        for options in kinds:
            build(checkout, directory, *options)
        for product in ("Image", "samara.elf", "root.cpio", "user/init", "seed/Image"):
            first, second = (BUILD / product).read_bytes(), (directory / product).read_bytes()
            equal((product, len(first), first == second), (product, len(second), True))


if __name__ == "__main__":
    sys.exit(Suite("build", globals()).main())
