# SPDX-License-Identifier: MIT
"""`samara loc`: how many lines of our own code a kernel is made of. What the build says it has read
is counted: the sources of the image and the headers that their compilations opened. A line counts
unless it is blank or all comment."""

import re
import subprocess
from collections import Counter
from pathlib import Path

from . import build_command, paths, profiles
from .errors import SamaraError

_BLOCK_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def run(arguments) -> int:
    preset = profiles.preset(arguments.preset, arguments.profile)
    build_command.ensure(kernel=preset)
    lines = count(build_command.directory(preset))
    for name, number in _rows(lines, arguments.files):
        print(f"{number:7}  {name}")
    print(f"{sum(lines.values()):7}  in {len(lines)} files")
    return 0


def count(build: Path) -> dict[Path, int]:
    """The files of kernel/ that the image in `build` is made of, with their lines."""
    kernel = paths.ROOT / "kernel"
    return {
        path.relative_to(kernel): _lines(path)
        for path in sorted(files_read(build))
        if path.is_relative_to(kernel)
    }


def files_read(build: Path) -> set[Path]:
    """Every file that went into the image in `build`, intermediate ones included."""
    inputs = set(_ninja(build, "inputs", "image").splitlines())
    found = {(build / name).resolve() for name in inputs}
    # Blocks of "OBJECT: #deps N, …", each file that it was made from on a line of its own. What is
    # no longer compiled is still in there.
    for block in _ninja(build, "deps").split("\n\n"):
        head, *read = block.splitlines() or [""]
        if head.split(":")[0] in inputs:
            found |= {(build / name.strip()).resolve() for name in read}
    return found


def _ninja(build: Path, tool: str, *arguments: str) -> str:
    done = subprocess.run(
        ["ninja", "-C", build, "-t", tool, *arguments], capture_output=True, text=True
    )
    if done.returncode != 0:
        raise SamaraError(f"ninja -t {tool}: {done.stderr.strip()}")
    return done.stdout


def _lines(path: Path) -> int:
    text = _BLOCK_COMMENT.sub("", path.read_text())
    stripped = (line.strip() for line in text.splitlines())
    return sum(1 for line in stripped if line and not line.startswith("//"))


def _rows(lines: dict[Path, int], files: bool) -> list[tuple[str, int]]:
    if files:
        return [(str(path), number) for path, number in lines.items()]
    folders = Counter()
    for path, number in lines.items():
        # Two levels where there are two: arch/aarch64, fs/vfs.
        folders["/".join(path.parts[: min(2, len(path.parts) - 1)])] += number
    return sorted(folders.items())
