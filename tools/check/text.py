# SPDX-License-Identifier: MIT
"""Rules about single lines and names: licence line, columns, TODOs, conditionals, volatile."""

import re
from pathlib import Path

from source import CODE, File, Finding

COLUMNS = 100
TODO = re.compile(r"\b(TODO|FIXME|XXX)\b(?!\(#\d+\))")
ARCH_CONDITIONAL = re.compile(
    r"^\s*#\s*(if|ifdef|ifndef|elif)\b.*"
    r"(__aarch64__|__arm__|__x86_64__|__i386__|__riscv|SAMARA_HOST|SAMARA_ARCH)"
)
VOLATILE = re.compile(r"(?<!asm )\bvolatile\b")
SNAKE_CASE = re.compile(r"^[a-z0-9_.-]+$")
# Where registers of devices and the CPU are touched.
VOLATILE_PLACES = ("kernel/arch/", "kernel/mm/kernel_map.h", "kernel/drivers/")


def is_comment(line: str) -> bool:
    return line.lstrip().startswith(("//", "*", "/*", "#"))


def check(root: Path, files: list[File]) -> list[Finding]:
    findings = []
    for file in files:
        if is_code(file):
            findings += check_licence(file)
            findings += check_lines(file)
            findings += check_columns(file)
        if file.is_cpp:
            findings += check_cpp(file)
    return findings


def is_code(file: File) -> bool:
    if file.suffix in CODE or file.path.endswith("CMakeLists.txt"):
        return True
    return bool(file.suffix == "" and file.lines and file.lines[0].startswith("#!"))


def check_licence(file: File) -> list[Finding]:
    if file.path.endswith("__init__.py") and not file.lines:
        return []
    first = file.lines[0] if file.lines else ""
    if first.startswith("#!") and len(file.lines) > 1:
        first = file.lines[1]
    if "SPDX-License-Identifier: MIT" in first:
        return []
    return [Finding(file.path, 1, "licence", "line 1 is the SPDX-License-Identifier")]


def check_columns(file: File) -> list[Finding]:
    return [
        Finding(file.path, number, "columns", f"{len(line)} columns of {COLUMNS}")
        for number, line in enumerate(file.lines, 1)
        if len(line) > COLUMNS and "http" not in line and file.suffix != ".def"
    ]


def check_lines(file: File) -> list[Finding]:
    findings = []
    for number, line in enumerate(file.lines, 1):
        if "\t" in line and file.suffix != ".S":
            findings.append(Finding(file.path, number, "tabs", "a tab"))
        if line != line.rstrip():
            findings.append(Finding(file.path, number, "spaces", "spaces at the end of the line"))
        if TODO.search(line) and not file.path.startswith("tools/check/"):
            findings.append(Finding(file.path, number, "todo", "write TODO(#issue)"))
    return findings


def check_cpp(file: File) -> list[Finding]:
    findings = []
    name = Path(file.path).name
    if not SNAKE_CASE.match(name):
        findings.append(Finding(file.path, 1, "names", "file names are snake_case"))
    if file.suffix == ".h" and not any(line.strip() == "#pragma once" for line in file.lines):
        findings.append(Finding(file.path, 1, "pragma-once", "a header without #pragma once"))
    for number, line in enumerate(file.lines, 1):
        if ARCH_CONDITIONAL.match(line) and not file.path.startswith("kernel/arch/"):
            findings.append(
                Finding(file.path, number, "arch-if", "no #if on architecture outside arch/")
            )
        if (
            VOLATILE.search(line)
            and not is_comment(line)
            and not file.is_test
            and not file.path.startswith(VOLATILE_PLACES)
            and "asm" not in line
        ):
            findings.append(
                Finding(file.path, number, "volatile", "volatile is for device registers only")
            )
    return findings
