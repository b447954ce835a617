# SPDX-License-Identifier: MIT
"""Escape hatches: each needs a `// SAFETY:` comment in the lines around it, and their number may
only fall. baseline.json holds the numbers; a change that raises one edits it, for the reviewer to
see."""

import json
import re
from pathlib import Path

from source import File, Finding

HATCHES = {
    "NO_THREAD_SAFETY_ANALYSIS": re.compile(r"\bNO_THREAD_SAFETY_ANALYSIS\b"),
    "const_cast": re.compile(r"\bconst_cast<"),
    "diagnostic ignored": re.compile(r"#pragma (GCC|clang) diagnostic ignored"),
    "NOLINT": re.compile(r"\bNOLINT\b"),
}
NEEDS_COMMENT = ("NO_THREAD_SAFETY_ANALYSIS", "diagnostic ignored")
LINES_ABOVE = 12
LINES_BELOW = 2
DEFINITION = "kernel/sync/annotations.h"


def check(root: Path, files: list[File]) -> list[Finding]:
    findings = []
    counts = dict.fromkeys(HATCHES, 0)
    for file in files:
        if not file.is_cpp or file.is_test or file.path == DEFINITION:
            continue
        for number, line in enumerate(file.lines, 1):
            for name, pattern in HATCHES.items():
                if not pattern.search(line):
                    continue
                counts[name] += 1
                around = file.lines[max(0, number - 1 - LINES_ABOVE) : number + LINES_BELOW]
                if name in NEEDS_COMMENT and not any("SAFETY" in text for text in around):
                    findings.append(
                        Finding(file.path, number, "safety", f"{name} without a // SAFETY: comment")
                    )
    return findings + compare(root, counts)


def compare(root: Path, counts: dict[str, int]) -> list[Finding]:
    place = "tools/check/baseline.json"
    baseline = json.loads((root / place).read_text())
    return [
        Finding(place, 1, "escapes", f"{count} uses of {name}, {baseline.get(name, 0)} are allowed")
        for name, count in counts.items()
        if count > baseline.get(name, 0)
    ]
