# SPDX-License-Identifier: MIT
"""The sha256 of a file, and of a directory: that of the list which

    find . -type f | LC_ALL=C sort | xargs sha256sum

prints in it, so that anyone can check it by hand."""

import hashlib
import os
from pathlib import Path


def of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def of(path: Path) -> str:
    """Raises OSError for what is neither a file nor a directory of such."""
    if path.is_symlink() or not (path.is_file() or path.is_dir()):
        raise OSError(f"{path} is neither a file nor a directory")
    if path.is_file():
        return of_file(path)
    lines = [f"{of(file)}  ./{name}\n" for name, file in files(path)]
    return hashlib.sha256(os.fsencode("".join(lines))).hexdigest()


def files(top: Path) -> list[tuple[str, Path]]:
    """All that is not a directory, sorted by the bytes of its path."""
    found = [path for path in top.rglob("*") if path.is_symlink() or not path.is_dir()]
    named = [(os.fspath(path.relative_to(top)), path) for path in found]
    return sorted(named, key=lambda pair: os.fsencode(pair[0]))
