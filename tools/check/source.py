# SPDX-License-Identifier: MIT
"""The files that are checked, and what a finding looks like."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

CODE = {".h", ".cc", ".c", ".S", ".ld", ".def", ".cmake", ".py"}


@dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


@dataclass(frozen=True)
class File:
    path: str  # from the root, with /
    lines: tuple[str, ...]

    @property
    def suffix(self) -> str:
        return Path(self.path).suffix

    @property
    def is_cpp(self) -> bool:
        return self.path.startswith("kernel/") and self.suffix in {".h", ".cc"}

    @property
    def is_test(self) -> bool:
        """Code that only makes tests possible may use what it likes."""
        return (
            self.path.endswith(("_test.cc", "_ktest.cc"))
            or self.path.startswith("kernel/host_tests/")
            or self.path.startswith("kernel/arch/host/")
        )


def load(root: Path) -> list[File]:
    """Every text file that git tracks or would track."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    files = []
    for name in sorted(set(names)):
        path = root / name
        if not path.is_file() or path.is_symlink():
            continue
        if path.suffix not in CODE | {".md", ".txt", ".json", ""}:
            continue
        try:
            files.append(File(name, tuple(path.read_text(encoding="utf-8").splitlines())))
        except UnicodeDecodeError:
            continue
    return files
