# SPDX-License-Identifier: MIT
"""Documents name files that exist: `paths/in/backquotes` and [links](to/files)."""

import re
from pathlib import Path

from source import File, Finding

QUOTED = re.compile(r"`([A-Za-z0-9_][A-Za-z0-9_./-]*)`")
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)")
# What looks like a path of ours: under one of the roots, or with one of the endings.
ROOTS = ("kernel/", "tools/", "docs/", "tests/", "user/", "cmake/")
ENDINGS = (".h", ".cc", ".S", ".md", ".def", ".ld", ".py", ".cmake")
PLACES = ("", "kernel/", "kernel/arch/aarch64/", "kernel/arch/include/", "tools/", "tests/")


def check(root: Path, files: list[File]) -> list[Finding]:
    findings = []
    for file in files:
        if file.suffix != ".md":
            continue
        here = (root / file.path).parent
        for number, line in enumerate(file.lines, 1):
            for name in QUOTED.findall(line):
                if names_our_file(name) and not exists(root, here, name):
                    findings.append(Finding(file.path, number, "dead-name", f"no file {name}"))
            for match in LINK.finditer(line):
                target = match.group(1)
                if "://" not in target and not (here / target).exists():
                    findings.append(Finding(file.path, number, "dead-link", f"no file {target}"))
    return findings


def names_our_file(name: str) -> bool:
    if name.startswith(ROOTS):
        return True
    return "/" in name and name.endswith(ENDINGS)


def exists(root: Path, here: Path, name: str) -> bool:
    if (here / name).exists():
        return True
    for place in PLACES:
        path = root / place / name
        # `tools/samara/session` names a module by its stem.
        if path.exists() or any(path.parent.glob(path.name + ".*")):
            return True
    return False
