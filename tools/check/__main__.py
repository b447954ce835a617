# SPDX-License-Identifier: MIT
"""The rules of docs/style.md that a program can check. Usage: tools/check [--longest]

Prints `file:line: rule: what is wrong` for each finding and ends with 1 when there is one.
--longest also lists the longest files and functions, which are a smell, not an error. Reads the
files that git knows; runs in seconds. One rule family per module beside this file."""

import subprocess
import sys
import time
from pathlib import Path

import documents
import escapes
import layers
import sizes
import text
from source import Finding, load

ROOT = Path(__file__).resolve().parents[2]


def generated_files() -> list[Finding]:
    """docs/linux-abi.md is what the system-call tables say."""
    tool = ROOT / "tools" / "gen_abi_doc"
    if not tool.exists():
        return []
    result = subprocess.run(
        [sys.executable, tool, "--check"], capture_output=True, text=True, cwd=ROOT
    )
    if result.returncode == 0:
        return []
    said = (result.stdout + result.stderr).strip().splitlines()
    return [Finding("docs/linux-abi.md", 1, "generated", said[-1] if said else "is out of date")]


def main() -> int:
    begun = time.monotonic()
    files = load(ROOT)
    findings = []
    for rules in (layers, text, escapes, documents):
        findings += rules.check(ROOT, files)
    findings += generated_files()
    for finding in sorted(findings):
        print(finding)
    if "--longest" in sys.argv[1:]:
        sizes.report(files)
    spent = time.monotonic() - begun
    verdict = f"{len(findings)} findings" if findings else "clean"
    print(f"check: {len(files)} files, {verdict}, {spent:.1f} s")
    return 1 if findings else 0


sys.exit(main())
